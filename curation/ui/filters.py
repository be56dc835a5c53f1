"""Which pairs to look at: kept or dropped, of an entry, a source, or some ranks, with a text in the caption."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from curation import queries
from curation.queries import Amount
from curation.runs.folder import Run
from curation.ui import cached
from curation.ui.live_chart import RankRange
from curation.ui.text import label, notice, number, share

SHOW = {"both": "All", "kept": "Kept", "dropped": "Dropped"}


@dataclass(frozen=True)
class Filters:
    """What was chosen.

    asked: which, entry, source and ranks, as `queries.samples` takes them; contains: a text of captions, or ""
    """

    asked: dict[str, Any]
    contains: str
    take_ranks: Callable[[RankRange | None], None]

    @property
    def ranks(self) -> RankRange | None:
        """The ranks that are chosen."""
        ranks: RankRange | None = self.asked["ranks"]
        return ranks


def choose_filters(run: Run) -> Filters:
    """A row of choices; all of them stand in the address bar."""
    bound: dict[str, Any] = {"bind": "query-params"}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        which = st.segmented_control(
            "Pairs", SHOW, format_func=SHOW.__getitem__, default="both", required=True, key="which", **bound
        )
        entry = st.text_input(
            "With the entry", key="entry", placeholder="any", width=165, **bound,
            help="An entry of the metadata, exactly as it is written there: upper and lower case differ.",
        )  # fmt: skip
        source = None
        if len(sources := cached.entry_sources(run)) > 1:
            source = st.selectbox(
                "Of the source", sources, index=None, format_func=label, placeholder="any", key="source",
                width=165, **bound,
            )  # fmt: skip
        written = st.text_input(
            "Of the ranks", key="ranks", placeholder="any, or 1-100", width=165, **bound,
            help="Ranks of entries, by how many texts they stand in. They can also be chosen on the chart: draw along "
            "its lower edge.",
        )  # fmt: skip
        contains = st.text_input(
            "In the caption", key="contains", placeholder="any text", width=165, **bound,
            help="A part of the caption, words or not; upper and lower case are one.",
        )  # fmt: skip
    ranks = parse_ranks(written)
    if written and ranks is None:
        notice(f"Ranks “{label(written)}”: give two whole numbers, the smaller first, such as 1-100.")
    asked = {"which": which, "entry": entry or None, "source": source, "ranks": ranks}
    return Filters(asked, contains or "", _take_ranks)


def told(amount: Amount, run: Run, t: float) -> str:
    """How many pairs were found, and of what."""
    pool = run.info["totals"]["pairs"]
    of_pool = f"of the {number(pool)} pairs of the pool, {share(amount.pairs, pool)}, at t = {number(t)}"
    if amount.exact:
        return f"{number(amount.pairs)} {of_pool}"
    return f"About {number(amount.pairs)} (± {number(round(2 * amount.sigma))}) {of_pool}, by a draw of them"


def unknown_entry(run: Run, entry: str) -> None:
    """Say that there is no such entry, and which are like it."""
    notice(f"“{label(entry)}” is no entry of this run's metadata.", icon="search_off")
    if similar := queries.similar_entries(run, entry):
        st.text("Entries like it that match: " + ", ".join(f"“{label(found)}”" for found in similar))


def parse_ranks(text: str | None) -> RankRange | None:
    """First and last rank of "1-100" or "7"; None for anything else.

    >>> parse_ranks("1-100"), parse_ranks(" 7 "), parse_ranks("9 – 3"), parse_ranks("dog")
    ((1, 100), (7, 7), None, None)
    """
    found = re.fullmatch(r"\s*(\d{1,9})\s*(?:[-–]\s*(\d{1,9})\s*)?", text or "")
    if found is None:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return (first, last) if 1 <= first <= last else None


def _take_ranks(ranks: RankRange | None) -> None:
    st.session_state["ranks"] = f"{ranks[0]}-{ranks[1]}" if ranks else ""
