"""A uniform draw of a run's pairs, in a file of its own: what people look at first should come from all of the run.

Where the pairs of a run are many, a page of samples out of one part of it would show what that part happens to hold. So
pairs are drawn by a hash of their uid, about 200,000 from all units alike, and kept in the order of that hash.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import files
from curation.uniform import entry_hashes

DRAWN = 200_000
"""So many pairs are drawn, on average."""

SMALL_RUN = 2_000_000
"""Of a run of up to so many pairs none are drawn: it is gone through as a whole in no time."""

ROW_GROUP_ROWS = 2048
"""A page of samples reads one row group, or a few."""

_SEED = 0x6865616474  # another number than balancing draws by, whatever the seed of the run


def drawn_share(pairs: int) -> float:
    """Which share of a run's pairs is drawn.

    >>> drawn_share(10_000_000), drawn_share(2_000_000)
    (0.02, 0.0)
    """
    return DRAWN / pairs if pairs > SMALL_RUN else 0.0


class Draw:
    """The draw of one unit, added up while its file is written."""

    def __init__(self, unit: int, share: float) -> None:
        """share: of the pairs, from 0 to 1"""
        self._unit = unit
        self._below = np.uint64(share * 2**64)
        self._rows = 0
        self._tables: list[pa.Table] = []

    def add(self, pairs: pa.Table) -> None:
        """The next pairs of the unit's file, in its order."""
        if self._below:
            order = entry_hashes(pairs["uid"].combine_chunks(), _SEED)
            row = np.flatnonzero(order < self._below)
            drawn = pairs.take(pa.array(row))
            for name, column in (
                ("unit", np.full(row.size, self._unit, np.int32)),
                ("row", row + self._rows),
                ("order", order[row]),
            ):
                drawn = drawn.append_column(name, pa.array(column))
            self._tables.append(drawn)
        self._rows += len(pairs)

    def write(self, path: Path) -> None:
        """Write what was drawn, if anything was to be."""
        if self._tables:
            files.write_parquet(path, pa.concat_tables(self._tables))


def gather_draws(paths: list[Path], path: Path) -> None:
    """Put the draws of all units into one file, in the order of their hash.

    columns: those of the pairs, then unit int32 and row int64, where the pair stands in the run, and order uint64
    """
    drawn = pa.concat_tables(files.read_table(one) for one in paths).sort_by([("order", "ascending")])
    with files.whole(path) as temporary:
        files.write_row_groups(temporary, drawn.schema, [drawn], ROW_GROUP_ROWS)
