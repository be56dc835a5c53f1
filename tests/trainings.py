"""Folders of trainings as their jobs leave them, made by hand: curves that look like curves, no model."""

import json
import math
from pathlib import Path
from typing import Any

from curation.clip.training.config import TrainConfig
from curation.clip.training.folder import Training, create_training
from curation.runs.folder import Run


def metrics_of(config: TrainConfig, *, until: float = 1.0, best: float = 0.5) -> list[dict[str, Any]]:
    """The lines of a training that came so far: the loss falls from ln of the batch, accuracy rises to `best`."""
    lines: list[dict[str, Any]] = []
    points = config.evaluations * 4
    for point in range(1, points + 1):
        share = point / points
        if share > until:
            break
        step = round(share * config.steps)
        at = {"step": step, "samples": step * config.batch_size}
        loss = math.log(config.batch_size) * (0.2 + 0.8 * math.exp(-3 * share))
        rate = {"learning_rate": 1e-3 * (1 - share / 2), "logit_scale": 14.3 + 30 * share, "samples_per_second": 640.0}
        lines.append({**at, "epoch": int(share * 4), "loss": loss, **rate})
        if point % 4 == 0:
            reached = best * (1 - math.exp(-3 * share)) / (1 - math.exp(-3))
            lines.append({**at, "top1": reached, "mean_per_class": reached * 0.9})
    return lines


def make_training(
    path: Path,
    run: Run,
    *,
    name: str = "balanced",
    state: str = "done",
    until: float = 1.0,
    best: float = 0.5,
    **told: Any,
) -> Training:
    """A training in a state, with what its job had written until then."""
    config = TrainConfig(**{"samples": 25_600, **told})
    training = create_training(path, run, config, name=name)
    lines = metrics_of(config, until=until, best=best)
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    if state == "done":
        last = {key: value for line in lines for key, value in line.items()}
        kept = ("step", "samples", "epoch", "loss", "logit_scale", "top1", "mean_per_class")
        training.info["totals"] = {key: last[key] for key in kept} | {"seconds": 95.0, "items": 800, "dropped": {}}
        (path / "checkpoint").mkdir()
    training.set_state(state, "the loss is nan at step 7" if state == "failed" else None)
    return Training.open(path)
