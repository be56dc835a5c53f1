"""Watch a training: where it stands, its curves, and what can be done with it. ?training=<its folder>"""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import streamlit as st

from curation import figures_training
from curation.clip.training.config import WORDS
from curation.clip.training.folder import Training, open_training, read_metrics
from curation.errors import BadRun, CurationError
from curation.runs import job
from curation.runs.folder import lock, open_run
from curation.runs.trash import delete_folder
from curation.runs.workspace import models_folder
from curation.ui.charts import show_figure
from curation.ui.tables import show_downloads
from curation.ui.text import label, notice, number
from curation.ui.told import attempt, show_told
from curation.ui.train_evaluation import is_synthetic
from curation.ui.watching import ACTIVE, SETTLED, TELL, is_folder_name, phase_line, seconds

PHASES = {
    "decode": "Decoding pictures, once for all trainings",
    "tokens": "Turning texts into tokens",
    "train": "Training",
}


def show_watched_training() -> None:
    """The training that the address bar names; nothing where it names none."""
    name = st.query_params.get("training")
    if not name:
        return
    with st.container(border=True):
        path = models_folder() / name
        training = _open(path) if is_folder_name(name) else None
        if training is None:
            notice(f"There is no training {label(name)!r} in the workspace.", icon="link_off")
            _close()
            return
        settled = training.state in SETTLED
        st.fragment(_follow, run_every=None if settled else 1.0)(path, settled)


def watch_training(name: str | None) -> None:
    """Let the address bar name the training that is watched, or none."""
    if name is None:
        st.query_params.pop("training", None)
    else:
        st.query_params["training"] = name


def resume_training(path: Path) -> None:
    """Go on with a training; of two who do so at once the second ends at once."""
    job.start(path, "training")


def delete_training(path: Path) -> None:
    """Delete a training with its checkpoint; raises BadRun where its job lives, or it is gone."""
    with lock(path):
        delete_folder(path)


def about_training(training: Training) -> str:
    """What it is, in a line that may quote the name of its run."""
    config = training.config
    try:
        run = label(open_run(training.run).name)
    except CurationError:
        run = "a run that is gone"
    at = f", t = {number(training.t)}" if config.needs_t else ""
    return f"{WORDS[config.arm]}{at} · {run} · {config.model} · {number(config.samples)} samples · seed {config.seed}"


def _follow(path: Path, settled: bool) -> None:
    show_told("training")
    training = _open(path)
    if training is None:
        notice("This training is not there any more; somebody deleted it.", icon="link_off")
        _close()
        return
    _show(training)
    if settled != (training.state in SETTLED):
        st.rerun()  # the list follows


def _show(training: Training) -> None:
    state, config = training.state, training.config
    st.text(f"{label(training.name, 120)} · {TELL[state]}")
    st.text(about_training(training))
    if is_synthetic(config.evaluate):
        st.caption("Measured on the sample world: synthetic pictures and captions.")
    if state in ACTIVE and (line := phase_line(training.path, PHASES)) is not None:
        st.progress(*line)
    if training.info.get("error"):
        notice(str(training.info["error"]))
    metrics = read_metrics(training.path)
    if metrics:
        _show_numbers(training, metrics)
        _show_curves(training, metrics)
    elif state in ACTIVE:
        st.caption("Curves appear with the first steps; before that pictures are decoded, once for all trainings.")
    _show_buttons(training)


def _show_numbers(training: Training, metrics: list[dict[str, float]]) -> None:
    last = {key: value for line in metrics for key, value in line.items()}
    with st.grid(5, min_column_width=120):
        if "top1" in last:
            st.metric("Zero-shot top-1", f"{last['top1']:.1%}", help="On the evaluation set, at its last point.")
        if "loss" in last:
            st.metric("Loss", f"{last['loss']:.3f}", help="InfoNCE in nats, the mean over its last steps.")
            st.metric("Passes begun", number(last["epoch"] + 1), help="Passes over the pairs of the arm.")
            st.metric("Samples a second", f"{last['samples_per_second']:,.0f}", help="Of its last steps.")
            st.metric(
                "Learned scale", f"{last['logit_scale']:.1f}", help="What cosines are multiplied by, at most 100."
            )
    if took := training.totals.get("seconds"):
        st.caption(f"{number(training.totals['items'])} pairs with pictures, trained in {seconds(took)}.")


def _show_curves(training: Training, metrics: list[dict[str, float]]) -> None:
    config = training.config
    left, right = st.columns(2)
    with left:
        figure = figures_training.loss_by_samples(metrics, config.samples, config.batch_size)
        show_figure(figure, "training_loss", "Loss by samples seen")
    with right:
        if any("top1" in line for line in metrics):
            figure = figures_training.accuracy_by_samples(metrics, config.samples)
            show_figure(figure, "training_accuracy", "Zero-shot accuracy by samples seen")
        elif config.evaluate is None:
            st.caption("Without an evaluation set there is no curve of accuracy.")
        else:
            st.caption(f"Accuracy is measured {number(config.evaluations)} times on the way.")
    names = list(dict.fromkeys(name for line in metrics for name in line))
    table = pa.table({name: [line.get(name) for line in metrics] for name in names})
    show_downloads(table, "metrics", key="training_metrics", about="Its metrics as")


def _show_buttons(training: Training) -> None:
    state = training.state
    with st.container(horizontal=True, vertical_alignment="center"):
        if state == "running":
            _button("Cancel", "stop", job.cancel, training)
        elif state != "done":
            _button("Start it" if state == "planned" else "Resume", "play_arrow", resume_training, training)
        if state not in ACTIVE:
            with st.popover("Delete", icon=":material/delete:", type="tertiary", key="training_delete"):
                st.text("Its checkpoint and its metrics are gone for good then.")
                _button("Delete for good", "delete_forever", _delete, training)
        _close()


def _button(title: str, icon: str, do: Callable[[Path], None], training: Training) -> None:
    if st.button(
        title, key=f"training_{icon}", icon=f":material/{icon}:", on_click=attempt,
        args=("training", do, training.path),
    ):  # fmt: skip
        st.rerun()


def _delete(path: Path) -> None:
    delete_training(path)
    watch_training(None)


def _close() -> None:
    if st.button("Close", key="training_close", type="tertiary", on_click=watch_training, args=(None,)):
        st.rerun()


def _open(path: Path) -> Training | None:
    try:
        return open_training(path)
    except (BadRun, CurationError):
        return None
