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
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from curation import files
from curation.clip.training.config import TrainConfig
from curation.errors import BadRun, CurationError
from curation.runs.folder import Run, State, check_name, is_locked

FORMAT = 1
FILE = "train.json"
_KEYS = {"name", "state", "created", "error", "plan"}


@dataclass(frozen=True)
class Training:
    """A training that was read from its folder; its job in `train.py` is the one writer."""

    path: Path
    info: dict[str, Any]

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.info["name"])

    @property
    def state(self) -> State:
        """As that of a run."""
        state: State = self.info["state"]
        return "interrupted" if state == "running" and not is_locked(self.path) else state

    @cached_property
    def config(self) -> TrainConfig:
        """The frozen configuration."""
        return TrainConfig(**self.info["plan"]["config"])

    @property
    def run(self) -> Path:
        """The run that it trains on."""
        return Path(self.info["plan"]["run"])

    @property
    def t(self) -> float:
        """The threshold: its own, or that of the run."""
        return float(self.info["plan"]["t"])

    @property
    def totals(self) -> dict[str, Any]:
        """What it came to: items, dropped, steps, samples, epochs, loss, seconds, and its last evaluation; {} before."""
        return dict(self.info.get("totals", {}))

    @property
    def checkpoint(self) -> Path:
        """The folder of its checkpoint, which is there once it is done."""
        return self.path / "checkpoint"


def create_training(path: Path, run: Run, config: TrainConfig, *, name: str) -> Training:
    """Write the plan of a training on a finished run; raises BadRun where the folder holds one already, BadArgument."""
    if (path / FILE).exists():
        raise BadRun(f"{path}: a training is here already; go on with --resume, or choose another folder")
    path.mkdir(parents=True, exist_ok=True)
    info = {
        "format": FORMAT,
        "kind": "training",
        "name": check_name(name),
        "state": "planned",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "error": None,
        "plan": {
            "run": str(run.path.resolve()),
            "plan_digest": run.info["plan_digest"],
            "t": run.t if config.t is None else config.t,
            "config": asdict(config),
        },
    }
    files.write_json(path / FILE, info)
    return Training(path, info)


def open_training(path: Path) -> Training:
    """Read the folder of a training; raises BadRun, UnreadableFile."""
    if not (path / FILE).is_file():
        raise BadRun(f"{path}: no training here (no {FILE})")
    info = files.read_json(path / FILE)
    if not isinstance(info, dict) or info.get("format") != FORMAT or _KEYS - info.keys():
        raise BadRun(f"{path}: no training that this version reads")
    return Training(path, info)


def list_trainings(folder: Path) -> list[Training]:
    """The trainings directly in a folder, the newest first; whatever else is in there is passed over."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(CurationError):
            found.append(open_training(path))
    return sorted(found, key=lambda training: (training.info["created"], training.name), reverse=True)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a training's metrics so far; a last line that is being written is left out."""
    if not (path / "metrics.jsonl").is_file():
        return []
    lines = (path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def set_state(training: Training, state: State, error: str | None) -> None:
    """Let the folder say how the work goes."""
    training.info.update(state=state, error=error)
    files.write_json(training.path / FILE, training.info)
