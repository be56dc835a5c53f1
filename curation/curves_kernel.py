"""The compiled part of `curves.py`. Importing this module imports numba."""

from typing import Any

import numba as nb
import numpy as np

_i32, _i64, _f64 = (nb.types.Array(t, 1, "C", readonly=True) for t in (nb.int32, nb.int64, nb.float64))


@nb.njit(
    nb.void(
        _i64, _i32, _f64, _i64, _i32, _f64, nb.int64[::1], nb.float64[::1], nb.float64[::1], nb.uint32[:, ::1]
    ),
    nogil=True,
    cache=True,
)  # fmt: skip
def add(
    lengths: Any,
    entry_ids: Any,
    t_min: Any,
    entry_count: Any,
    rank: Any,
    grid: Any,
    kept: Any,
    expected: Any,
    variance: Any,
    entry_kept: Any,
) -> None:
    """Add a batch to the sums. `kept` and `entry_kept` get each pair once, in the first row that keeps it."""
    miss = np.empty(grid.size, np.float64)  # product of 1 - p_e, for each t
    at = 0
    for i in range(lengths.size):
        stop = at + lengths[i]
        if stop == at:
            continue
        row = np.searchsorted(grid, t_min[i], side="right")
        kept[row] += 1
        rarest = entry_count[entry_ids[at]]
        for k in range(at, stop):
            if row < grid.size:
                entry_kept[row, rank[entry_ids[k]]] += np.uint32(1)
            rarest = min(rarest, entry_count[entry_ids[k]])
        # from the count of its rarest entry on, a pair is kept for certain
        certain = np.searchsorted(grid, np.float64(rarest), side="left")
        miss[:certain] = 1.0
        for k in range(at, stop):
            share = 1.0 / np.float64(entry_count[entry_ids[k]])
            for g in range(certain):
                miss[g] *= 1.0 - grid[g] * share
        for g in range(certain):
            expected[g] += 1.0 - miss[g]
            variance[g] += miss[g] * (1.0 - miss[g])
        for g in range(certain, grid.size):
            expected[g] += 1.0
        at = stop
