"""A search through the captions, which answers within a second and says how far it came."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import streamlit as st

from curation import queries
from curation.queries import Found
from curation.runs.folder import Run
from curation.ui.text import counted, number

SHOWN = 96
SECONDS, FURTHER = 0.7, 8.0


def search_captions(run: Run, t: float, asked: Mapping[str, Any], contains: str) -> pa.Table:
    """The pairs with a text in their captions; draws how many there are, and offers to look further.

    asked: what else is asked of them, as `queries.search` takes it
    """
    about = (str(run.path), t, repr(asked), contains)
    seconds = FURTHER if st.session_state.get("searched_further") == about else SECONDS
    with st.spinner("Looking through the captions ...", show_time=True):
        found = queries.search(run, t, **asked, contains=contains, limit=SHOWN, seconds=seconds)
    left, right = st.columns(2, vertical_alignment="center")
    left.caption(_outcome(found))
    if not found.complete and seconds == SECONDS:
        with right, st.container(horizontal_alignment="right"):
            st.button(
                f"Look further, up to {FURTHER:.0f} s", key="look_further", icon=":material/manage_search:",
                on_click=st.session_state.update, kwargs={"searched_further": about},
            )  # fmt: skip
    return found.pairs


def _outcome(found: Found) -> str:
    count = len(found.pairs)
    if not found.complete:
        looked = f"{number(found.looked_through)} of {number(found.pool)} pairs were looked through in time"
        return f"Partial: {number(count)} found so far; {looked}"
    if count == SHOWN:
        return f"The first {number(count)} of the pairs with this text"
    return f"{counted(count, 'pair')} with this text; all {number(found.pool)} of the pool were looked through"
