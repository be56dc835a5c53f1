"""One threshold for all languages: t of the reference language, and what it means in the others (arXiv:2507.22062).

MetaCLIP 2 sets t for English and gives every other language the threshold with the same tail share:

    t_l(t) = p_to_t(counts of l, t_to_p(counts of English, t))

Counts are whole numbers, so between two whole t nothing changes but at the step itself; there, from each whole t to the
next, t_l goes on a straight line. So it is the paper's at every whole t, continuous, and never falls. That makes it
invertible: a pair of language l, kept iff the smallest u_e c_e of its entries is below t_l(t), is kept iff
`to_reference` of that number is below t. What a run stores is that: one number per pair, on one scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from curation.balancing import check_t, tail_shares
from curation.errors import BadArgument


class Steps(NamedTuple):
    """Where the threshold of a language rises: from t = at to at + 1 on a straight line from low to high.

    at, low, high: (S,) float64, whole numbers, ascending; low[k + 1] == high[k]; between the steps it stays as it is
    """

    at: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class LanguageScale:
    """What t means in each language of a run.

    codes:          the languages, by number; one without a name where metadata knows no languages
    reference:      the number of the language whose threshold is t itself
    entry_language: (M,) int32, the number of the language of each entry
    steps:          of each language; None for the reference, and where nothing matched
    """

    codes: tuple[str, ...]
    reference: int
    entry_language: np.ndarray
    steps: tuple[Steps | None, ...]

    def language_t(self, language: int, t: float) -> float:
        """The threshold of a language at t; raises BadArgument for t < 1.

        >>> counts = np.array([0, 10, 30, 60, 2, 8])
        >>> scale = language_scale(counts, np.array([0, 0, 0, 0, 1, 1], np.int32), ["en", "ja"], "en")
        >>> [scale.language_t(1, t) for t in (10, 11, 31, 60, 61)], scale.language_t(0, 31)
        ([1.0, 1.0, 3.0, 3.0, 9.0], 31.0)
        """
        return float(self.language_ts(language, np.array([check_t(t)]))[0])

    def language_ts(self, language: int, t: np.ndarray) -> np.ndarray:
        """Like `language_t` for many t. t: (T,) float64, each 1 or more; returns (T,) float64."""
        steps = self.steps[language]
        if steps is None:
            return t
        k = np.searchsorted(steps.at, t, side="left") - 1  # the last step that begins below t
        return steps.low[k] + np.minimum(t - steps.at[k], 1.0) * (steps.high[k] - steps.low[k])

    def to_reference(self, values: np.ndarray, language: np.ndarray) -> np.ndarray:
        """Numbers that are compared with a language's threshold, as numbers to be compared with t.

        For every whole t exactly, and for others up to rounding: result < t iff value < language_t(language, t).

        values:   (N,) float64, from 0: products u * count, or counts
        language: (N,) int32; any number where the value is +inf
        returns   (N,) float64; +inf stays +inf

        >>> counts = np.array([10, 30, 60, 2, 8])
        >>> scale = language_scale(counts, np.array([0, 0, 0, 1, 1], np.int32), ["en", "ja"], "en")
        >>> scale.to_reference(np.array([5.0, 0.5, 2.0, 6.0]), np.array([0, 1, 1, 1]))
        array([ 5. ,  0.5, 30.5, 60.5])
        """
        result = values.astype(np.float64)
        for number, steps in enumerate(self.steps):
            if steps is not None and (of_it := language == number).any():
                result[of_it] = _to_reference(result[of_it], steps)
        return result

    def entry_level(self, entry_count: np.ndarray) -> np.ndarray:
        """The counts as numbers to be compared with t: an entry belongs to the tail at t iff its level is below t.

        entry_count: (M,) int64; returns (M,) float64; of the reference language the counts themselves
        """
        return self.to_reference(entry_count, self.entry_language)

    def top(self, entry_count: np.ndarray) -> float:
        """The smallest whole t, from which on everything that matches is kept; 0 where nothing matched."""
        return float(np.ceil(self.entry_level(entry_count).max(initial=0.0)))

    def of_reference(self, entry_count: np.ndarray) -> np.ndarray:
        """The counts of the reference language, by which t and the tail share go together."""
        return entry_count[self.entry_language == self.reference]

    def tail_share(self, entry_count: np.ndarray, t: float) -> float:
        """Share of all matches on entries with a count below their language's threshold; 0 where nothing matched."""
        in_tail = entry_count[self.entry_level(entry_count) < check_t(t)]
        return int(in_tail.sum()) / max(int(entry_count.sum()), 1)


def one_language(n_entries: int) -> LanguageScale:
    """The scale of metadata that knows no languages: t is t."""
    return LanguageScale(("",), 0, np.zeros(n_entries, np.int32), (None,))


def language_scale(
    entry_count: np.ndarray, entry_language: np.ndarray, codes: Sequence[str], reference: str
) -> LanguageScale:
    """The scale of a pool's counts.

    entry_count:    (M,) int64
    entry_language: (M,) int32, position in `codes`
    reference:      one of `codes`; its threshold is t
    raises          BadArgument if others matched and the reference did not: it has no tail share to go by
    """
    counts = [entry_count[entry_language == number] for number in range(len(codes))]
    of_reference = codes.index(reference)
    if entry_count.any() and not counts[of_reference].any():
        raise BadArgument(
            f"nothing matched in the reference language {reference!r}, so t means nothing in the others; "
            "choose another with --reference-language"
        )
    steps = tuple(
        None if number == of_reference or not of_it.any() else _steps(counts[of_reference], of_it)
        for number, of_it in enumerate(counts)
    )
    return LanguageScale(tuple(codes), of_reference, entry_language, steps)


def _steps(reference_count: np.ndarray, entry_count: np.ndarray) -> Steps:
    """Where p_to_t(entry_count, t_to_p(reference_count, t)) rises, over whole t."""
    reference_thresholds, reference_shares = tail_shares(reference_count)
    thresholds, shares = tail_shares(entry_count)
    # reference_thresholds[k] is the first whole t with that tail share; at 0 and at t = 1 the threshold is t itself
    t = thresholds[_nearest(shares, reference_shares)]
    rises = np.flatnonzero(np.diff(t, prepend=0.0))
    high = t[rises]
    return Steps(at=reference_thresholds[rises] - 1.0, low=np.concatenate([[0.0], high[:-1]]), high=high)


def _nearest(ascending: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The position of the value nearest to each wanted one, the smaller of two equally near, as `p_to_t` takes it."""
    above = np.searchsorted(ascending, wanted).clip(1, ascending.size - 1)
    return above - (np.abs(ascending[above - 1] - wanted) <= np.abs(ascending[above] - wanted))


def _to_reference(values: np.ndarray, steps: Steps) -> np.ndarray:
    k = np.searchsorted(steps.high, values, side="right")  # the first step that ends above the value
    inside = k < steps.at.size
    k = np.minimum(k, steps.at.size - 1)
    along = (values - steps.low[k]) / (steps.high[k] - steps.low[k])
    # rounding must not carry a value to the end of its step, where a whole t stands
    found = np.minimum(steps.at[k] + along, np.nextafter(steps.at[k] + 1.0, 0.0))
    return np.where(inside, found, np.inf)
