"""What a ladder can be told. The command line and the form of the app are made from this, so it loads no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from curation.clip.training.config import ARMS, BALANCED, Arm, TrainConfig
from curation.errors import BadArgument

SWEEP = (0.1, 0.3, 1.0, 3.0, 10.0)
"""The full ladder tries t times each of these."""
FULL_SEEDS = (0, 1, 2)
EVALUATIONS = 4
"""Points on the curve of each training: every one costs seconds that are not spent on training."""


@dataclass(frozen=True)
class Rung:
    """An arm at a t: what is compared with each other.

    t: None for the arms that know no t
    """

    arm: Arm
    t: float | None = None

    @property
    def key(self) -> str:
        """As it stands in names of folders and in tables.

        >>> Rung("balanced", 20.0).key, Rung("raw").key
        ('balanced-t20', 'raw')
        """
        return self.arm if self.t is None else f"{self.arm}-t{self.t:.15g}"


@dataclass(frozen=True, kw_only=True)
class LadderConfig:
    """Which arms, at which t, with which seeds; every training sees equally many samples.

    arms:  of ARMS; `matched` is what the others are compared with
    t:     of the arms that are balanced
    sweep: further thresholds at which the arm `balanced` is trained
    seeds: of the trainings; differences between them are in the intervals
    train: what all trainings have in common; its arm, t and seed are those of each rung
    """

    arms: Sequence[Arm] = ARMS
    t: float
    sweep: Sequence[float] = ()
    seeds: Sequence[int] = (0,)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        object.__setattr__(self, "train", TrainConfig(**self.train) if isinstance(self.train, dict) else self.train)
        for name in ("arms", "sweep", "seeds"):  # as JSON gives them back
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if unknown := [arm for arm in self.arms if arm not in ARMS]:
            raise BadArgument(f"arm {unknown[0]!r}: give one of {', '.join(ARMS)}")
        if not self.arms or len(set(self.arms)) < len(self.arms):
            raise BadArgument(f"arms {', '.join(self.arms) or 'none'}: give each once, and at least one")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise BadArgument(f"seeds {', '.join(map(str, self.seeds)) or 'none'}: give each once, and at least one")
        if self.train.evaluate is None:
            raise BadArgument("a ladder is climbed for its accuracy: name an evaluation set with --evaluate")
        if min([self.t, *self.sweep]) < 1:
            raise BadArgument(f"t {min([self.t, *self.sweep]):g}: give a number from 1 up")

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The arms in their order, then the further t of the sweep in theirs."""
        arms = [Rung(arm, self.t if arm in BALANCED else None) for arm in self.arms]
        more = [Rung("balanced", t) for t in sorted(set(self.sweep)) if Rung("balanced", t) not in arms]
        return (*arms, *more)

    @property
    def trainings(self) -> tuple[tuple[Rung, int], ...]:
        """Every rung with every seed; all rungs of a seed first, so that a ladder cut short compares them all."""
        return tuple((rung, seed) for seed in self.seeds for rung in self.rungs)

    def of(self, rung: Rung, seed: int) -> TrainConfig:
        """What is trained on a rung with a seed."""
        return replace(self.train, arm=rung.arm, t=rung.t, seed=seed)

    @property
    def samples(self) -> int:
        """Samples seen by all trainings together."""
        return len(self.trainings) * self.train.steps * self.train.batch_size


def preset(t: float, evaluate: str, *, full: bool, **train: Any) -> LadderConfig:
    """The quick ladder: one seed, one t. The full one: three seeds and a sweep over t.

    >>> [rung.key for rung in preset(20, "eval.parquet", full=False).rungs]
    ['raw', 'english', 'matched', 'balanced-t20', 'online-t20']
    """
    sweep = tuple(float(f"{max(1.0, factor * t):.2g}") for factor in SWEEP) if full else ()
    common = TrainConfig(**{"evaluate": evaluate, "evaluations": EVALUATIONS, **train})
    return LadderConfig(t=float(t), sweep=sweep, seeds=FULL_SEEDS if full else (0,), train=common)
