"""Start a training: what it is on, its settings, and what they make together."""

import dataclasses
from dataclasses import Field
from typing import Any

import streamlit as st

from curation.clip.ladder.summary import MANY_PASSES
from curation.clip.training.config import BALANCED, SCHEDULE, WORDS, Arm, TrainConfig
from curation.clip.training.folder import create_training
from curation.errors import CurationError
from curation.runs.folder import NAME_CHARACTERS, Run
from curation.ui import cached, fields, state, works
from curation.ui.text import label, notice, number
from curation.ui.told import attempt, show_told
from curation.ui.train_evaluation import choose_evaluation
from curation.ui.train_show import TRAINING

OPTIONS: dict[str, Field[Any]] = {option.name: option for option in dataclasses.fields(TrainConfig)}
FIRST = ("samples", "model", "seed")
"""What is seen at once, beside the arm and its t; the rest is behind its group."""


def show_new_training(run: Run) -> None:
    """Draw the form; a training on the run that is looked at starts from it."""
    missing: list[str] = []
    config, name = _choose(run, missing)
    if config is not None:
        show_budget(run, config.arm, config.t or run.t, config.samples)
    for message in missing:
        notice(message, icon="info")
    st.button(
        "Start the training", icon=":material/play_arrow:", key="training_start", type="primary",
        disabled=config is None, on_click=attempt,
        args=("new_training", _start, run, config, name, works.draft(TRAINING)),
    )  # fmt: skip
    show_told("new_training")


def show_budget(run: Run, arm: Arm, t: float, samples: int) -> None:
    """How often the samples go over the pairs of an arm; a warning where that is too often."""
    found = cached.budget(run, arm, t, samples)
    if found.pairs is None:
        st.caption("Which pairs are English is found out when it starts.")
        return
    at = f" at t = {number(t)}" if arm in BALANCED else ""
    if found.passes is None:
        notice(f"There is no pair{at}.", icon="warning")
        return
    passes = f"{found.passes:,.1f}"
    told = f"{number(samples)} samples go {passes} times over {number(found.pairs)} pairs{at}."
    if not found.too_many:
        st.text(told)
        return
    notice(f"{told} More than {MANY_PASSES:g} passes tend to overfit. {_remedy(run, samples, at)}", icon="warning")


def _remedy(run: Run, samples: int, at: str) -> str:
    """What to do about too many passes; at: where the pairs depend on t."""
    if not at:
        return "See fewer samples, or take a larger pool."
    t = cached.lowest_t(run, samples)
    if t is None:
        return "No t of this pool is high enough: see fewer samples, or take a larger pool."
    return f"t is too low for these samples; it is not from t = {number(t)} on."


def _choose(run: Run, missing: list[str]) -> tuple[TrainConfig | None, str]:
    """What the form says, or None and why it says nothing yet."""
    with st.grid(3, min_column_width=220):
        name = st.text_input(
            "Name of the training", key="training_name", max_chars=NAME_CHARACTERS, persist_state="session",
            placeholder="its arm and its run, if left empty",
        )  # fmt: skip
        arm: Arm = _field("arm", words=lambda arm: WORDS[arm])
        values: dict[str, Any] = {"arm": arm}
        if arm in BALANCED:
            values["t"] = _field("t", empty=number(state.t(run))) or state.t(run)
        values |= {option: _field(option) for option in FIRST}
        with st.container():
            try:
                values["evaluate"] = choose_evaluation(run, "training_evaluate", needed=False)
            except CurationError as error:
                missing.append(str(error))
    groups: dict[str, list[str]] = {}
    for option in OPTIONS.values():
        if option.name not in (*values, "t", "evaluate"):
            groups.setdefault(option.metadata.get("group", SCHEDULE), []).append(option.name)
    for title, names in groups.items():
        with st.expander(title, key=f"training_{title}"), st.grid(3, min_column_width=220):
            values |= {option: _field(option) for option in names}
    try:
        config = TrainConfig(**values)
    except CurationError as error:
        missing.append(str(error))
    return (None if missing else config), name.strip() or f"{WORDS[arm]}, {label(run.name)}"[:NAME_CHARACTERS]


def _field(name: str, **told: Any) -> Any:
    return fields.draw(OPTIONS[name], f"training_set_{name}", title="Threshold t" if name == "t" else None, **told)


def _start(run: Run, config: TrainConfig, name: str, folder: str) -> None:
    works.start(TRAINING, folder, lambda path: create_training(path, run, config, name=name))
