"""The one control of the app: t, by slider, by number, or by what it should achieve."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from curation import queries
from curation.errors import CurationError
from curation.runs.config import DEFAULT_TAIL_SHARE
from curation.runs.folder import Run
from curation.ui import state
from curation.ui.text import notice, number, share


def choose_t(run: Run) -> float:
    """Slider, number and "Find t", all three in step; returns t."""
    t = state.t(run)
    stops = np.unique([*run.curves.grid, t]).tolist()
    st.session_state["t_slider"] = st.session_state["t_number"] = t
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if len(stops) > 1:
            st.select_slider(
                "Threshold t", stops, format_func=number, key="t_slider", on_change=_take, args=(run, "t_slider"),
                help="How many of its texts each entry may keep. The slider moves on a grid of thresholds; "
                "the number beside it takes any t from 1 up.",
            )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content"):
            st.number_input(
                "t, exactly", min_value=1.0, step=1.0, format="%g", width=170,
                key="t_number", on_change=_take, args=(run, "t_number"),
            )  # fmt: skip
            with st.popover("Find t", icon=":material/search:"):
                _find_t(run)
    return t


def _take(run: Run, key: str) -> None:
    if st.session_state[key] is not None:
        state.set_t(run, float(st.session_state[key]))


def _find_t(run: Run) -> None:
    """Ask for a size or a tail share; say what was achieved."""
    totals = run.info["totals"]
    with st.form("find_by_size", border=False):
        st.number_input("Pairs to keep", min_value=1, value=max(totals["kept"], 1), step=1, key="find_size")
        st.form_submit_button("Find t for this size", width="stretch", on_click=_find_by_size, args=(run,))
    with st.form("find_by_tail", border=False):
        percent = 100.0 * DEFAULT_TAIL_SHARE
        st.number_input("Tail share of the matches, %", 0.0, 100.0, percent, step=0.5, format="%g", key="find_tail")
        st.form_submit_button("Find t for this tail share", width="stretch", on_click=_find_by_tail, args=(run,))
    found: Found | None = st.session_state.get("found_t")
    if found is None or found.path != run.path:
        return
    if found.error is not None:
        notice(found.error)
    elif found.answer is not None and found.answer.t == state.t(run):
        kept, tail = number(found.answer.kept), share(found.answer.tail_share)
        st.caption(f"t = {number(found.answer.t)} keeps {kept} pairs; tail share {tail}.")


@dataclass(frozen=True)
class Found:
    """What the last search in a run came to."""

    path: Path
    answer: queries.Threshold | None = None
    error: str | None = None


def _find_by_size(run: Run) -> None:
    _find(run, lambda: queries.threshold_for_size(run, int(st.session_state["find_size"])))


def _find_by_tail(run: Run) -> None:
    _find(run, lambda: queries.threshold_for_tail_share(run, st.session_state["find_tail"] / 100.0))


def _find(run: Run, ask: Callable[[], queries.Threshold]) -> None:
    try:
        answer = ask()
    except CurationError as error:
        st.session_state["found_t"] = Found(run.path, error=str(error))
    else:
        st.session_state["found_t"] = Found(run.path, answer=answer)
        state.set_t(run, answer.t)
