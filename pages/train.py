"""Is the model better for it?"""

import streamlit as st

from curation.ui import frame
from curation.ui.train_form import show_new_training
from curation.ui.train_list import show_trainings
from curation.ui.train_watch import show_watched_training

run = frame.finished_run()
st.header("Train", anchor=False)
ladder, trainings = st.tabs(["Ladder", "Trainings"], key="train_part", on_change="rerun", bind="query-params")
if trainings.open:
    with trainings:
        show_watched_training()
        st.session_state.setdefault("new_training_open", "training" not in st.query_params)
        with st.expander("New training", key="new_training_open", on_change="rerun", icon=":material/add:"):
            if run is None:
                st.info("Choose a run that is done: a training is on its pairs.", icon=":material/info:")
            else:
                show_new_training(run)
        show_trainings()
