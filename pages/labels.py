"""Will this set help my labels?"""

import streamlit as st

from curation import figures
from curation.ui import cached, class_names, frame
from curation.ui.charts import show_figure
from curation.ui.text import number
from curation.ui.threshold import choose_t

run = frame.current_run()
st.header("Labels", anchor=False)
t = choose_t(run)
classes, spelling = class_names.choose_names()
if classes is None:
    st.stop()

fit = cached.labels(run, classes, t, spelling)
class_names.show_fit(fit, classes)
if fit.found:
    figure = figures.names_by_count(fit.names, t if run.scale.codes == ("",) else None)
    show_figure(figure, "names_by_count", "Texts with each class name, in the pool and among the pairs kept")
    size = cached.size(run, t)
    st.caption(
        f"Every name that is an entry, by the texts it stands in: the grey line counts all {number(size.pairs)} pairs "
        f"of the pool, the green dots the {number(size.kept)} kept at t = {number(t)}. Names above the cap belong to "
        "the head, the others to the tail; those at 0 match nothing."
    )
class_names.show_alignment(fit)
class_names.show_names(run, fit)
