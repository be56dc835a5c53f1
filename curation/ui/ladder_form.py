"""Start a ladder: quick or full, its t and samples, and what each arm would see."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from curation.clip.ladder.config import LadderConfig, preset
from curation.clip.ladder.folder import create_ladder
from curation.clip.ladder.summary import MANY_PASSES
from curation.clip.training.config import ARMS, WORDS, TrainConfig
from curation.errors import CurationError, MissingExtra
from curation.languages.identification import check_installed
from curation.runs.folder import NAME_CHARACTERS, Run
from curation.ui import cached, fields, state, works
from curation.ui.ladder_show import LADDER
from curation.ui.tables import show_table
from curation.ui.text import counted, label, notice, number
from curation.ui.told import attempt, show_told
from curation.ui.train_evaluation import choose_evaluation

SIZES = {"quick": "Quick: one seed, one t", "full": "Full: three seeds, a sweep over t"}
OPTIONS = {option.name: option for option in dataclasses.fields(TrainConfig)}


def show_new_ladder(run: Run) -> None:
    """Draw the form; a ladder on the run that is looked at starts from it."""
    missing: list[str] = []
    config, name = _choose(run, missing)
    if config is not None:
        _show_plan(run, config)
    for message in missing:
        notice(message, icon="info")
    st.button(
        "Climb the ladder", icon=":material/stairs:", key="ladder_start", type="primary", disabled=config is None,
        on_click=attempt, args=("new_ladder", _start, run, config, name, works.draft(LADDER)),
    )  # fmt: skip
    show_told("new_ladder")


def _choose(run: Run, missing: list[str]) -> tuple[LadderConfig | None, str]:
    """What the form says, or None and why it says nothing yet."""
    size = st.segmented_control(
        "How much", SIZES, format_func=SIZES.__getitem__, default="quick", required=True, key="ladder_size",
        persist_state="session",
    )  # fmt: skip
    evaluate = None
    with st.grid(3, min_column_width=220):
        t = _field("t", title="Threshold t", empty=number(state.t(run))) or state.t(run)
        samples = _field("samples", title="Samples seen by each")
        with st.container():
            try:
                evaluate = choose_evaluation(run, "ladder_evaluate", needed=True)
            except CurationError as error:
                missing.append(str(error))
        name = st.text_input(
            "Name of the ladder", key="ladder_name", max_chars=NAME_CHARACTERS, persist_state="session",
            placeholder=label(run.name),
        )  # fmt: skip
        model = _field("model")
        batch_size = _field("batch_size")
    arms = st.multiselect(
        "Arms", ARMS, default=_usual_arms(), format_func=lambda arm: WORDS[arm], key="ladder_set_arms",
        persist_state="session", help="Matched is what the others are compared with.",
    )  # fmt: skip
    config = None
    if evaluate is not None:
        try:
            config = preset(t, evaluate, full=size == "full", samples=samples, model=model, batch_size=batch_size)
            config = dataclasses.replace(config, arms=tuple(arm for arm in ARMS if arm in arms))
        except CurationError as error:
            missing.append(str(error))
    return (None if missing else config), name.strip() or f"Ladder on {label(run.name)}"[:NAME_CHARACTERS]


def _usual_arms() -> Sequence[str]:
    """All of them, but for the one whose languages cannot be identified here."""
    try:
        check_installed()
    except MissingExtra:
        return [arm for arm in ARMS if arm != "english"]
    return ARMS


def _show_plan(run: Run, config: LadderConfig) -> None:
    """What each arm sees; a warning where a t is too low for the samples."""
    samples = config.train.steps * config.train.batch_size
    rungs = sorted(config.rungs, key=lambda rung: (ARMS.index(rung.arm), rung.t or 0.0))
    budgets = {rung: cached.budget(run, rung.arm, rung.t or config.t, samples) for rung in rungs}
    table = pa.table(
        {
            "arm": [WORDS[rung.arm] for rung in budgets],
            "t": pa.array([rung.t for rung in budgets], pa.float64()),
            "pairs": pa.array([found.pairs for found in budgets.values()], pa.int64()),
            "passes": pa.array([found.passes and round(found.passes, 1) for found in budgets.values()], pa.float64()),
        }
    )
    titles = {"arm": "Arm", "t": "t", "pairs": "Pairs", "passes": "Passes over them"}
    show_table(table, "plan of the ladder", key="ladder_plan", columns=titles)
    trainings = len(config.trainings)
    st.caption(
        f"{counted(trainings, 'training')}, each of {number(samples)} samples: {number(config.samples)} in all. "
        "Pairs whose picture cannot be read are left out, and which texts are English is found out, when it starts."
    )
    _warn(run, config, [rung.t for rung, found in budgets.items() if found.too_many and rung.t is not None], samples)


def _warn(run: Run, config: LadderConfig, too_low: Sequence[float], samples: int) -> None:
    if not too_low:
        return
    t = cached.lowest_t(run, samples)
    at = ", ".join(number(one) for one in sorted(set(too_low)))
    remedy = (
        "No t of this pool is high enough: choose fewer samples, or a larger pool."
        if t is None
        else f"t = {number(t)} and above are not."
    )
    notice(
        f"t = {at}: too low for {number(samples)} samples. What is seen in more than {MANY_PASSES:g} passes tends to "
        f"be learnt by heart, and balancing loses then. {remedy}",
        icon="warning",
    )


def _field(name: str, title: str | None = None, empty: str | None = None) -> Any:
    return fields.draw(OPTIONS[name], f"ladder_set_{name}", title=title, empty=empty)


def _start(run: Run, config: LadderConfig, name: str, folder: str) -> None:
    works.start(LADDER, folder, lambda path: create_ladder(path, run, config, name=name))
