"""The compiled part of `curves.py`. Importing this module imports numba."""

from typing import Any

import numpy as np

from curation.compiled import compiled


@compiled()
def count_kept(lengths: Any, entry_ids: Any, t_min: Any, grid: Any, rank: Any, kept: Any, entry_kept: Any) -> None:
    """Count each pair, for itself and for its entries, in the first row of the grid that keeps it.

    kept: (T + 1,) int64, its last row for pairs that no threshold of the grid keeps; entry_kept: (T, E) uint32
    """
    at = 0
    for i in range(lengths.size):
        stop = at + lengths[i]
        row = np.searchsorted(grid, t_min[i], side="right")
        kept[row] += 1
        if row < grid.size:
            for k in range(at, stop):
                entry_kept[row, rank[entry_ids[k]]] += np.uint32(1)
        at = stop


@compiled(error_model="numpy")
def add_moments(
    lengths: Any, entry_ids: Any, share: Any, certain_row: Any, grids: Any, language: Any, sums: Any, certain: Any
) -> None:
    """Add pi and pi (1 - pi) of each pair to the rows in which chance decides about it.

    share:       (M,) float64, 1 / count
    certain_row: (M,) int32, the first row in which an entry keeps all its texts; there and after, pi is 1
    grids:       (L, T) float64, what each t of the grid is in each language
    language:    (M,) int32, the row of `grids` of each entry
    sums:        (2, T) float64: of pi, of pi (1 - pi)
    certain:     (T + 1,) int64, how many pairs are certain from each row on
    """
    miss = np.empty(grids.shape[1])  # product of 1 - p_e, for each t
    expected, variance = sums[0], sums[1]
    at = 0
    for i in range(lengths.size):
        stop = at + lengths[i]
        rows = grids.shape[1]
        for k in range(at, stop):
            rows = min(rows, np.int64(certain_row[entry_ids[k]]))
        if stop > at:
            certain[rows] += 1
            grid = grids[language[entry_ids[at]]]
            miss[:rows] = 1.0
            # four entries at a time: as many multiplications, a quarter of the loads and stores
            while stop - at >= 4:
                a, b = share[entry_ids[at]], share[entry_ids[at + 1]]
                c, d = share[entry_ids[at + 2]], share[entry_ids[at + 3]]
                for g in range(rows):
                    t = grid[g]
                    miss[g] *= ((1.0 - t * a) * (1.0 - t * b)) * ((1.0 - t * c) * (1.0 - t * d))
                at += 4
            while at < stop:
                a = share[entry_ids[at]]
                for g in range(rows):
                    miss[g] *= 1.0 - grid[g] * a
                at += 1
            for g in range(rows):
                pi = 1.0 - miss[g]
                expected[g] += pi
                variance[g] += pi * miss[g]


@compiled()
def collect_rare(lengths: Any, entry_ids: Any, t_min: Any, unit: int, first_row: int, slot: Any, found: Any) -> None:
    """Write down the places of the pairs that match rare entries.

    slot: (M,) int32, negative for an entry that is not rare; found: of postings, as many as there are
    """
    at = used = 0
    for i in range(lengths.size):
        for k in range(at, at + lengths[i]):
            if slot[entry_ids[k]] >= 0:
                found[used].entry_id = entry_ids[k]
                found[used].unit = unit
                found[used].row = first_row + i
                found[used].t_min = t_min[i]
                used += 1
        at += lengths[i]


@compiled()
def put_in_order(postings: Any, first: Any, places: Any) -> None:
    """Put each posting where its entry begins, behind those of the same entry that came before it.

    first: (M,) int64, where each entry begins in `places`; used up
    """
    for k in range(postings.size):
        to = first[postings[k].entry_id]
        first[postings[k].entry_id] += 1
        places[to].unit = postings[k].unit
        places[to].row = postings[k].row
        places[to].t_min = postings[k].t_min
