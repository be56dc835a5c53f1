"""How often a training goes over its pairs, and from which t on that is not too often. Loads no torch.

A model that sees few pairs again and again learns them by heart: balanced at too low a t it does worse than on all that
match, though its pairs are better. So whoever chooses t and the number of samples is told what they make together.
"""

import math
from dataclasses import dataclass

from curation import queries
from curation.clip.training.config import Arm
from curation.runs.folder import Run

MOST_PASSES = 12.0
"""More passes than this over the pairs are too many. Tiny models gained from 7 passes and lost at 31."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What an arm goes over for its samples.

    pairs:  of the arm; None where only identifying languages tells
    passes: samples / pairs; None likewise, and where there is no pair
    """

    samples: int
    pairs: int | None

    @property
    def passes(self) -> float | None:
        """How often each pair is seen."""
        return self.samples / self.pairs if self.pairs else None

    @property
    def too_many(self) -> bool:
        """Whether that is too often."""
        return self.passes is not None and self.passes > MOST_PASSES


def budget(run: Run, arm: Arm, t: float, samples: int) -> Budget:
    """The budget of an arm of a finished run. Pairs whose picture cannot be read are still counted."""
    if arm == "english":
        return Budget(samples=samples, pairs=None)
    size = queries.size(run, t)
    return Budget(samples=samples, pairs={"raw": size.pairs, "matched": size.matched}.get(arm, size.kept))


def lowest_t(run: Run, samples: int) -> float | None:
    """The t from which on the samples are no more than `MOST_PASSES` passes; None where all that match are too few."""
    pairs = max(math.ceil(samples / MOST_PASSES), int(run.curves.kept[0]), 1)
    return queries.threshold_for_size(run, pairs).t if pairs <= run.curves.kept[-1] else None
