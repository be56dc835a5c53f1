"""Where the pairs of rare entries stand in a run: to go through millions of pairs for seventy-six takes seconds.

An entry is rare if it matches so few texts that looking through a part of the run is not sure to meet any. The places
of all its pairs are then written down once, in two arrays of the run folder.
"""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import files
from curation.errors import UnreadableFile
from curation.uniform import list_lengths

RARE = 25_000
"""An entry is rare if fewer than one in so many pairs match it ..."""

SMALL_RUN = 2_000_000
"""... in a run of more pairs than this; a smaller one is gone through as a whole in no time."""

PLACE = np.dtype([("unit", np.uint32), ("row", np.uint32), ("t_min", np.float64)])
"""A pair: the number of its unit, its row in the unit's file, and its t_min."""

_POSTING = np.dtype([("entry_id", np.int32), *[(name, PLACE[name]) for name in PLACE.names or ()]])
AT_ONCE = 2_000_000
"""So many postings are put in order at a time."""


class RareEntries:
    """Which entries of a run are rare, and where the places of each belong among those of all."""

    def __init__(self, entry_count: np.ndarray, pairs: int) -> None:
        """entry_count: (M,) int64 of the whole pool; pairs: of the run."""
        limit = pairs // RARE if pairs > SMALL_RUN else 0
        count = np.where(entry_count <= limit, entry_count, 0)
        self.offsets = np.concatenate([[0], np.cumsum(count)])
        """(M + 1,) int64: the places of entry i are offsets[i]:offsets[i + 1]."""
        self.slot = np.where(count > 0, self.offsets[:-1] // AT_ONCE, -1).astype(np.int32)
        """(M,) int32: which of the slots of about AT_ONCE places, in order, holds those of an entry; -1: not rare."""

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return int(np.max(self.slot, initial=-1)) + 1


class RareBuilder:
    """Adds units up to the postings of one part of a run, such as `write_places` puts together."""

    def __init__(self, rare: RareEntries) -> None:
        self._rare = rare
        self._found: list[np.ndarray] = []

    def add(self, unit: int, first_row: int, matched_entry_ids: pa.ListArray, t_min: np.ndarray) -> None:
        """A batch of a unit's file from first_row on. matched_entry_ids: (N,) list<int32>; t_min: (N,) float64."""
        if not self._rare.slots:
            return
        from curation import curves_kernel

        lengths, entry_ids = list_lengths(matched_entry_ids), matched_entry_ids.flatten().to_numpy()
        found = np.empty(int(np.count_nonzero(self._rare.slot[entry_ids] >= 0)), _POSTING)
        curves_kernel.collect_rare(lengths, entry_ids, t_min, unit, first_row, self._rare.slot, found)
        self._found.append(found)

    def postings(self) -> tuple[np.ndarray, np.ndarray]:
        """(K,) postings, those of slot s from starts[s] to starts[s + 1]; and starts, (slots + 1,) int64."""
        postings = np.concatenate([np.empty(0, _POSTING), *self._found])
        slot = self._rare.slot[postings["entry_id"]]
        order = np.argsort(slot, kind="stable")
        return postings[order], np.searchsorted(slot[order], np.arange(self._rare.slots + 1))


def places_of(rare: RareEntries, slots: Iterable[int], parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """(N,) of PLACE, those of the entries of some consecutive slots, entry by entry.

    parts: of the run, each as `RareBuilder.postings` gives it; may be memory-mapped
    """
    from curation import curves_kernel

    found = [np.empty(0, PLACE)]
    for slot in slots:
        inside = np.flatnonzero(rare.slot == slot)
        if inside.size:
            first = int(rare.offsets[inside[0]])
            places = np.empty(int(rare.offsets[inside[-1] + 1]) - first, PLACE)
            postings = np.concatenate([part[starts[slot] : starts[slot + 1]] for part, starts in parts])
            curves_kernel.put_in_order(postings, rare.offsets[:-1] - first, places)
            found.append(places)
    return np.concatenate(found)


def write_places(rare: RareEntries, sources: Iterable[Path], folder: Path) -> None:
    """Write the places of every rare entry, entry by entry. sources: files with their bytes, in order of the slots"""
    files.write_array(folder / "offsets.npy", rare.offsets)
    with files.whole(folder / "places.npy") as temporary, temporary.open("wb") as file:
        descr, shape = np.lib.format.dtype_to_descr(PLACE), (int(rare.offsets[-1]),)
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
        for source in sources:
            with source.open("rb") as part:
                shutil.copyfileobj(part, file, 2**24)


def rare_places(folder: Path, entry_id: int) -> np.ndarray | None:
    """(N,) of PLACE, the pairs that match a rare entry, in no order; None for an entry that is not rare.

    folder: as `write_places` wrote it; raises UnreadableFile where it is damaged
    """
    if not (folder / "offsets.npy").is_file():
        return None  # a run of an earlier version: its pairs are gone through
    offsets, places = (files.open_array(folder / f"{name}.npy", mapped=True) for name in ("offsets", "places"))
    first, stop = (int(one) for one in offsets[entry_id : entry_id + 2].tolist())
    if not 0 <= first <= stop <= len(places) or places.dtype != PLACE:
        raise UnreadableFile(f"{folder}: places {first} to {stop} of {len(places)}; it is damaged")
    return None if first == stop else np.array(places[first:stop])
