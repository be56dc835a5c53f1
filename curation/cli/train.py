"""The command that trains, and the job of a training that the app starts."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from curation.cli.apps import app
from curation.cli.jobs import of_the_app, resumable
from curation.cli.options import Json, TrainOptions, Workers
from curation.clip.training.config import TrainConfig
from curation.errors import BadArgument, MissingFile
from curation.terminal import number, plain, print_json, print_table, training_bar

if TYPE_CHECKING:
    from curation.clip.training.folder import Training


@app.command
def train(
    run: Annotated[Path | None, Parameter(show_default=False, help="run folder; not needed with --resume")] = None,
    *,
    output: Annotated[Path, Parameter(["--output", "-o"], help="the folder of the training")],
    name: Annotated[str | None, Parameter(help="what to call it; the name of its folder if not given")] = None,
    options: Annotated[TrainOptions, Parameter(name="*")] = TrainOptions(),  # noqa: B008  # frozen
    workers: Workers = 0,
    resume: Annotated[
        bool, Parameter(negative="", help="go on with a stopped training; it keeps its own configuration")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a model on the pairs of a run."""
    from curation.clip.training.folder import Training
    from curation.clip.training.train import train as job
    from curation.runs.workspace import decoded_folder

    if resume:
        Training.open(output)
    else:
        _plan(run, output, TrainConfig(**asdict(options)), name or output.resolve().name)
    with resumable(output, "train") as stopped, training_bar() as (show, tell):
        training = job(
            output,
            decoded=decoded_folder(),
            workers=workers or os.cpu_count() or 1,
            on_progress=show,
            on_metrics=tell,
            cancel=stopped,
        )
    _print(training, as_json)


@app.command(show=False)
def training(path: Path, *, workers: Workers = 0) -> None:
    """The job of a training that was planned elsewhere; the app starts it."""
    from curation.clip.training.train import train as job
    from curation.runs.workspace import decoded_folder

    with of_the_app() as stopped:
        job(path, decoded=decoded_folder(), workers=workers or os.cpu_count() or 1, cancel=stopped)


def _plan(run: Path | None, output: Path, config: TrainConfig, name: str) -> None:
    """Plan a training, unless something is wrong with what is asked for: then there is no folder."""
    from curation.clip.architectures import named_cfg
    from curation.clip.training.folder import create_training
    from curation.runs.folder import open_finished_run

    if run is None:
        raise BadArgument("no run: give the folder of one, or --resume to go on with a training")
    if config.start is None:
        named_cfg(config.model)
    elif not Path(config.start).exists():  # then it is a name, such as ViT-B-32/metaclip_400m
        named_cfg(config.start.partition("/")[0])
    if config.evaluate is not None and not Path(config.evaluate).exists():
        raise MissingFile(f"{config.evaluate}: no such file")
    create_training(output, open_finished_run(run), config, name=name)


def _print(training: "Training", as_json: bool) -> None:
    totals, config = training.totals, training.config
    if as_json:
        print_json({"folder": str(training.path), "checkpoint": str(training.checkpoint), **totals})
        return
    arm = f"{config.arm}, t = {number(training.t)}" if config.needs_t else config.arm
    print(f"trained on {totals['items']:,} pairs ({arm}) in {totals['seconds']:,.1f} s")
    rows = [
        ("samples seen", f"{totals['samples']:,}"),
        ("steps", f"{totals['step']:,}"),
        ("passes over the pairs", f"{totals['samples'] / totals['items']:,.1f}"),
        ("loss", f"{totals['loss']:.4f}"),
    ]
    if "top1" in totals:
        rows += [("zero-shot top-1", f"{totals['top1']:.2%}"), ("mean per class", f"{totals['mean_per_class']:.2%}")]
    print_table((), rows)
    if judged := totals.get("judged", {}).get("dropped"):
        print(f"left out of the evaluation set: {judged:,}, picture cannot be decoded")
    for reason, pairs in totals["dropped"].items():
        print(f"left out of the pairs of the run: {pairs:,}, {plain(reason)}")
    print(f"checkpoint: {plain(str(training.checkpoint))}")
