"""Changes to metadata: entries added, removed, put in the place of others, and whole lists merged in."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import BadArgument, BadMetadata
from curation.metadata.entries import DeadEntry, Metadata, dead_entries, from_entries
from curation.metadata.languages import by_language

EDITED = "edited"
"""The source of entries that were added by hand."""


@dataclass(frozen=True, kw_only=True)
class Edits:
    """What is to be changed in metadata. Of an entry that is added and removed, the last word counts.

    added, removed: entries, in the order in which they were given
    merged:         metadata whose entries are added, with their sources; never those in `removed`
    language:       where metadata has a list for each language, the one that is edited

    >>> edits = Edits().adding(["corgi", "dog"]).removing(["dog"]).replacing(["Cat", "CAT"], "cat")
    >>> edits.added, edits.removed
    (('corgi', 'cat'), ('dog', 'Cat', 'CAT'))
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    merged: tuple[Metadata, ...] = ()
    language: str | None = None

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.merged)

    def adding(self, entries: Iterable[str]) -> "Edits":
        """These edits, and entries added."""
        new = tuple(entries)
        return replace(self, added=self.added + new, removed=_without(self.removed, new))

    def removing(self, entries: Iterable[str]) -> "Edits":
        """These edits, and entries removed."""
        gone = tuple(entries)
        return replace(self, added=_without(self.added, gone), removed=self.removed + gone)

    def replacing(self, entries: Iterable[str], by: str) -> "Edits":
        """These edits, and one entry in the place of several, such as "cat" for its other spellings.

        A text that holds another spelling alone then matches none of them: matching knows no spellings.
        """
        return self.removing(entries).adding([by])

    def merging(self, metadata: Metadata) -> "Edits":
        """These edits, and the entries of other metadata added."""
        return replace(self, merged=(*self.merged, metadata))


@dataclass(frozen=True)
class Edited:
    """Metadata after edits.

    added, removed: (A,), (R,) string: the entries that came, and those that went
    left_out:       what could not be done: reason -> how many
    dead:           of the added entries those that no text can match; they are in `metadata` all the same
    """

    metadata: Metadata
    added: pa.StringArray
    removed: pa.StringArray
    left_out: dict[str, int] = field(default_factory=dict)
    dead: list[DeadEntry] = field(default_factory=list)


def edited(metadata: Metadata, edits: Edits) -> Edited:
    """The metadata with the edits: what stays keeps its order, then come entries of merged lists, then those added.

    raises BadArgument where the edits do not say which language they are for, or a merged list has several;
           BadMetadata where they leave nothing

    >>> metadata = from_entries(["dog", "cat"], source="mine")
    >>> found = edited(metadata, Edits().adding(["U.S.", "cat"]).removing(["dog", "fox"]))
    >>> found.metadata.entry.to_pylist(), found.left_out, [entry.reason for entry in found.dead]
    (['cat', 'U.S.'], {'not in the metadata': 1, 'already there': 1}, ["'.' inside a word"])
    """
    if any(part.language is not None for part in edits.merged):
        raise BadArgument("metadata of several languages cannot be merged into one list; give the list of one language")
    if metadata.language is None:
        return _edited(metadata, edits)
    if edits.language is None:
        codes = ", ".join(metadata.count_by_language())
        raise BadArgument(f"metadata of several languages ({codes}): say the list of which one is edited")
    lists = {code: _list_of(metadata, code) for code in metadata.count_by_language()}
    result = _edited(lists.get(edits.language, from_entries([], EDITED)), edits)
    lists[edits.language] = result.metadata
    return replace(result, metadata=by_language({code: listed for code, listed in lists.items() if len(listed)}))


def _edited(metadata: Metadata, edits: Edits) -> Edited:
    """One list with the edits."""
    unwanted, by_hand = from_entries(edits.removed, EDITED), from_entries(edits.added, EDITED)
    parts = [metadata, *edits.merged, by_hand]
    everything = pa.concat_arrays([part.entry for part in parts])
    left_out = Counter({"not in the metadata": _count(pc.invert(_among(unwanted.entry, everything)))})
    for part in (unwanted, *parts[1:]):
        left_out.update(part.dropped)
    gone = _among(metadata.entry, unwanted.entry)
    entries, sources = [metadata.entry.filter(pc.invert(gone))], [metadata.source.filter(pc.invert(gone))]
    for part in parts[1:]:
        there, out = _among(part.entry, pa.concat_arrays(entries)), _among(part.entry, unwanted.entry)
        left_out.update({"already there": _count(there), "removed again": _count(out)})
        new = pc.invert(pc.or_(there, out))
        entries.append(part.entry.filter(new))
        sources.append(part.source.filter(new))
    if not sum(map(len, entries)):
        raise BadMetadata("these edits leave not one entry; keep some, or add some")
    added, its_sources = pa.concat_arrays(entries[1:]), pa.concat_arrays(sources[1:])
    language = None if edits.language is None else pa.array([edits.language] * len(added), pa.string())
    return Edited(
        metadata=Metadata(entry=pa.concat_arrays(entries), source=pa.concat_arrays(sources)),
        added=added,
        removed=metadata.entry.filter(gone),
        left_out={reason: count for reason, count in left_out.items() if count},
        dead=dead_entries(Metadata(entry=added, source=its_sources, language=language)),
    )


def _among(entries: pa.Array, others: pa.Array) -> pa.BooleanArray:
    return pc.is_in(entries, value_set=others)


def _count(which: pa.BooleanArray) -> int:
    return int(pc.sum(which).as_py() or 0)


def _list_of(metadata: Metadata, code: str) -> Metadata:
    of_it = pc.equal(metadata.language, code)
    return Metadata(entry=metadata.entry.filter(of_it), source=metadata.source.filter(of_it))


def _without(entries: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(entry for entry in entries if entry not in set(others))
