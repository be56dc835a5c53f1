"""texts -> entry ids in languages without spaces between words: an entry matches wherever its characters stand."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import ahocorasick_rs
import numpy as np
import pyarrow as pa

from curation.errors import BadMetadata
from curation.matching.matcher import string_buffers

CHUNK_BYTES = 2**20
"""So many bytes of text are searched at a time: matches come as Python objects, ten times the size of the text."""


class SubstringMatcher:
    """Finds the entries that are sub-strings of texts, by Aho-Corasick over UTF-8 (arXiv:2507.22062).

    Nothing is put around entries or marks, no case is folded, no form of a character taken for another.

    >>> matcher = SubstringMatcher(pa.array(["狗", "热狗", "猫"]))
    >>> matcher.match(pa.array(["热狗和狗", "小猫。", "马"])).to_pylist()
    [[0, 1], [2], []]
    """

    def __init__(self, entries: pa.Array) -> None:
        """Build the automaton of the entries.

        entries: (M,) string, distinct and not empty; the position of an entry is its id
        raises   BadMetadata if an entry stands there twice, or is empty
        """
        patterns = [entry.encode() for entry in entries.to_pylist()]
        seen: set[bytes] = set()
        for pattern in patterns:
            if not pattern:
                raise BadMetadata("an entry is empty, which stands in every text; leave it out")
            if pattern in seen:
                raise BadMetadata(f"entry {pattern.decode()!r} stands twice in the metadata; make entries distinct")
            seen.add(pattern)
        self._entries = entries
        self._n_entries = len(patterns)
        self._automaton = ahocorasick_rs.BytesAhoCorasick(patterns)

    def save(self, folder: Path, write: Callable[[Path, np.ndarray], None]) -> None:
        """Write the entries, for `load` to build the automaton anew: it cannot be written itself. write: as np.save"""
        folder.mkdir(parents=True, exist_ok=True)
        data, offsets = string_buffers(self._entries)
        write(folder / "bytes.npy", data[offsets[0] : offsets[-1]])
        write(folder / "ends.npy", offsets - offsets[0])

    @classmethod
    def load(cls, folder: Path) -> "SubstringMatcher":
        """A saved matcher."""
        data, ends = np.load(folder / "bytes.npy"), np.load(folder / "ends.npy")
        buffers = [None, pa.py_buffer(ends.astype(np.int64)), pa.py_buffer(data)]
        return cls(pa.Array.from_buffers(pa.large_string(), ends.size - 1, buffers))

    @property
    def n_entries(self) -> int:
        """How many entries it finds."""
        return self._n_entries

    def match(self, texts: pa.Array) -> pa.ListArray:
        """The ids of the entries that stand in each text; overlapping ones all count, each once a text.

        texts:  (N,) string or large_string; a null is taken as the empty text
        returns (N,) list<int32>, ascending and distinct within a text, no nulls
        """
        data, offsets = string_buffers(texts)
        # a text and an entry in one number, so that one sort brings both in order
        found = [
            first * self._n_entries + self._matches(data, offsets[first : stop + 1]) for first, stop in _chunks(offsets)
        ]
        pairs = np.concatenate(found) if found else np.zeros(0, np.int64)
        text, entry_id = np.divmod(pairs, max(self._n_entries, 1))
        ends = np.searchsorted(text, np.arange(offsets.size))
        return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), pa.array(entry_id.astype(np.int32)))

    def _matches(self, data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """text * n_entries + id of every match in consecutive texts, ascending and distinct; texts count from 0."""
        # texts stand in one piece: UTF-8 matches at whole characters only, and what crosses a border is left out
        haystack = data[offsets[0] : offsets[-1]]
        matches = self._automaton.find_matches_as_indexes(haystack.data, overlapping=True)
        entry_id, start, stop = np.fromiter(chain.from_iterable(matches), np.int64, 3 * len(matches)).reshape(-1, 3).T
        ends = offsets - offsets[0]
        text = np.searchsorted(ends, start, side="right") - 1
        inside = stop <= ends[text + 1]
        return np.unique(text[inside] * self._n_entries + entry_id[inside])


def _chunks(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
    """Consecutive texts, first and stop, of about CHUNK_BYTES together; a longer text is a chunk of its own."""
    first, n_texts = 0, offsets.size - 1
    while first < n_texts:
        stop = int(np.searchsorted(offsets, offsets[first] + CHUNK_BYTES, side="right")) - 1
        stop = min(max(stop, first + 1), n_texts)
        yield first, stop
        first = stop
