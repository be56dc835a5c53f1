"""What a training came to so far: its numbers and its curves."""

import pyarrow as pa
import streamlit as st

from curation import figures_training
from curation.clip.training.config import WORDS
from curation.clip.training.folder import Training, read_metrics
from curation.runs.standing import seconds
from curation.runs.workspace import models_folder
from curation.ui.charts import show_figure
from curation.ui.checkpoints import has_checkpoint
from curation.ui.tables import show_downloads
from curation.ui.text import number
from curation.ui.train_evaluation import is_synthetic
from curation.ui.watching import ACTIVE, phase_line
from curation.ui.works import Kind, run_name

PHASES = {
    "decode": "Decoding pictures, once for all trainings",
    "train": "Training",
}


def _about(training: Training) -> str:
    config = training.config
    at = f", t = {number(training.t)}" if config.needs_t else ""
    samples = f"{number(config.samples)} samples"
    return f"{WORDS[config.arm]}{at} · {run_name(training)} · {config.model} · {samples} · seed {config.seed}"


def _came_to(training: Training) -> str:
    reached = training.totals.get("top1")
    return "" if reached is None else f"{reached:.1%} zero-shot top-1"


def _show(training: Training) -> None:
    state, config = training.state, training.config
    if is_synthetic(config.evaluate):
        st.caption("Measured on a synthetic world: its pictures and captions are made up.")
    if state in ACTIVE and (line := phase_line(training.path, PHASES)) is not None:
        st.progress(*line)
    metrics = read_metrics(training.path)
    if metrics:
        _show_numbers(training, metrics)
        _show_curves(training, metrics)
    elif state in ACTIVE:
        st.caption("Curves appear with the first steps; before that pictures are decoded, once for all trainings.")


def _show_numbers(training: Training, metrics: list[dict[str, float]]) -> None:
    last = {key: value for line in metrics for key, value in line.items()}
    with st.grid(5, min_column_width=130):
        if "top1" in last:
            st.metric("Zero-shot top-1", f"{last['top1']:.1%}", help="On the evaluation set, at its last point.")
        if "loss" in last:
            st.metric("Loss", f"{last['loss']:.3f}", help="InfoNCE in nats, the mean over its last steps.")
            st.metric("Passes begun", number(last["epoch"] + 1), help="Passes over the pairs of the arm.")
            st.metric("Samples a second", f"{last['samples_per_second']:,.0f}", help="Of its last steps.")
            st.metric(
                "Learned scale", f"{last['logit_scale']:.1f}", help="What cosines are multiplied by: 100 at most."
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


def _show_way(training: Training) -> None:
    """The way to the page Classify, where its checkpoint is chosen then."""
    if has_checkpoint(training.path):
        st.page_link(
            "pages/classify.py", label="Try it in Classify", icon=":material/image_search:",
            query_params={"checkpoint": training.path.name},
        )  # fmt: skip


TRAINING = Kind(
    work=Training,
    folder=models_folder,
    command="training",
    about=_about,
    came_to=_came_to,
    show=_show,
    buttons=_show_way,
    title="Trainings",
    nothing="There is no training yet. One run, two arms and the same samples make a first comparison.",
)
