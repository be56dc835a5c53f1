"""What an entry is, and which entries can never match."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from curation.languages.codes import WITHOUT_SPACES
from curation.matching.tokens import SPACES, WRAPPED_MARKS

_MARKS = frozenset(WRAPPED_MARKS)
_NOT_IN_WORDS = WRAPPED_MARKS + SPACES.replace(" ", "")


@dataclass(frozen=True)
class Metadata:
    """Distinct entries in a fixed order; the position of an entry is its entry_id.

    entry:    (M,) string, distinct (within a language), no nulls
    source:   (M,) string: where each entry comes from
    dropped:  what was left out when it was read or built: reason -> how many
    language: (M,) string: the language code of each entry; None where all entries are for all texts
    """

    entry: pa.StringArray
    source: pa.StringArray
    dropped: dict[str, int] = field(default_factory=dict)
    language: pa.StringArray | None = None

    def __len__(self) -> int:
        return len(self.entry)

    @cached_property
    def digest(self) -> str:
        """sha256 (hex) over the entries in order, each after its language if it has one.

        Sources do not count, they do not change a result.

        >>> from_entries(["dog", "cat"], source="mine").digest[:16]
        '41ed26315f7f1eef'
        """
        sha = hashlib.sha256()
        of_each = (
            [self.entry.to_pylist()] if self.language is None else [self.language.to_pylist(), self.entry.to_pylist()]
        )
        for texts in zip(*of_each, strict=True):
            for data in map(str.encode, texts):
                sha.update(len(data).to_bytes(8, "little"))
                sha.update(data)
        return sha.hexdigest()

    def count_by_source(self) -> dict[str, int]:
        """source -> number of entries, the largest first."""
        return dict(Counter(self.source.to_pylist()).most_common())

    def count_by_language(self) -> dict[str, int]:
        """language -> number of entries, in order; empty where metadata knows no languages."""
        return {} if self.language is None else dict(Counter(self.language.to_pylist()))


@dataclass(frozen=True)
class DeadEntry:
    """An entry that no text can match, and why."""

    entry: str
    reason: str


def from_entries(
    entries: Iterable[object], source: str | Sequence[str], dropped: dict[str, int] | None = None
) -> Metadata:
    """Metadata from strings in order: duplicates, empty strings and what is no text are left out and counted.

    source: one name for all, or one for each entry.

    >>> metadata = from_entries(["dog", "", "cat", "dog", 7], source="mine")
    >>> metadata.entry.to_pylist(), metadata.dropped
    (['dog', 'cat'], {'empty': 1, 'duplicate': 1, 'not a string': 1})
    """
    all_entries = list(entries)
    sources = [source] * len(all_entries) if isinstance(source, str) else source
    reasons = Counter(dropped or {})
    if (array := _as_they_are(all_entries)) is not None:
        return Metadata(entry=array, source=pa.array(sources, pa.string()), dropped=dict(reasons))
    kept: dict[str, str] = {}
    for entry, origin in zip(all_entries, sources, strict=True):
        if reason := _reason_to_drop(entry, kept):
            reasons[reason] += 1
        else:
            kept[entry] = origin  # type: ignore[index]  # a string: the reason says so
    return Metadata(
        entry=pa.array(kept.keys(), pa.string()),
        source=pa.array(kept.values(), pa.string()),
        dropped=dict(reasons),
    )


def _as_they_are(entries: list[object]) -> pa.StringArray | None:
    """The entries as an array if each of them can stay, which is told ten times faster for all than for each."""
    try:
        array = pa.array(entries, pa.string())
    except (pa.ArrowException, TypeError, UnicodeEncodeError):
        return None
    all_can_stay = not array.null_count and len(array.unique()) == len(array) and "" not in entries
    return array if all_can_stay else None


def _reason_to_drop(entry: object, kept: dict[str, str]) -> str | None:
    if not isinstance(entry, str):
        return "not a string"
    if not entry:
        return "empty"
    if entry in kept:
        return "duplicate"
    try:
        entry.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry and UTF-8 cannot
        return "bad unicode"
    return None


def merge(parts: Sequence[Metadata]) -> Metadata:
    """One metadata out of several; where two hold the same entry, the first one's source stays."""
    dropped: Counter[str] = Counter()
    for part in parts:
        dropped.update(part.dropped)
    return from_entries(
        [entry for part in parts for entry in part.entry.to_pylist()],
        [source for part in parts for source in part.source.to_pylist()],
        dict(dropped),
    )


def dead_entries(metadata: Metadata) -> list[DeadEntry]:
    """Entries that no text can match, in order (a mark or a line break inside a token never survives `spacing`).

    In a language that matches as plain sub-strings there are none.

    >>> dead_entries(from_entries(["dog", "U.S.", "a, b"], source="mine"))
    [DeadEntry(entry='U.S.', reason="'.' inside a word"), DeadEntry(entry='a, b', reason="',' inside a word")]
    """
    with_marks = pc.match_substring_regex(metadata.entry, f"[{re.escape(_NOT_IN_WORDS)}]")
    if metadata.language is not None:
        with_marks = pc.and_not(
            with_marks, pc.is_in(metadata.language, value_set=pa.array(WITHOUT_SPACES, pa.string()))
        )
    doubtful = metadata.entry.filter(with_marks)
    return [DeadEntry(entry, reason) for entry in doubtful.to_pylist() if (reason := _why_dead(entry)) is not None]


def _why_dead(entry: str) -> str | None:
    tokens = entry.split(" ")
    if any(one in _MARKS and following in _MARKS for one, following in pairwise(tokens)):
        return "two marks in a row, between which a text always has a word or a second space"
    for token in tokens:
        for char in token:
            if char in SPACES:
                return f"{char!r} is a space in a text, never part of a word"
            if char in WRAPPED_MARKS and token != char:
                return f"{char!r} inside a word"
    return None
