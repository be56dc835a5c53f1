"""The folder of a training: what is where, and in which state it is. Reading it loads no torch.

train.json           format, kind, name, state, created, error, plan (run, configuration), totals when done
progress.json        done and total samples, rate, ETA
metrics.jsonl        a line every few steps: step, samples, epoch, loss, learning_rate, logit_scale,
                     samples_per_second; and where it was evaluated step, samples, top1, mean_per_class
checkpoint/          the model, once it is done (curation/clip/checkpoint.py)
resume.safetensors   weights, optimiser and place in the data, while it is not done
lock, cancel, output.txt   as those of a run
"""

import json
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from curation.clip.training.config import TrainConfig
from curation.clip.work import Work
from curation.runs.folder import Run

METRICS = "metrics.jsonl"


class Training(Work):
    """A training that was read from its folder; its job in `train.py` is the one writer."""

    KIND: ClassVar[str] = "training"
    FILE: ClassVar[str] = "train.json"

    @cached_property
    def config(self) -> TrainConfig:
        """The frozen configuration."""
        return TrainConfig(**self.info["plan"]["config"])

    @property
    def t(self) -> float:
        """The threshold: its own, or that of the run."""
        return float(self.info["plan"]["t"])

    @property
    def totals(self) -> dict[str, Any]:
        """What it came to, {} before it is done.

        items:   pairs with a picture in the arm (of `online` in epoch 0); dropped: those of the run without, by reason
        step, samples, epoch, loss, logit_scale: of the last line of the metrics
        seconds: that the training took, reading and decoding not counted
        top1, mean_per_class: of the last evaluation, where there was one
        judged:  its pictures, and how many more have a label and cannot be decoded (dropped)
        """
        return dict(self.info.get("totals", {}))

    @property
    def checkpoint(self) -> Path:
        """The folder of its checkpoint, which is there once it is done."""
        return self.path / "checkpoint"


def create_training(path: Path, run: Run, config: TrainConfig, *, name: str) -> Training:
    """Write the plan of a training on a finished run; raises BadRun where the folder holds one already, BadArgument.

    Paths in it are made absolute: its job may be started from elsewhere.
    """
    t = run.t if config.t is None else config.t
    if config.evaluate is not None:
        config = replace(config, evaluate=str(Path(config.evaluate).resolve()))
    if config.start is not None and Path(config.start).exists():  # else it is the name of a model
        config = replace(config, start=str(Path(config.start).resolve()))
    return Training.create(path, run, {"t": t, "config": asdict(config)}, name)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a training's metrics so far; what is no line of them, in a damaged file, is left out."""
    if not (path / METRICS).is_file():
        return []
    found = []
    for text in (path / METRICS).read_bytes().splitlines():
        with suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict) and isinstance(line.get("step"), int):
                found.append(line)
    return found
