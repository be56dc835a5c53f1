"""Finding an entry among half a million: as one types, by where it stands, by source."""

import hashlib

import streamlit as st

from curation import queries
from curation.queries import Among
from curation.runs.folder import Run
from curation.ui import cached
from curation.ui.pager import choose_page
from curation.ui.tables import show_table
from curation.ui.text import label, number

PAGE = 200
AMONG: dict[Among, str] = {
    "all": "All",
    "head": "Head",
    "cap": "Around the cap",
    "rare": "Rarest",
    "unmatched": "Match nothing",
}


@st.fragment
def find_entry(run: Run, t: float) -> None:
    """A search as one types, and the entries found; selecting one of them makes it the entry of the page."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        text = st.text_input(
            "Find entries", key="find", type="search", live="200ms", bind="query-params",
            placeholder="a part of an entry", width=260,
            help="Upper and lower case are one here. Equal entries come first, then those that begin so.",
        )  # fmt: skip
        among: Among = st.segmented_control(
            "Which",
            AMONG,
            format_func=AMONG.__getitem__,
            default="all",
            required=True,
            key="among",
            bind="query-params",
        )
        source = _choose_source(run)
    about = (str(run.path), text, among, source, t if among in ("head", "cap") else None)
    first = queries.search_entries(run, text, t=t, among=among, source=source, limit=PAGE)
    left, right = st.columns([3, 2], vertical_alignment="center")
    with right:
        turn = choose_page(-(-first.total // PAGE), about=about)
    found = first
    if turn.page > 1:
        offset = PAGE * (turn.page - 1)
        found = queries.search_entries(run, text, t=t, among=among, source=source, limit=PAGE, offset=offset)
    left.caption(
        f"{number(found.total)} of the {number(run.entry_count.size)} entries; texts of all "
        f"{number(run.info['totals']['pairs'])} pairs of the pool, and of those kept at t = {number(t)}: exact"
    )
    columns = {"rank": "Rank", "entry": "Entry", "source": "Source", "language": "Language", "count": "Texts"}
    columns = {name: title for name, title in columns.items() if name in found.entries.column_names}
    # another key for another list: a row is known by its number
    key = "entries_" + hashlib.sha256(repr((about, turn.page)).encode(errors="replace")).hexdigest()[:16]
    row = show_table(
        found.entries, "entries on this page", key=key, columns=columns | {"kept": "Kept"}, height=300, select=True
    )
    _take(found, key, row)


def _choose_source(run: Run) -> str | None:
    sources = cached.entry_sources(run)
    if len(sources) < 2:
        return None
    return st.selectbox(
        "Source",
        sources,
        index=None,
        format_func=label,
        placeholder="any",
        key="source",
        bind="query-params",
        width=200,
    )


def _take(found: queries.FoundEntries, key: str, row: int | None) -> None:
    """Make a row that was just selected the entry of the page: once, for the selection stays."""
    if st.session_state.get("entry_row") == (key, row):
        return
    st.session_state["entry_row"] = (key, row)
    if row is not None:
        chosen = found.entries.slice(row, 1).to_pylist()[0]
        st.session_state["entry"] = chosen["entry"]
        if "language" in chosen:
            st.session_state["entry_language"] = chosen["language"]
        st.rerun()
