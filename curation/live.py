"""What the live chart shows while t is dragged: every number and every drawn point, for each t of the grid at once.

A browser can hold a few thousand points a threshold, not the 500,000 entries of a run. So the first ranks are all
drawn, later ones evenly on the logarithm; the sums are over all entries, drawn or not.
"""

from dataclasses import dataclass

import numpy as np

from curation.curves import Curves
from curation.scale import LanguageScale

EXACT_RANKS = 1000
"""Every one of the first ranks is drawn; from there on ranks are drawn evenly on the logarithm."""
SAMPLED_RANKS = 500
SUMMED_RANKS = 200


def shown_ranks(entries: int) -> np.ndarray:
    """(R,) int64 ascending: the ranks, from 1, that are drawn out of so many; the first and the last are among them.

    >>> shown_ranks(5)
    array([1, 2, 3, 4, 5])
    >>> ranks = shown_ranks(500_000)
    >>> ranks.size < 1500, int(ranks[999]), int(ranks[-1])
    (True, 1000, 500000)
    """
    exact = np.arange(1, min(entries, EXACT_RANKS) + 1)
    if entries <= EXACT_RANKS:
        return exact
    sampled = np.geomspace(EXACT_RANKS, entries, SAMPLED_RANKS).astype(np.int64)
    return np.unique(np.concatenate([exact, sampled, [entries]]))


def summed_ranks(entries: int) -> np.ndarray:
    """(K,) int64 ascending: the ranks up to which matches are summed, evenly on the logarithm, first and last included.

    >>> summed_ranks(3), summed_ranks(0)
    (array([1, 2, 3]), array([], dtype=int64))
    """
    return np.unique(np.geomspace(1, entries, SUMMED_RANKS).round().astype(np.int64)) if entries else np.arange(0)


@dataclass(frozen=True)
class Ranks:
    """Which ranks are drawn. With languages, ranks are those of the entries of the reference language, whose t is t.

    column: (E,) int32, where in the order of `Curves.ranked_entry_id` the entry of each rank stands
    rank:   (R,) int64, from 1, ascending: those whose counts are drawn
    summed: (K,) int64, from 1, ascending: those up to which matches are summed
    """

    column: np.ndarray
    rank: np.ndarray
    summed: np.ndarray

    def kept(self, entry_kept: np.ndarray) -> np.ndarray:
        """(R,) of the kept texts of all entries, (E,) in the order of `Curves.ranked_entry_id`."""
        return entry_kept[self.column[self.rank - 1]]

    def matches(self, values: np.ndarray) -> np.ndarray:
        """(K,) int64: values, (E,) in the order of `Curves.ranked_entry_id`, summed from rank 1 to each summed rank."""
        if not self.summed.size:
            return np.zeros(0, np.int64)
        if self.column.size < values.size:
            values = values[self.column]
        first = np.concatenate([[0], self.summed[:-1]])
        return np.cumsum(np.add.reduceat(values, first, dtype=np.int64))


def ranks(curves: Curves, scale: LanguageScale) -> Ranks:
    """The ranks to draw of a run."""
    of_reference = scale.entry_language[curves.ranked_entry_id] == scale.reference
    column = np.flatnonzero(of_reference).astype(np.int32)
    return Ranks(column, shown_ranks(column.size), summed_ranks(column.size))


@dataclass(frozen=True)
class Sketch:
    """The columns of `Curves.entry_kept` that are drawn; gathered when a run ends, for they lie all over a big file.

    rank:         (R,) int64 and summed: (K,) int64, as in `Ranks`
    kept:         (T, R) uint32 kept texts with the entry of each drawn rank
    kept_matches: (T, K) int64 matches of the kept pairs on the entries up to each summed rank, drawn or not
    """

    rank: np.ndarray
    summed: np.ndarray
    kept: np.ndarray
    kept_matches: np.ndarray

    def fits(self, curves: Curves, ranks: Ranks) -> bool:
        """Whether these are the drawn columns of those curves, under the rule of today."""
        return (
            np.array_equal(self.rank, ranks.rank)
            and np.array_equal(self.summed, ranks.summed)
            and self.kept.shape == (curves.grid.size, ranks.rank.size)
            and self.kept_matches.shape == (curves.grid.size, ranks.summed.size)
        )


def sketch(curves: Curves, ranks: Ranks) -> Sketch:
    """Gather these columns; reads all of `entry_kept` once."""
    size = curves.grid.size
    kept, kept_matches = np.empty((size, ranks.rank.size), np.uint32), np.empty((size, ranks.summed.size), np.int64)
    for row, entry_kept in enumerate(curves.entry_kept):
        kept[row] = ranks.kept(entry_kept)
        kept_matches[row] = ranks.matches(entry_kept)
    return Sketch(ranks.rank, ranks.summed, kept, kept_matches)


@dataclass(frozen=True)
class Live:
    """Everything the live chart shows at every t of the grid; what is named as in `Curves` and `Size` is the same.

    t, kept, expected, sigma, tail_share, kept_tail_share, entries_covered, entries_at_cap: (T,)
    head:           (T,) int64 entries with count >= t, of those that are ranked
    head_matches:   (T,) int64 matches of the pool on them
    rank, entry_id, count: (R,) of the drawn entries; count in texts of the pool
    entry_kept:     (T, R) uint32 kept texts with each
    summed:         (K,) int64 ranks; matches: (K,) int64 matches of the pool on the entries up to each of them
    kept_matches:   (T, K) int64 the same of the kept pairs
    entries:        how many entries are ranked: those that match, with languages those of the reference language
    """

    t: np.ndarray
    kept: np.ndarray
    expected: np.ndarray
    sigma: np.ndarray
    tail_share: np.ndarray
    kept_tail_share: np.ndarray
    entries_covered: np.ndarray
    entries_at_cap: np.ndarray
    head: np.ndarray
    head_matches: np.ndarray
    rank: np.ndarray
    entry_id: np.ndarray
    count: np.ndarray
    entry_kept: np.ndarray
    summed: np.ndarray
    matches: np.ndarray
    kept_matches: np.ndarray
    entries: int


def live(curves: Curves, scale: LanguageScale, entry_count: np.ndarray, ranks: Ranks, sketch: Sketch) -> Live:
    """Put together what is drawn of a run. entry_count: (M,) int64; touches no big array."""
    level = np.sort(scale.entry_level(entry_count)[curves.ranked_entry_id])
    head, head_matches = heads(curves, ranks, curves.grid)
    at = ranks.column[ranks.rank - 1]
    return Live(
        t=curves.grid,
        kept=curves.kept,
        expected=curves.expected,
        sigma=curves.sigma,
        tail_share=curves.tail_share,
        kept_tail_share=curves.kept_tail_share,
        entries_covered=curves.entries_covered,
        entries_at_cap=level.size - np.searchsorted(level, curves.grid),
        head=head,
        head_matches=head_matches,
        rank=ranks.rank,
        entry_id=curves.ranked_entry_id[at],
        count=curves.ranked_entry_count[at],
        entry_kept=sketch.kept,
        summed=ranks.summed,
        matches=ranks.matches(curves.ranked_entry_count),
        kept_matches=sketch.kept_matches,
        entries=ranks.column.size,
    )


def heads(curves: Curves, ranks: Ranks, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ranked entries with count >= t, and the matches of the pool on them. t: (T,); returns two (T,) int64."""
    count = curves.ranked_entry_count[ranks.column]
    head = np.searchsorted(-count, -t, side="right")
    return head, np.append(0, np.cumsum(count))[head]
