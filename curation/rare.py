"""Where the pairs of rare entries stand in a run: to go through millions of pairs for seventy-six takes seconds.

An entry is rare if it matches so few texts that looking through a part of the run is not sure to meet any. The places
of all its pairs are then written down once, in two arrays of the run folder.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import files
from curation.uniform import list_lengths

RARE = 25_000
"""An entry is rare if fewer than one in so many pairs match it ..."""

SMALL_RUN = 2_000_000
"""... in a run of more pairs than this; a smaller one is gone through as a whole in no time."""

PLACE = np.dtype([("unit", np.uint32), ("row", np.uint32), ("t_min", np.float64)])
"""A pair: the number of its unit, its row in the unit's file, and its t_min."""

_POSTING = np.dtype([("entry_id", np.int32), *[(name, PLACE[name]) for name in PLACE.names or ()]])
_BUFFERED = 2_000_000
"""Postings in memory at a time, and in a part that is put in order."""


class RareBuilder:
    """Adds units, in any order, up to the folder that `rare_places` reads; memory does not grow with the run."""

    def __init__(self, entry_count: np.ndarray, pairs: int, work: Path) -> None:
        """entry_count: (M,) int64 of the whole pool; pairs: of the run; work: an own folder for what is under way."""
        limit = pairs // RARE if pairs > SMALL_RUN else 0
        self._count = np.where(entry_count <= limit, entry_count, 0)
        starts = np.cumsum(self._count)
        self._part = np.where(self._count > 0, starts // _BUFFERED, -1).astype(np.int32)
        self._work = work
        work.mkdir(parents=True, exist_ok=True)
        for leftover in work.iterdir():  # of a run that was stopped: its units come again
            leftover.unlink()
        self._buffer = np.empty(_BUFFERED, _POSTING)
        self._used = 0

    def add(self, unit: int, first_row: int, matched_entry_ids: pa.ListArray, t_min: np.ndarray) -> None:
        """A batch of a unit's file from first_row on. matched_entry_ids: (N,) list<int32>; t_min: (N,) float64."""
        if not self._count.any():
            return
        from curation import curves_kernel

        lengths, entry_ids = list_lengths(matched_entry_ids), matched_entry_ids.flatten().to_numpy()
        done = 0
        while done < lengths.size:
            done, self._used = curves_kernel.collect_rare(
                lengths, entry_ids, t_min, unit, first_row, done, self._part, self._buffer, self._used
            )
            if done < lengths.size:
                self._spill()

    def finish(self, folder: Path) -> None:
        """Write the places of every rare entry, entry by entry."""
        from curation import curves_kernel

        self._spill()
        offsets = np.concatenate([[0], np.cumsum(self._count)])
        with files.whole(folder / "offsets.npy") as temporary, temporary.open("wb") as file:
            np.save(file, offsets)
        with files.whole(folder / "places.npy") as temporary, temporary.open("wb") as file:
            descr, shape = np.lib.format.dtype_to_descr(PLACE), (int(offsets[-1]),)
            np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
            for part in range(int(np.max(self._part, initial=-1)) + 1):
                inside = np.flatnonzero(self._part == part)
                if inside.size:
                    first = int(offsets[inside[0]])
                    places = np.empty(int(offsets[inside[-1] + 1]) - first, PLACE)
                    curves_kernel.put_in_order(
                        np.fromfile(self._work / str(part), _POSTING), offsets[:-1] - first, places
                    )
                    file.write(places.tobytes())

    def _spill(self) -> None:
        buffered = self._buffer[: self._used]
        parts = self._part[buffered["entry_id"]]
        for part in np.unique(parts).tolist():
            with (self._work / str(part)).open("ab") as file:
                file.write(buffered[parts == part].tobytes())
        self._used = 0


def rare_places(folder: Path, entry_id: int) -> np.ndarray | None:
    """(N,) of PLACE, the pairs that match a rare entry, in no order; None for an entry that is not rare.

    folder: as `RareBuilder.finish` wrote it
    """
    if not (folder / "offsets.npy").is_file():
        return None  # a run of an earlier version: its pairs are gone through
    offsets = np.load(folder / "offsets.npy", mmap_mode="r")
    first, stop = int(offsets[entry_id]), int(offsets[entry_id + 1])
    if first == stop:
        return None
    return np.array(np.load(folder / "places.npy", mmap_mode="r")[first:stop])
