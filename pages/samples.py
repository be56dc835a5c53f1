"""Which pairs are in, which are out, and why?"""

import streamlit as st

from curation import queries
from curation.errors import UnknownEntry
from curation.ui import cached, frame
from curation.ui.filters import choose_filters, told, unknown_entry
from curation.ui.gallery import show_pairs
from curation.ui.pager import choose_page
from curation.ui.search import search_captions
from curation.ui.tables import show_downloads
from curation.ui.threshold import choose_t

PAGE = 24
TAKEN = {"uid": "uid", "text": "text", "url": "url", "t_min": "t_min", "kept": "kept"}

run = frame.current_run()
st.header("Samples", anchor=False)
chart = st.container()
filters = choose_filters(run)
with chart:
    t = choose_t(run, ranks=filters.ranks, on_ranks=filters.take_ranks)

try:
    amount = cached.estimate_samples(run, t, **filters.asked)
except UnknownEntry:
    unknown_entry(run, filters.asked["entry"])
    st.stop()

turn = None
if filters.contains:
    pairs = search_captions(run, t, filters.asked, filters.contains)
else:
    left, right = st.columns(2, vertical_alignment="center")
    left.caption(told(amount, run, t))
    with right:
        turn = choose_page(-(-amount.pairs // PAGE), about=(run.path, filters.asked))
    pairs = queries.samples(run, t, **filters.asked, limit=PAGE, offset=PAGE * (turn.page - 1))
if len(pairs):
    show_pairs(run, pairs, t, key="gallery", question=(filters.asked, filters.contains, turn and turn.page))
    show_downloads(pairs.select(list(TAKEN)), "samples", key="samples", about="The pairs on this page as")
else:
    st.text("No pair answers to all of this: take one of the choices above back, or move t.")
if turn:
    turn.again()
