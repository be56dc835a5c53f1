"""texts -> entry ids."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import BadMetadata
from curation.matching.tokens import SPACES, WRAPPED_MARKS

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
        from curation.matching import kernel

        data, offsets = string_buffers(entries)
        n_tokens = int(np.count_nonzero(data[offsets[0] : offsets[-1]] == ord(" "))) + len(entries)
        slots = 1 << max(4, int(2 * n_tokens - 1).bit_length())
        built = kernel.build(data, offsets, n_tokens, slots, np.uint64(hash_mask))
        duplicate = built[-1]
        if duplicate >= 0:
            raise BadMetadata(
                f"entry {entries[duplicate].as_py()!r} stands twice in the metadata; make entries distinct"
            )
        self.n_entries = len(entries)
        self._tables = kernel.Tables._make([*built[:-1], np.array([hash_mask], np.uint64)])

    def match(self, texts: pa.Array) -> pa.ListArray:
        """The ids of the entries that stand in each text.

        texts:  (N,) string or large_string; a null is taken as the empty text
        returns (N,) list<int32>, ascending and distinct within a text, no nulls
        """
        from curation.matching import kernel

        data, offsets = string_buffers(texts)
        ids, ends = kernel.match(data, offsets, _break_class(), *self._tables)
        return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), pa.array(ids))

    def save(self, folder: Path) -> None:
        """Write one .npy file a table, for `load` to map."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in self._tables._asdict().items():
            np.save(folder / f"{name}.npy", table)

    @classmethod
    def load(cls, folder: Path) -> "Matcher":
        """A saved matcher, its tables memory-mapped read-only, so that processes share them."""
        from curation.matching import kernel

        matcher = cls.__new__(cls)
        matcher._tables = kernel.Tables(
            *(np.load(folder / f"{name}.npy", mmap_mode="r") for name in kernel.Tables._fields)
        )
        matcher.n_entries = int(matcher._tables.node_entry.max(initial=-1)) + 1
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
    if offsets_buffer is None or len(strings) == 0:
        return data, np.zeros(1, np.int64)
    offsets = np.frombuffer(offsets_buffer, width, len(strings) + 1, strings.offset * np.dtype(width).itemsize)
    return data, offsets.astype(np.int64)


def _break_class() -> np.ndarray:
    from curation.matching import kernel

    classes = np.full(256, kernel.BREAK_NONE, np.uint8)
    classes[[ord(space) for space in SPACES]] = kernel.BREAK_SPACE
    classes[[ord(mark) for mark in WRAPPED_MARKS]] = kernel.BREAK_MARK
    return classes
