"""The folder of a ladder: what is where, and in which state it is. Reading it loads no torch.

ladder.json        format, kind, name, state, created, error, plan (run, configuration)
progress.json      done and total samples of all trainings, rate, ETA
classes.parquet    the classes of the evaluation set: class, count (texts of the pool with its name), kept (at t),
                   pictures, group (head, middle, tail)
label.npy          (P,) int64: the class of each picture of the evaluation set
trainings/<rung>-s<seed>/             a training each (curation/clip/training/folder.py)
trainings/<rung>-s<seed>/right.npy    (P,) bool: whether its checkpoint knows each picture; its mark of being done
lock, cancel, output.txt              as those of a run
"""

from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa

from curation import files
from curation.clip.ladder.config import LadderConfig, Rung
from curation.clip.training.folder import Training
from curation.clip.work import Work
from curation.errors import CurationError
from curation.runs.folder import Run


class Ladder(Work):
    """A ladder that was read from its folder; its job in `climb.py` is the one writer."""

    KIND: ClassVar[str] = "ladder"
    FILE: ClassVar[str] = "ladder.json"

    @cached_property
    def config(self) -> LadderConfig:
        """The frozen configuration."""
        return LadderConfig(**self.info["plan"]["config"])

    def folder_of(self, rung: Rung, seed: int) -> Path:
        """The folder of a training."""
        return self.path / "trainings" / f"{rung.key}-s{seed}"

    @property
    def judged(self) -> tuple[tuple[Rung, int], ...]:
        """The trainings that are done and judged, in the order of the plan."""
        return tuple(one for one in self.config.trainings if (self.folder_of(*one) / "right.npy").is_file())

    def training(self, rung: Rung, seed: int) -> Training | None:
        """A training, once it was begun."""
        with suppress(CurationError):
            return Training.open(self.folder_of(rung, seed))
        return None

    def right(self, rung: Rung, seed: int) -> np.ndarray | None:
        """(P,) bool: whether each picture was known; None before the training is done."""
        return files.read_array(self.folder_of(rung, seed) / "right.npy")

    @property
    def label(self) -> np.ndarray | None:
        """(P,) int64: the class of each picture, a row of `classes`; None before the ladder has begun."""
        return files.read_array(self.path / "label.npy")

    @property
    def classes(self) -> pa.Table | None:
        """The classes, see above; None before the ladder has begun."""
        path = self.path / "classes.parquet"
        return files.read_table(path) if path.is_file() else None


def create_ladder(path: Path, run: Run, config: LadderConfig, *, name: str) -> Ladder:
    """Write the plan of a ladder on a finished run; raises BadRun where the folder holds one already, BadArgument."""
    return Ladder.create(path, run, {"config": asdict(config)}, name)
