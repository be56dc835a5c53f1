"""The trainings of the workspace, the newest first: the same in every browser."""

import streamlit as st

from curation.clip.training.folder import Training, list_trainings
from curation.runs import job
from curation.runs.workspace import models_folder
from curation.ui.text import label, number
from curation.ui.told import attempt, show_told
from curation.ui.train_watch import about_training, resume_training, watch_training

SHOWN = 10


@st.fragment(run_every=3.0)
def show_trainings() -> None:
    """Every training; follows what other browsers and the jobs do."""
    trainings = list_trainings(models_folder())
    st.subheader("Trainings", anchor=False)
    show_told("trainings")
    if not trainings:
        st.caption("There is no training yet. One run, two arms and the same samples are a first comparison.")
    all_of_them = st.session_state.get("all_trainings", False)
    for training in trainings if all_of_them else trainings[:SHOWN]:
        with st.container(border=True):
            _show(training)
    if len(trainings) > SHOWN and not all_of_them:
        st.button(
            f"Show all {number(len(trainings))} trainings",
            key="show_all_trainings",
            on_click=st.session_state.update,
            kwargs={"all_trainings": True},
        )


def _show(training: Training) -> None:
    key, state = training.path.name, training.state
    reached = training.totals.get("top1")
    st.text(f"{label(training.name, 120)} · {state}" + ("" if reached is None else f" · {reached:.1%} zero-shot top-1"))
    st.text(about_training(training))
    with st.container(horizontal=True, gap="small"):
        if st.button(
            "Curves" if state == "done" else "Watch", key=f"watch_training_{key}", icon=":material/show_chart:",
            on_click=watch_training, args=(key,),
        ):  # fmt: skip
            st.rerun()
        if state == "running":
            st.button(
                "Cancel", key=f"cancel_training_{key}", icon=":material/stop:",
                on_click=attempt, args=("trainings", job.cancel, training.path),
            )  # fmt: skip
        elif state not in ("done", "planned"):
            st.button(
                "Resume", key=f"resume_training_{key}", icon=":material/play_arrow:",
                on_click=attempt, args=("trainings", resume_training, training.path),
            )  # fmt: skip
