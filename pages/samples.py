"""Which pairs are in, which are out, and why?"""

import streamlit as st

from curation import queries
from curation.errors import UnknownEntry
from curation.ui import cached, frame
from curation.ui.gallery import show_pairs
from curation.ui.pager import choose_page
from curation.ui.search import search_captions
from curation.ui.text import label, notice, number, share
from curation.ui.threshold import choose_t

PAGE = 24
SHOW = {"both": "All", "kept": "Kept", "dropped": "Dropped"}

run = frame.current_run()
st.header("Samples", anchor=False)
t = choose_t(run)

with st.container(horizontal=True, gap="medium"):
    which = st.segmented_control(
        "Pairs", SHOW, format_func=SHOW.__getitem__, default="both", required=True, key="which", bind="query-params"
    )
    entry = st.text_input(
        "With the entry", key="entry", placeholder="any", bind="query-params", width=260,
        help="An entry of the metadata, exactly as it is written there: upper and lower case differ.",
    )  # fmt: skip
    contains = st.text_input(
        "In the caption", key="contains", placeholder="any text", bind="query-params", width=260,
        help="A part of the caption, words or not; upper and lower case are one.",
    )  # fmt: skip

try:
    total = cached.count_samples(run, t, which, entry or None)
except UnknownEntry:
    notice(f"“{label(entry)}” is no entry of this run's metadata.", icon="search_off")
    if similar := queries.similar_entries(run, entry):
        st.text("Entries like it that match: " + ", ".join(f"“{label(found)}”" for found in similar))
    st.stop()

turn = None
if contains:
    pairs = search_captions(run, t, which, entry or None, contains)
else:
    pool = run.info["totals"]["pairs"]
    left, right = st.columns(2, vertical_alignment="center")
    left.caption(f"{number(total)} of the {number(pool)} pairs of the pool, {share(total, pool)}, at t = {number(t)}")
    with right:
        turn = choose_page(-(-total // PAGE), about=(run.path, t, which, entry))
    pairs = queries.samples(run, t, which=which, entry=entry or None, limit=PAGE, offset=PAGE * (turn.page - 1))
if len(pairs):
    show_pairs(run, pairs, t, key="gallery", question=(which, entry, contains, turn and turn.page))
if turn:
    turn.again()
