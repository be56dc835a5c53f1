"""How often a training goes over its pairs, and from which t on that is not too often. Loads no torch.

A model that sees few pairs again and again learns them by heart: balanced at too low a t it does worse than on all that
match, though its pairs are better. So whoever chooses t and the number of samples is told what they make together.
"""

import math
from dataclasses import dataclass

from curation import queries
from curation.clip.ladder.summary import MANY_PASSES, too_few
from curation.clip.training.config import Arm
from curation.runs.folder import Run


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What an arm goes over for its samples.

    pairs: of the arm; None where only identifying languages tells
    """

    samples: int
    pairs: int | None

    @property
    def passes(self) -> float | None:
        """How often each pair is seen; None where the pairs are not known, or there is none."""
        return self.samples / self.pairs if self.pairs else None

    @property
    def too_many(self) -> bool:
        """Whether that is so often that a small model learns them by heart."""
        return self.pairs is not None and too_few(self.pairs, self.samples)


def budget(run: Run, arm: Arm, t: float, samples: int) -> Budget:
    """The budget of an arm of a finished run. Pairs whose picture cannot be read are still counted."""
    if arm == "english":
        return Budget(samples=samples, pairs=None)
    size = queries.size(run, t)
    return Budget(samples=samples, pairs={"raw": size.pairs, "matched": size.matched}.get(arm, size.kept))


def lowest_t(run: Run, samples: int) -> float | None:
    """The t from which on the samples are not too many passes; None where even all pairs that match are too few."""
    pairs = max(math.ceil(samples / MANY_PASSES), int(run.curves.kept[0]), 1)
    return queries.threshold_for_size(run, pairs).t if pairs <= run.curves.kept[-1] else None
