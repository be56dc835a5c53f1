"""Is the model better for it?"""

import streamlit as st

from curation.ui import frame, works
from curation.ui.ladder_form import show_new_ladder
from curation.ui.ladder_show import LADDER
from curation.ui.train_form import show_new_training
from curation.ui.train_show import TRAINING

run = frame.finished_run()
st.header("Train", anchor=False)
ladder, trainings = st.tabs(["Ladder", "Trainings"], key="train_part", on_change="rerun", bind="query-params")
if ladder.open:
    with ladder:
        ladders = LADDER.all()
        works.show_watched(LADDER, ladders[0].path.name if ladders else None)
        st.session_state.setdefault("new_ladder_open", not ladders)
        with st.expander("New ladder", key="new_ladder_open", on_change="rerun", icon=":material/add:"):
            st.caption(
                "The arms of the paper, each trained on the same number of samples: which pairs make the better model? "
                "Raw, English only, matched, matched and balanced, and balanced anew in each pass."
            )
            if run is None:
                st.info("Choose a run that is done: a ladder is climbed on its pairs.", icon=":material/info:")
            else:
                show_new_ladder(run)
        if len(ladders) > 1:
            works.show_all(LADDER)
if trainings.open:
    with trainings:
        works.show_watched(TRAINING)
        st.session_state.setdefault("new_training_open", works.watched(TRAINING) is None)
        with st.expander("New training", key="new_training_open", on_change="rerun", icon=":material/add:"):
            if run is None:
                st.info("Choose a run that is done: a training is on its pairs.", icon=":material/info:")
            else:
                show_new_training(run)
        works.show_all(TRAINING)
