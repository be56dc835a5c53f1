"""How is the pool distributed, and what does t do to it?"""

import streamlit as st

from curation import figures, queries
from curation.live import EXACT_RANKS
from curation.ui import cached, frame
from curation.ui.charts import show_figure
from curation.ui.funnel import show_damage, show_funnel
from curation.ui.languages import reference_language, show_languages
from curation.ui.tables import show_downloads
from curation.ui.text import number
from curation.ui.threshold import choose_t

run = frame.current_run()
st.header("Distribution", anchor=False)
t = choose_t(run, compact=False)
size = cached.size(run, t)

of_language = reference_language(run)
pool, kept = f"all {number(size.pairs)} pairs of the pool", f"the {number(size.kept)} kept at t = {number(t)}"
st.caption(
    f"Every entry{of_language} that matches, by the number of texts it stands in: the grey line counts {pool}, "
    f"the green dots {kept}. The head are the entries in at least t texts: each keeps t of them on average, and dots "
    "above the cap are texts that other entries keep as well. A pair counts once, however many of its entries keep it. "
    f"All numbers are exact; the first {number(EXACT_RANKS)} ranks are all drawn, later ones evenly on the logarithm."
)

funnel, by_t = st.tabs(["From the pool to the curated set", "Size at every t"], key="below", on_change="rerun")
with funnel:
    steps = queries.funnel(run, size)
    show_funnel(steps)
    show_downloads(queries.funnel_table(steps), "funnel", key="funnel_table", about="These steps as")
    show_damage(run)
    show_languages(run, t)
if by_t.open:
    with by_t:
        show_figure(figures.size_by_t(run.curves, size, run.t), "by_t", "Pairs kept at every t")
        st.caption(
            f"How many of {pool} each t keeps. With another seed the number would lie in the band, 19 times in 20. "
            "No t keeps a pair that matches nothing."
        )
