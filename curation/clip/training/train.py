"""The job of a training: from the pairs of a run to a checkpoint."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from curation.clip.checkpoint import save_checkpoint
from curation.clip.device import full_float32
from curation.clip.training.fit import deterministic, fit
from curation.clip.training.folder import Training
from curation.clip.training.ready import prepare
from curation.clip.training.resume import RESUME
from curation.runs.folder import lock
from curation.runs.job import told_in
from curation.runs.progress import Progress, Reporter


def train(
    path: Path,
    *,
    decoded: Path,
    workers: int = 2,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_metrics: Callable[[dict[str, Any]], None] = lambda line: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Training:
    """Do what is left of a training, to its end. Stopped at any moment, it goes on to the same weights.

    decoded:    the folder in which pictures are kept decoded, for all trainings
    workers:    threads that decode
    on_metrics: told each line of metrics.jsonl as it is written
    raises      BadRun (another process works on it, or its run changed), Cancelled, CurationError; the folder tells
    """
    with lock(path):
        training = Training.open(path)
        if training.state == "done":
            return training
        with told_in(path, training.set_state), deterministic(training.config.seed), full_float32():
            _work(training, decoded, workers, on_progress, on_metrics, lambda: cancel() or (path / "cancel").exists())
    return Training.open(path)


def _work(
    training: Training,
    decoded: Path,
    workers: int,
    on_progress: Callable[[Progress], None],
    on_metrics: Callable[[dict[str, Any]], None],
    cancel: Callable[[], bool],
) -> None:
    run = training.open_run()
    report = Reporter(training.path, int(run.info["totals"]["pairs"]), "pairs", on_progress)
    ready = prepare(training, run, decoded, workers, report, cancel)
    totals = fit(training, ready, report, on_metrics, cancel)
    items, live, config = len(ready.batches.rows(0)), ready.live, training.config
    save_checkpoint(
        training.checkpoint,
        live.model,
        live.model_cfg,
        live.preprocess_cfg,
        merges=live.merges,
        trained_on={
            # no path: a checkpoint is made to be handed on
            "run_name": run.name,
            "plan_digest": run.info["plan_digest"],
            "arm": config.arm,
            "t": training.t,
            "seed": config.seed,
            "items": items,
            "samples_seen": totals["samples"],
            "accuracy": totals.get("top1"),
        },
    )
    training.info["totals"] = {**totals, "items": items, "dropped": dict(ready.pool.dropped)}
    if ready.jury is not None:
        training.info["totals"]["judged"] = {"pictures": len(ready.jury.label), "dropped": ready.jury.dropped}
    (training.path / RESUME).unlink(missing_ok=True)
