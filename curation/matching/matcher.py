"""texts -> entry ids."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import BadMetadata

ALL_BITS = 2**64 - 1


class Matcher:
    """Finds the entries that stand in texts, exactly as sub-string matching does (arXiv:2309.16671, Algorithm 1).

    >>> matcher = Matcher(pa.array(["dog", "hot dog", "cat"]))
    >>> matcher.match(pa.array(["a hot dog", "dog, cat", "catdog"])).to_pylist()
    [[0, 1], [0, 2], []]
    """

    def __init__(self, entries: pa.Array, *, hash_mask: int = ALL_BITS) -> None:
        """Build the trie of the entries.

        entries:   (M,) string, distinct; the position of an entry is its id
        hash_mask: which bits of a token hash count; fewer than all make collisions, for tests of exactness
        raises     BadMetadata if an entry stands there twice
        """
        from curation.matching import tables

        data, offsets = string_buffers(entries)
        data = np.concatenate([data[: offsets[-1]], np.zeros(tables.SLACK, np.uint8)])
        further = int(np.count_nonzero(data[offsets[0] : offsets[-1]] == ord(" ")))
        n_tokens = further + len(entries)
        *arrays, duplicate = tables.build(
            data,
            offsets,
            n_tokens,
            _power_of_two(1.5 * n_tokens),
            _power_of_two(2 * further),
            _power_of_two(further / 8),  # words of 64 bits: 8 bits or more for each edge
            np.uint64(hash_mask),
        )
        if duplicate >= 0:
            raise BadMetadata(
                f"entry {entries[duplicate].as_py()!r} stands twice in the metadata; make entries distinct"
            )
        arrays += [np.array([hash_mask], np.uint64), np.array([len(entries)])]
        for array in arrays:
            array.flags.writeable = False  # as when mapped: the kernel is compiled for one kind of array
        self._tables = tables.Tables._make(arrays)

    @property
    def n_entries(self) -> int:
        """How many entries it finds."""
        return int(self._tables.n_entries[0])

    def match(self, texts: pa.Array) -> pa.ListArray:
        """The ids of the entries that stand in each text.

        texts:  (N,) string or large_string; a null is taken as the empty text
        returns (N,) list<int32>, ascending and distinct within a text, no nulls
        """
        from curation.matching import kernel
        from curation.matching.tables import SLACK

        data, offsets = string_buffers(texts)
        # the kernel reads a little further than a text goes: the last texts of a buffer get a copy with room behind it
        in_place = int(np.searchsorted(offsets[1:], data.size - SLACK, side="right"))
        tail = np.concatenate([data[offsets[in_place] : offsets[-1]], np.zeros(SLACK, np.uint8)])
        ids, ends = kernel.match(data, offsets, in_place, tail, self._tables)
        return pa.ListArray.from_arrays(pa.array(ends), pa.array(ids))

    def save(self, folder: Path, write: Callable[[Path, np.ndarray], None]) -> None:
        """Write one .npy file a table, for `load` to map. write: as np.save does"""
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in self._tables._asdict().items():
            write(folder / f"{name}.npy", table)

    @classmethod
    def load(cls, folder: Path) -> "Matcher":
        """A saved matcher, its tables memory-mapped read-only, so that processes share them."""
        from curation.matching.tables import Tables

        matcher = cls.__new__(cls)
        arrays = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in Tables._fields)
        matcher._tables = Tables._make(np.asarray(array) for array in arrays)
        return matcher


def string_buffers(strings: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of all strings and where each begins, without copying the bytes.

    The one place that touches the offsets of a string array: they obey its slice and need not begin at 0.

    strings: (N,) string or large_string
    returns  data (B,) uint8 read-only, offsets (N + 1,) int64 into data
    """
    if strings.null_count:
        strings = pc.fill_null(strings, "")
    width = np.int64 if pa.types.is_large_string(strings.type) or pa.types.is_large_binary(strings.type) else np.int32
    _, offsets_buffer, data_buffer = strings.buffers()
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer else np.zeros(0, np.uint8)
    data.flags.writeable = False  # some buffers are writable, and compiled code is compiled for one kind of array
    if offsets_buffer is None or len(strings) == 0:
        return data, np.zeros(1, np.int64)
    offsets = np.frombuffer(offsets_buffer, width, len(strings) + 1, strings.offset * np.dtype(width).itemsize)
    return data, offsets.astype(np.int64)


def _power_of_two(at_least: float) -> int:
    return 1 << max(4, math.ceil(at_least).bit_length())
