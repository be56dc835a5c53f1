"""Answers for every t, computed once: on a grid of thresholds, what balancing keeps and what it does to each entry."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from curation.errors import CurationError
from curation.scale import LanguageScale, one_language
from curation.uniform import list_lengths

GRID_POINTS = 256
PAPER_THRESHOLDS = (15_000.0, 20_000.0, 35_000.0, 170_000.0)
"""The thresholds of the paper's ablation, and the one of its second pool."""


@dataclass(frozen=True)
class Curves:
    """Every answer on the grid; a page reads one row.

    grid:               (T,) float64, ascending
    kept:               (T,) int64 pairs with t_min < t
    expected:           (T,) float64 sum of pi over the pairs: the size of the curated set on average over seeds
    sigma:              (T,) float64 its standard deviation
    tail_share:         (T,) float64 share of all matches of the pool on entries with count < t (of their language)
    kept_tail_share:    (T,) float64 the same share among the matches of the kept pairs
    entries_covered:    (T,) int64 entries that at least one kept pair matches
    ranked_entry_id:    (E,) int32 the entries that match at all, by descending count, then by id
    ranked_entry_count: (E,) int64 their counts
    entry_kept:         (T, E) uint32 kept pairs that match each of them; may be memory-mapped
    """

    grid: np.ndarray
    kept: np.ndarray
    expected: np.ndarray
    sigma: np.ndarray
    tail_share: np.ndarray
    kept_tail_share: np.ndarray
    entries_covered: np.ndarray
    ranked_entry_id: np.ndarray
    ranked_entry_count: np.ndarray
    entry_kept: np.ndarray

    def fit_together(self, entries: int) -> bool:
        """Whether the arrays have the shapes and the numbers that belong together; else a file of them is damaged.

        entries: of the run
        """
        columns = (self.grid, self.kept, self.expected, self.sigma, self.tail_share, self.kept_tail_share)
        ranked = self.ranked_entry_id.shape
        return (
            all(one.shape == (len(self.grid),) for one in (*columns, self.entries_covered))
            and all(one.dtype == np.float64 for one in columns if one is not self.kept)
            and self.kept.dtype == self.entries_covered.dtype == self.ranked_entry_count.dtype == np.int64
            and self.ranked_entry_id.dtype == np.int32
            and self.ranked_entry_count.shape == ranked
            and self.entry_kept.shape == (len(self.grid), *ranked)
            and bool(((self.ranked_entry_id >= 0) & (self.ranked_entry_id < entries)).all())
        )

    def with_rows(self, other: "Curves") -> "Curves":
        """These curves with the rows of others of the same pool put in between; `other` holds thresholds of its own."""
        at = np.searchsorted(self.grid, other.grid)
        by_row = ("grid", "kept", "expected", "sigma", "tail_share", "kept_tail_share", "entries_covered", "entry_kept")
        return replace(
            self, **{name: np.insert(getattr(self, name), at, getattr(other, name), axis=0) for name in by_row}
        )

    def row(self, t: float) -> int | None:
        """The row of the grid that stands for t, or None for a t between the grid points."""
        at = int(np.searchsorted(self.grid, t))
        return at if at < self.grid.size and self.grid[at] == t else None


def threshold_grid(largest_count: int, more: Iterable[float] = ()) -> np.ndarray:
    """The thresholds that curves are computed for.

    256 of them evenly on the logarithm from 1 to the largest count, rounded to three digits (above that count
    everything that matches is kept), the paper's as far as they lie in between, and those in `more`.

    returns (T,) float64, ascending, distinct, T <= 256 + 4 + len(more)

    >>> threshold_grid(4)[[0, 1, -1]]
    array([1.  , 1.01, 4.  ])
    """
    top = max(1.0, float(largest_count))
    points = [min(top, float(f"{t:.3g}")) for t in np.geomspace(1.0, top, GRID_POINTS)]
    return np.unique([*points, top, *(t for t in PAPER_THRESHOLDS if t < top), *more])


@dataclass(frozen=True)
class CurvePart:
    """What some pairs add to the curves; of all parts of a pool, whoever made them, the sum is the whole.

    kept, certain: (T + 1,) int64 and sums: (2, T) float64, as the kernel counts them
    at:            (K,) int64 the places of the flat (T, E) array of kept pairs that are not 0; count: (K,) uint32 there
    """

    kept: np.ndarray
    certain: np.ndarray
    sums: np.ndarray
    at: np.ndarray
    count: np.ndarray


class CurveBuilder:
    """Adds batches of pairs, or parts of them, up to `Curves`, in any order.

    Holds one row a threshold for each entry that matches; memory does not grow with the pool.
    """

    def __init__(self, entry_count: np.ndarray, grid: np.ndarray, scale: LanguageScale | None = None) -> None:
        """entry_count: (M,) int64, of the whole pool; grid: (T,) float64 ascending; scale: if there are languages."""
        if entry_count.max(initial=0) > np.iinfo(np.uint32).max:
            raise CurationError("an entry matches more than 4,294,967,295 texts: split the pool")
        scale = scale or one_language(entry_count.size)
        matched = np.flatnonzero(entry_count)
        self._entry_count = entry_count
        self._grid = grid
        self._ranked = matched[np.argsort(-entry_count[matched], kind="stable")].astype(np.int32)
        self._rank = np.full(entry_count.size, -1, np.int32)
        self._rank[self._ranked] = np.arange(self._ranked.size, dtype=np.int32)
        self._share = 1.0 / np.maximum(entry_count, 1)
        self._entry_level = scale.entry_level(entry_count)
        self._entry_language = scale.entry_language
        self._language_grid = np.array(
            [scale.language_ts(number, grid) for number in range(len(scale.codes))]
        )  # (L, T)
        self._certain_row = np.zeros(entry_count.size, np.int32)
        for number, language_grid in enumerate(self._language_grid):
            of_it = self._entry_language == number
            self._certain_row[of_it] = np.searchsorted(language_grid, entry_count[of_it].astype(np.float64))
        self._kept = np.zeros(grid.size + 1, np.int64)
        self._certain = np.zeros(grid.size + 1, np.int64)
        self._sums = np.zeros((2, grid.size), np.float64)
        # half the memory of int64: this array is the largest thing a run holds
        self._entry_kept = np.zeros((grid.size, self._ranked.size), np.uint32)

    def add(self, matched_entry_ids: pa.ListArray, t_min: np.ndarray) -> None:
        """One batch. matched_entry_ids: (N,) list<int32>; t_min: (N,) float64, +inf where the list is empty.

        The entries of a list are all of one language; t_min is on the scale of t.
        """
        from curation import curves_kernel

        lengths, entry_ids = list_lengths(matched_entry_ids), matched_entry_ids.flatten().to_numpy()
        curves_kernel.count_kept(lengths, entry_ids, t_min, self._grid, self._rank, self._kept, self._entry_kept)
        curves_kernel.add_moments(
            lengths,
            entry_ids,
            self._share,
            self._certain_row,
            self._language_grid,
            self._entry_language,
            self._sums,
            self._certain,
        )

    def part(self) -> CurvePart:
        """What everything added so far adds to the curves."""
        flat = self._entry_kept.reshape(-1)
        at = np.flatnonzero(flat)
        return CurvePart(self._kept, self._certain, self._sums, at, flat[at])

    def add_part(self, part: CurvePart) -> None:
        """What another builder of the same counts, grid and scale has added up."""
        self._kept += part.kept
        self._certain += part.certain
        self._sums += part.sums
        self._entry_kept.reshape(-1)[part.at] += part.count

    def finish(self) -> Curves:
        """The curves of everything added so far; the builder is used up."""
        entry_kept = np.cumsum(self._entry_kept, axis=0, out=self._entry_kept)
        ranked_count = self._entry_count[self._ranked]
        by_level = np.argsort(-self._entry_level[self._ranked], kind="stable")
        tail = np.searchsorted(-self._entry_level[self._ranked[by_level]], -self._grid, side="right")
        # the entries from there on are the tail at each t; where there is one language they already stand in this order
        matches = np.append(np.cumsum(ranked_count[by_level][::-1])[::-1], 0)
        kept_matches = entry_kept.sum(axis=1, dtype=np.int64)
        in_order = np.array_equal(by_level, np.arange(by_level.size))
        kept_in_tail = np.array(
            [
                (row[first:] if in_order else row[by_level[first:]]).sum(dtype=np.int64)
                for row, first in zip(entry_kept, tail, strict=True)
            ]
        )
        return Curves(
            grid=self._grid,
            kept=np.cumsum(self._kept[:-1]),
            expected=self._sums[0] + np.cumsum(self._certain[:-1]),
            sigma=np.sqrt(self._sums[1]),
            tail_share=matches[tail] / max(matches[0], 1),
            kept_tail_share=kept_in_tail / np.maximum(kept_matches, 1),
            entries_covered=(entry_kept > 0).sum(axis=1),
            ranked_entry_id=self._ranked,
            ranked_entry_count=ranked_count,
            entry_kept=entry_kept,
        )
