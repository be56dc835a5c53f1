"""The job of a ladder: one training after another, each judged on the same pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import files, queries
from curation.class_lists import ClassList
from curation.clip.checkpoint import load_checkpoint
from curation.clip.ladder.folder import Ladder
from curation.clip.ladder.summary import groups
from curation.clip.training.folder import Training, create_training
from curation.clip.training.judge import Judge, judge
from curation.clip.training.train import train
from curation.runs.folder import Run, lock
from curation.runs.job import told_in
from curation.runs.progress import Progress, Reporter


def climb(
    path: Path,
    *,
    decoded: Path,
    workers: int = 2,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Ladder:
    """Do what is left of a ladder, to its end; a training that was stopped goes on where it was.

    decoded: the folder in which pictures are kept decoded, for all trainings
    raises   BadRun (another process works on it, or its run changed), Cancelled, CurationError; the folder says which
    """
    with lock(path):
        ladder = Ladder.open(path)
        if ladder.state == "done":
            return ladder
        with told_in(path, ladder.set_state):
            _work(ladder, decoded, workers, on_progress, lambda: cancel() or (path / "cancel").exists())
    return Ladder.open(path)


def _work(
    ladder: Ladder,
    decoded: Path,
    workers: int,
    on_progress: Callable[[Progress], None],
    cancel: Callable[[], bool],
) -> None:
    run = ladder.open_run()
    report = Reporter(ladder.path, ladder.config.samples, "pairs", on_progress)
    report.phase("train")
    jury: Judge | None = None
    for rung, seed in ladder.config.trainings:
        path = ladder.folder_of(rung, seed)
        if not (path / Training.FILE).is_file():
            create_training(path, run, ladder.config.of(rung, seed), name=f"{ladder.name}: {rung.key}, seed {seed}")
        training = train(path, decoded=decoded, workers=workers, on_progress=_advance(report), cancel=cancel)
        checkpoint = load_checkpoint(str(training.checkpoint))
        if jury is None:
            assert ladder.config.train.evaluate is not None  # the configuration sees to it
            jury = judge(Path(ladder.config.train.evaluate), checkpoint.preprocess)
            _write_classes(ladder, run, jury)
        if not (path / "right.npy").is_file():
            files.write_array(path / "right.npy", jury.right(checkpoint))
    report.end_phase()


def _advance(report: Reporter) -> Callable[[Progress], None]:
    """Adds what a training is told to the samples of the whole ladder."""
    seen = 0

    def advance(progress: Progress) -> None:
        nonlocal seen
        if progress.phase == "train":
            report.add(progress.done - seen)
            seen = progress.done

    return advance


def _write_classes(ladder: Ladder, run: Run, jury: Judge) -> None:
    fit = queries.labels(run, ClassList(jury.classnames, (1.0,) * len(jury.classnames)), ladder.config.t)
    count = fit.names["count"].to_numpy()
    classes = pa.table(
        {
            "class": pa.array(jury.classnames),
            "count": count,
            "kept": fit.names["kept"],
            "pictures": np.bincount(jury.label, minlength=len(jury.classnames)),
            "group": pa.array(groups(count).tolist()),
        }
    )
    files.write_parquet(ladder.path / "classes.parquet", classes)
    files.write_array(ladder.path / "label.npy", jury.label)
