"""How is the pool distributed, and what does t do to it?"""

import streamlit as st

from curation import figures, queries
from curation.ui import cached, frame
from curation.ui.charts import show_figure
from curation.ui.funnel import show_damage, show_funnel
from curation.ui.languages import reference_language, show_languages
from curation.ui.numbers import show_numbers
from curation.ui.text import number
from curation.ui.threshold import choose_t

run = frame.current_run()
st.header("Distribution", anchor=False)
t = choose_t(run)
size = cached.size(run, t)
show_numbers(size)

of_language = reference_language(run)
pool, kept = f"all {number(size.pairs)} pairs of the pool", f"the {number(size.kept)} kept at t = {number(t)}"
titles = ["Entries by rank", "Cumulative matches", "Size at every t"]
by_rank, summed, by_t = st.tabs(titles, key="chart", on_change="rerun")
if by_rank.open:
    with by_rank:
        figure = figures.rank_frequency(cached.ranked(run, t), size)
        show_figure(figure, "by_rank", "Texts with each entry, by rank, in the pool and among the pairs kept")
        st.caption(
            f"Every entry{of_language} that matches, by the number of texts it stands in: the grey line counts {pool}, "
            f"the green dots {kept}. The head are the entries in at least t texts. Dots above the cap: other entries "
            "keep these texts. The first 1,000 ranks are all drawn, later ones evenly on the logarithm."
        )
if summed.open:
    with summed:
        figure = figures.cumulative(cached.ranked(run, t), size)
        show_figure(figure, "summed", "Matches added up by rank, in the pool and among the pairs kept")
        st.caption(
            f"Matches{of_language}, an entry in a text each, added up from rank 1: those of {pool}, and of {kept}."
        )
if by_t.open:
    with by_t:
        show_figure(figures.size_by_t(run.curves, size, run.t), "by_t", "Pairs kept at every t")
        st.caption(
            f"How many of {pool} each t keeps. With another seed the number would lie in the band, 19 times in 20. "
            "No t keeps a pair that matches nothing."
        )

st.subheader("From the pool to the curated set", anchor=False)
show_funnel(queries.funnel(run, size))
show_damage(run)
show_languages(run, t)
