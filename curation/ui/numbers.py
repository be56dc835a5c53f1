"""The four numbers of a threshold."""

from functools import partial

import streamlit as st

from curation.queries import Size
from curation.ui.text import number, share

_number = partial(st.metric, delta_color="off", delta_arrow="off")


def show_numbers(size: Size) -> None:
    """Pairs kept, tail share, entries covered and entries at the cap; what each means is behind its question mark."""
    with st.grid(4, min_column_width=150):
        _number(
            "Pairs kept",
            number(size.kept),
            share(size.kept, size.pairs),
            delta_description=f"of {number(size.pairs)} pairs",
            help="Pairs with t_min < t. A pair counts once, however many of its entries keep it. "
            f"Over seeds, {size.expected:,.0f} are expected, with a sigma of {size.sigma:,.1f}"
            + ("." if size.exact else " (both interpolated between the points of the curves)."),
        )
        _number(
            "Tail share of matches",
            share(size.kept_tail_share),
            share(size.tail_share),
            delta_description="in the pool",
            help="The share of matches that fall on tail entries, those in fewer than t texts of the pool: "
            "among the pairs kept, and in the whole pool.",
        )
        _number(
            "Entries covered",
            number(size.entries_covered),
            share(size.entries_covered, size.entries_matched),
            delta_description=f"of {number(size.entries_matched)}",
            help="Entries that at least one kept pair holds, of those that any pair holds. "
            f"The metadata has {number(size.entries)} entries.",
        )
        _number(
            "Entries at the cap",
            number(size.entries_at_cap),
            share(size.entries_at_cap, size.entries_matched),
            delta_description=f"of {number(size.entries_matched)}",
            help="The head: entries in t texts of the pool or more, of those in any. "
            "Each keeps t of its texts on average; texts that other entries keep come on top.",
        )
