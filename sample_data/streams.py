"""Random draws of the SYNTHETIC emoji world: those for pair i depend on (seed, stream, i) alone."""

from collections.abc import Sequence
from enum import IntEnum
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Stream(IntEnum):
    """Separate streams: a new template cannot move a pixel, and no evaluation picture is in the pool."""

    SCENE = 0
    CAPTION = 1
    PIXELS = 2
    EVAL = 3
    WORLDWIDE = 4


def stream(seed: int, which: Stream, index: int) -> np.random.Generator:
    """The generator of one pair in one stream; `seed` and `index` are not negative."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, int(which), index))))


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """One of `choices`, all equally likely."""
    # Generator.choice takes 20 times as long, and a picture must take less than a millisecond.
    return choices[int(rng.random() * len(choices))]


def pick_weighted(rng: np.random.Generator, choices: Sequence[tuple[T, float]]) -> T:
    """One of `choices`, (value, share) with shares of sum 1."""
    u = rng.random()
    for value, share in choices:
        u -= share
        if u < 0:
            return value
    return choices[-1][0]


def listed(text: str) -> tuple[str, ...]:
    """The phrases of a text that commas separate.

    >>> listed("hand drawn, retro")
    ('hand drawn', 'retro')
    """
    return tuple(text.split(", "))
