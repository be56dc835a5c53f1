"""The one control of the app: t, on the live chart, by number, or by what it should achieve."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from curation import queries
from curation.errors import CurationError
from curation.runs.config import DEFAULT_TAIL_SHARE
from curation.runs.folder import Run
from curation.ui import state
from curation.ui.live_chart import Mark, RankRange, live_chart
from curation.ui.text import notice, number, share


def choose_t(
    run: Run,
    *,
    compact: bool = True,
    ranks: RankRange | None = None,
    on_ranks: Callable[[RankRange | None], None] | None = None,
    on_entry: Callable[[str], None] | None = None,
) -> float:
    """The live chart, a number, and "Find t", all three in step; returns t.

    The arguments are those of `live_chart`; without on_entry, a click on an entry leads to the page Entries.
    """
    if (entry := st.session_state.pop("led_to", None)) is not None:
        st.switch_page("pages/entries.py", query_params={**st.session_state["address"], "entry": entry})
    t = state.t(run)
    st.session_state["t_number"] = t
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input(
            "t, exactly", min_value=1.0, step=1.0, format="%g", width=170, key="t_number", on_change=_take, args=(run,)
        )
        with st.popover("Find t", icon=":material/search:", on_change="rerun", key="finding_t") as finding:
            if finding.open:
                _find_t(run)
    marks = [mark] if (mark := _found_mark(run)) else []
    on_entry = on_entry or partial(st.session_state.__setitem__, "led_to")
    live_chart(run, t, key="live", compact=compact, marks=marks, ranks=ranks, on_ranks=on_ranks, on_entry=on_entry)
    return t


def _take(run: Run) -> None:
    if st.session_state["t_number"] is not None:
        state.set_t(run, float(st.session_state["t_number"]))


def _found_mark(run: Run) -> Mark | None:
    """The threshold that was found last, to come back to."""
    found: Found | None = st.session_state.get("found_t")
    if found is None or found.path != run.path or found.answer is None:
        return None
    t, kept, tail = number(found.answer.t), number(found.answer.kept), share(found.answer.tail_share)
    if found.by_size:
        return Mark(
            found.answer.t, f"{_brief(found.answer.kept)} pairs", f"t = {t}, which was found to keep {kept} pairs"
        )
    return Mark(found.answer.t, f"{tail} found", f"t = {t}, which was found for a tail share of {tail}")


def _brief(count: int) -> str:
    """A count in as few letters as a mark has room for.

    >>> _brief(5_541_097), _brief(999_999), _brief(1500), _brief(17)
    ('5.54M', '1M', '1.5k', '17')
    """
    for unit, sign in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= 0.9995 * unit:  # three digits round up to it
            return f"{count / unit:.3g}{sign}"
    return str(count)


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
    """What the last search in a run came to. by_size: whether a size was asked for, or else a tail share"""

    path: Path
    by_size: bool
    answer: queries.Threshold | None = None
    error: str | None = None


def _find_by_size(run: Run) -> None:
    _find(run, True, lambda: queries.threshold_for_size(run, int(st.session_state["find_size"])))


def _find_by_tail(run: Run) -> None:
    _find(run, False, lambda: queries.threshold_for_tail_share(run, st.session_state["find_tail"] / 100.0))


def _find(run: Run, by_size: bool, ask: Callable[[], queries.Threshold]) -> None:
    try:
        answer = ask()
    except CurationError as error:
        st.session_state["found_t"] = Found(run.path, by_size, error=str(error))
    else:
        st.session_state["found_t"] = Found(run.path, by_size, answer=answer)
        state.set_t(run, answer.t)
