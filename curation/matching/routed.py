"""texts -> entry ids, each text by the entries of its language (arXiv:2507.22062)."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.languages.codes import WITHOUT_SPACES
from curation.matching.matcher import Matcher
from curation.matching.substring import SubstringMatcher


class RoutedMatcher:
    """A matcher for each language: by words, or by sub-strings where a language is written without spaces.

    >>> matcher = RoutedMatcher(pa.array(["dog", "chat", "狗"]), pa.array(["en", "fr", "zh"]))
    >>> texts = pa.array(["a dog chat", "le chat", "小狗", "dog"])
    >>> matcher.match(texts, pa.array(["en", "fr", "zh", None])).to_pylist()
    [[0], [1], [2], []]
    """

    def __init__(
        self, entries: pa.Array, language: pa.Array, *, without_spaces: Collection[str] = WITHOUT_SPACES
    ) -> None:
        """Build the matchers.

        entries:  (M,) string, distinct within a language; the position of an entry is its id
        language: (M,) string, the code of each
        raises    BadMetadata if an entry stands twice in a language
        """
        self._n_entries = len(entries)
        self._codes = language.unique()
        number = pc.index_in(language, value_set=self._codes).to_numpy()
        self._ids = [np.flatnonzero(number == k).astype(np.int32) for k in range(len(self._codes))]
        self._matchers = [
            (SubstringMatcher if code in without_spaces else Matcher)(entries.take(pa.array(ids)))
            for code, ids in zip(self._codes.to_pylist(), self._ids, strict=True)
        ]

    def save(self, folder: Path, write: Callable[[Path, np.ndarray], None]) -> None:
        """Write the matchers, each into a folder of its own, for `load` to map. write: as np.save does"""
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "codes.npy", np.array(self._codes.to_pylist(), np.str_))
        write(folder / "by_substring.npy", np.array([isinstance(one, SubstringMatcher) for one in self._matchers]))
        for k, (matcher, ids) in enumerate(zip(self._matchers, self._ids, strict=True)):
            matcher.save(folder / str(k), write)
            write(folder / str(k) / "ids.npy", ids)

    @classmethod
    def load(cls, folder: Path) -> "RoutedMatcher":
        """A saved matcher. Matchers by words are memory-mapped; those by sub-strings are built anew."""
        matcher = cls.__new__(cls)
        matcher._codes = pa.array(np.load(folder / "codes.npy").tolist(), pa.string())
        by_substring = np.load(folder / "by_substring.npy").tolist()
        matcher._matchers = [
            (SubstringMatcher if substring else Matcher).load(folder / str(k))
            for k, substring in enumerate(by_substring)
        ]
        matcher._ids = [np.load(folder / str(k) / "ids.npy", mmap_mode="r") for k in range(len(by_substring))]
        matcher._n_entries = sum(ids.size for ids in matcher._ids)
        return matcher

    @staticmethod
    def is_saved_in(folder: Path) -> bool:
        """Whether the folder holds a matcher of this kind."""
        return (folder / "codes.npy").is_file()

    @property
    def n_entries(self) -> int:
        """How many entries it finds."""
        return self._n_entries

    def match(self, texts: pa.Array, language: pa.Array) -> pa.ListArray:
        """The ids of the entries of its language that stand in each text.

        texts:    (N,) string; a null is taken as the empty text
        language: (N,) string; null, or one that no entry has: the text matches nothing
        returns   (N,) list<int32>, ascending and distinct within a text, no nulls
        """
        nobody = len(self._codes)
        number = pc.fill_null(pc.index_in(language, value_set=self._codes), nobody).to_numpy()
        rows = np.argsort(number, kind="stable")
        ends = np.searchsorted(number[rows], np.arange(nobody + 2))
        parts = []
        for k, (matcher, ids) in enumerate(zip(self._matchers, self._ids, strict=True)):
            if ends[k] < ends[k + 1]:
                found = matcher.match(texts.take(pa.array(rows[ends[k] : ends[k + 1]])))
                parts.append(pa.ListArray.from_arrays(found.offsets, pa.array(ids[found.values.to_numpy()])))
        unmatched = np.zeros(ends[-1] - ends[nobody] + 1, np.int32)
        parts.append(pa.ListArray.from_arrays(pa.array(unmatched), pa.array([], pa.int32())))
        return pa.concat_arrays(parts).take(pa.array(np.argsort(rows)))
