"""Start a run; watch, cancel, resume, export, verify runs."""

import streamlit as st

from curation.ui import frame
from curation.ui.new_run import show_new_run
from curation.ui.run_list import confirm_deletion, show_runs
from curation.ui.watching import show_watched

frame.enter()
st.header("Curate", anchor=False)
show_watched()
st.session_state.setdefault("new_run_open", "watch" not in st.query_params)
with st.expander("New run", key="new_run_open", on_change="rerun", icon=":material/add:"):
    show_new_run()
show_runs()
confirm_deletion()
