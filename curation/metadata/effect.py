"""How many entries a threshold gives, before one is chosen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

ROWS = 12
SCORE_GRIDS = {
    "pmi": (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0),
    "npmi": (0.0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    "pmi2": (-20.0, -18.0, -16.0, -14.0, -12.0, -10.0, -8.0, -6.0, -4.0, -3.0, -2.0, -1.0),
}


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A threshold, how many entries reach it, and what it is known as ("chosen", "paper")."""

    threshold: float
    entries: int
    note: str


def count_grid(counts: npt.NDArray[np.int64], around: int) -> list[float]:
    """ROWS thresholds 1, 2, 5, 10, 20, ... from a twentieth of `around`, or the smallest count if that is larger.

    >>> count_grid(np.array([1, 900]), around=100)[:5]
    [5.0, 10.0, 20.0, 50.0, 100.0]
    """
    steps = [float(digit * 10**power) for power in range(18) for digit in (1, 2, 5)]
    low = max(around / 20, int(np.min(counts)) if counts.size else 0)
    first = max(at for at, step in enumerate(steps) if step <= max(low, 1))
    return steps[first : first + ROWS]


def effects(rank: npt.NDArray[Any], grid: list[float], marked: dict[str, float | None]) -> list[Effect]:
    """How many reach each threshold of the grid, and each marked one, in rising order.

    rank:   (K,) counts or scores
    marked: what a threshold is known as -> it, None for one that is not there

    >>> effects(np.array([1, 5, 7]), [1.0, 10.0], {"chosen": 5})
    [Effect(threshold=1.0, entries=3, note=''), Effect(threshold=5.0, entries=2, note='chosen'), \
Effect(threshold=10.0, entries=0, note='')]
    """
    rank = np.sort(rank)
    known = {name: value for name, value in marked.items() if value is not None}
    return [
        Effect(
            threshold=float(value),
            entries=int(rank.size - np.searchsorted(rank, value, side="left")),
            note=", ".join(name for name, of in known.items() if of == value),
        )
        for value in sorted({*known.values(), *grid})
    ]
