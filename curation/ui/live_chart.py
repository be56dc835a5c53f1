"""The live chart: entries by rank, with the cap at t, which is dragged on the chart itself.

What it shows at every t of the grid goes to the browser once for a run, packed. While t moves, everything is drawn from
that, and Python hears nothing; when it is let go, Python hears of it once, and all of the page follows.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from curation import queries
from curation.curves import PAPER_THRESHOLDS
from curation.errors import CurationError
from curation.live import heads
from curation.runs.folder import Run
from curation.ui import cached, state
from curation.ui.components import component
from curation.ui.languages import reference_language
from curation.ui.live_data import NUMBERS, shares
from curation.ui.text import number, share

_live_chart = component("live_chart", "numbers", "picture", "live_data", html="<div class='root'><svg></svg></div>")

RankRange = tuple[int, int]


@dataclass(frozen=True)
class Mark:
    """A threshold to go to. short: what stands at the edge of the chart; name: what it is, in words."""

    t: float
    short: str
    name: str


def live_chart(
    run: Run,
    t: float,
    *,
    key: str,
    compact: bool = False,
    marks: Sequence[Mark] = (),
    ranks: RankRange | None = None,
    on_ranks: Callable[[RankRange | None], None] | None = None,
    on_entry: Callable[[str], None] | None = None,
) -> None:
    """The chart and its numbers at t; setting t on it sets `state.t`.

    compact:  only the curve and how many pairs are kept; ranks can be drawn on it, but not written
    marks:    thresholds to offer beside those that every run has
    ranks:    the first and the last rank that are chosen; on_ranks is called with others, or None, and without it none
              can be chosen
    on_entry: called with the entry whose point is clicked
    """
    version, packed = cached.packed_live(run)
    data = {
        "version": version,
        "at": _at(run, t),
        "marks": [{"t": mark.t, "label": mark.short, "name": mark.name} for mark in (*_marks(run), *marks)],
        "heard": st.session_state.get(f"{key}_heard", 0),  # so the chart knows to which of its words this answers
        "compact": compact,
        "brush": on_ranks is not None,
        "ranks": ranks,
        "leads": on_entry is not None,
        "titles": _titles(run),
    }
    with st.container(gap=None):
        # two of them, so that what stays the same for the run is not sent again with every t
        _live_chart(data=packed, key=f"{key}_run", height="content")
        _live_chart(
            data=data,
            key=key,
            on_t_change=partial(_take_t, run, key),
            on_ranks_change=partial(_take_ranks, run, key, on_ranks),
            on_entry_change=partial(_take_entry, run, key, on_entry),
        )


# what comes from a browser is anything at all; what the chart does not send is passed over


def _take_t(run: Run, key: str) -> None:
    with suppress(CurationError, TypeError, ValueError, OverflowError):
        t, word = st.session_state[key]["t"]
        st.session_state[f"{key}_heard"] = int(word)
        state.set_t(run, float(t))


def _take_ranks(run: Run, key: str, on_ranks: Callable[[RankRange | None], None] | None) -> None:
    with suppress(TypeError, ValueError, OverflowError):
        chosen = [int(rank) for rank in st.session_state[key]["ranks"]]
        if on_ranks is not None and not chosen:
            on_ranks(None)
        elif on_ranks is not None and len(chosen) == 2 and 1 <= chosen[0] <= chosen[1] <= run.live.entries:
            on_ranks((chosen[0], chosen[1]))


def _take_entry(run: Run, key: str, on_entry: Callable[[str], None] | None) -> None:
    with suppress(TypeError, ValueError, OverflowError):
        entry_id = int(st.session_state[key]["entry"])
        if on_entry is not None and 0 <= entry_id < run.entry_count.size:
            on_entry(run.entries["entry"][entry_id].as_py())


def _at(run: Run, t: float) -> dict[str, Any]:
    """What is shown at t; between the points of the grid also what the browser cannot know."""
    size, row, ranks = cached.size(run, t), run.curves.row(t), run.ranks
    head, head_matches = heads(run.curves, ranks, np.array([t]))
    at = {name: getattr(size, name) for name in NUMBERS if hasattr(size, name)}
    at |= {"row": row, "exact": size.exact, "head": int(head[0]), "head_matches": int(head_matches[0])}
    if row is None:
        entry_kept = queries.entry_kept_at(run, t)
        at |= {
            "entry_kept": ranks.kept(entry_kept).tolist(),
            "kept_share": shares(ranks.matches(entry_kept)).tolist(),
        }
    return at


def _marks(run: Run) -> list[Mark]:
    """The paper's thresholds as far as they lie in the pool, that of a tail share like the paper's, the run's own."""
    marks = [
        Mark(t, f"{t / 1000:g}k paper", f"t = {number(t)}, in the paper")
        for t in PAPER_THRESHOLDS
        if t <= run.curves.grid[-1]
    ]
    if run.ranks.column.size:
        t, tail = cached.usual_tail_share(run)
        marks.append(
            Mark(t, f"{share(tail)} tail", f"t = {number(t)}, where {share(tail)} of the matches are in the tail")
        )
    return [*marks, Mark(run.t, "own t", f"t = {number(run.t)}, the run's own")]


def _titles(run: Run) -> dict[str, str]:
    of_language = reference_language(run)
    return {
        "count": "texts with the entry",
        "rank": f"entries{of_language} by rank",
        "matches": f"of the pool's matches{of_language}",
        "name": f"Texts with each entry{of_language}, by rank, in the pool and among the pairs kept, and the cap at t",
    }
