"""Disks that are full, or fail: told in one line with what is kept, and foreseen by the plan and by the files of units.

What a run needs is not known before it has read its pool: filters, duplicates and captions that compress well make it
little. So before the first unit a run is refused only where the least that it can need will not fit, and where the
usual will not fit the log says so.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curation import files
from curation.engines import Unit
from curation.errors import CurationError, DiskFull
from curation.runs.folder import Run
from curation.runs.log import write_line
from curation.runs.receipts import receipts_in

SURE = 0.5
"""A disk with room for less than this share of what units are going to need will not do, though they differ in size."""

LEAST_OF_ROW, LEAST_OF_POOL = 4.0, 1 / 8
"""Bytes of pair files for a row of the pool, and for a byte of it: the lesser of the two is the least for the row.

Measured: 66 a row over ten million pairs with captions of the length of the web's (32 bytes a row in the pool), 54 and
65 over two sets of real captions, 50 over random words, and 4.6 over made-up captions with 2 bytes a row in the pool.
A million times the same caption takes 0.07, of a pool that has 0.005 a row.
"""

USUAL_OF_ROW = 60.0
"""Bytes of pair files, curves and all for a row with a caption, a uid and an address: measured as above, 54 to 105."""


def check_room(run: Run, curves: int = 0) -> None:
    """Before a phase: raises DiskFull where what is left plainly will not fit; that it is likely not to, is logged.

    curves: bytes of theirs, once they are known
    """
    there = receipts_in(run.path / "pairs")
    least, usual = float(curves), 0.0
    for index, (at, first, stop) in enumerate(run.info["plan"]["units"]):
        file = run.inputs[at]
        if index not in there and file.rows:
            rows = sum(file.rows_in_group[first:stop])
            least += min(rows * LEAST_OF_ROW, file.bytes * rows / file.rows * LEAST_OF_POOL)
            usual += rows * USUAL_OF_ROW
    if run.config.active_filters:  # they may leave nothing
        least = float(curves)
    free = shutil.disk_usage(run.path).free
    if free < least:
        raise DiskFull(f"what is left to do needs at least {least / 1e6:,.2f} MB, {free / 1e6:,.2f} MB are free")
    if free < usual:
        told = (
            f"may not fit: a run of this size usually needs {usual / 1e6:,.1f} MB more, {free / 1e6:,.1f} MB are free"
        )
        write_line(run.path, told)


class Room:
    """Whether the disk has room for the units of a phase that are still to be done, as those before them took it."""

    def __init__(self, folder: Path, amount: int) -> None:
        """folder: of the units' files; amount: of work that is to be done, see `plan.amounts`"""
        self._folder = folder
        self._left = amount
        self._done = self._written = 0

    def check(self, unit: Unit, amount: int) -> None:
        """A unit is done. Raises DiskFull where the others will not fit: better now, while others have room to write"""
        path = self._folder / f"{unit.index:05d}.parquet"
        self._written += path.stat().st_size if path.is_file() else 0
        self._done += amount
        self._left -= amount
        if not self._done:
            return
        needed = self._written * self._left / self._done
        free = shutil.disk_usage(self._folder.parent).free
        if free < SURE * needed:
            raise DiskFull(f"what is left to do needs about {needed / 1e6:,.1f} MB, {free / 1e6:,.1f} MB are free")


@contextmanager
def failures_told(run: Run) -> Iterator[None]:
    """Around the work of a run: what its disk did to it becomes one line that says what is kept and what to do."""
    try:
        yield
    except DiskFull as error:
        raise DiskFull(f"{run.path}: {error}; {_kept(run)}: make room and resume") from None
    except OSError as error:
        why = "the disk is full" if files.is_full(error) else f"{error.filename or 'disk'}: {error.strerror or error}"
        kind, act = (DiskFull, "make room") if files.is_full(error) else (CurationError, "mend the cause")
        raise kind(f"{run.path}: {why}; {_kept(run)}: {act} and resume") from None


def _kept(run: Run) -> str:
    matched, balanced = (len(receipts_in(run.path / folder)) for folder in ("work", "pairs"))
    return f"{matched} of {len(run.info['plan']['units'])} units are matched and {balanced} balanced, which is kept"
