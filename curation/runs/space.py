"""Disks that are full, or fail: told in one line with what is kept, and foreseen where the files of units tell."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curation import files
from curation.engines import Unit
from curation.errors import CurationError, DiskFull
from curation.runs.folder import Run
from curation.runs.receipts import receipts_in

SURE = 0.5
"""A disk with room for less than this share of what units are going to need will not do, though they differ in size."""


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
