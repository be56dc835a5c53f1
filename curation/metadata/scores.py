"""How much more often two words stand next to each other than by chance."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Score = Literal["pmi", "npmi", "pmi2"]
Counts: TypeAlias = npt.NDArray[np.int64]
Scores: TypeAlias = npt.NDArray[np.float64]


def pmi(pair: Counts, first: Counts, second: Counts, tokens: int) -> Scores:
    """Pointwise mutual information in bits: log2(c_ab N / (c_a c_b)) (Church and Hanks 1990).

    pair, first, second: (K,) how often the pair and each of its words occur, >= 1
    tokens:              N, all words of the corpus
    returns              (K,) float64, rounded to 9 digits so that equal ratios give equal scores

    >>> pmi(np.array([10]), np.array([100]), np.array([50]), 8000)
    array([4.])
    """
    return np.asarray(np.round(np.log2(pair) + np.log2(tokens) - np.log2(first) - np.log2(second), 9) + 0.0)


def npmi(pair: Counts, first: Counts, second: Counts, tokens: int) -> Scores:
    """PMI over its largest value for a pair of this count, -log2(c_ab / N): from -1 to 1 (Bouma 2009)."""
    most = np.log2(tokens) - np.log2(pair)
    return np.asarray(np.round(pmi(pair, first, second, tokens) / np.where(most > 0, most, 1.0), 9) + 0.0)


def pmi2(pair: Counts, first: Counts, second: Counts, tokens: int) -> Scores:
    """log2(c_ab^2 / (c_a c_b)), at most 0: how far the words are from never standing apart (Daille 1994)."""
    return np.asarray(np.round(2 * np.log2(pair) - np.log2(first) - np.log2(second), 9) + 0.0)


SCORES: dict[Score, Callable[[Counts, Counts, Counts, int], Scores]] = {"pmi": pmi, "npmi": npmi, "pmi2": pmi2}
