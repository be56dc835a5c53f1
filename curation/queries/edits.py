"""What edited metadata would match, before a run is made with it: in the pairs of a run, or in a draw of them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.matching import Matcher, RoutedMatcher
from curation.metadata import Metadata
from curation.queries.entries import run_metadata
from curation.queries.pairs import draw
from curation.runs.folder import Run
from curation.uniform import list_lengths

LOOKED_AT = 200_000
"""So many pairs of the run are matched anew; all of them, if it has no more."""

MOST_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What the pairs of a run match, as it was and with other metadata.

    looked_at:                      pairs matched anew, drawn from the `of` pairs of the run; all, if they are as many
    matched_before, matched_after:  of these, how many match anything
    matches_before, matches_after:  matches in them, an entry in a text each
    added:         entries that only the other metadata has, those in most pairs first: entry, source, [language,]
                   pairs int64 (of those looked at), newly int64 (those of them that matched nothing before), and for
                   the whole run estimate, low, high float64: 95 of 100 such intervals hold the true number
    removed:       entries that only the run has, those that most pairs depend on first: entry, source, [language,]
                   count int64 (of the whole run, exact), lost int64 (pairs looked at with the entry that then match
                   nothing), and estimate, low, high of these
    entries_added, entries_removed: how many there are; the tables hold the first 200
    """

    looked_at: int
    of: int
    matched_before: int
    matched_after: int
    matches_before: int
    matches_after: int
    added: pa.Table
    removed: pa.Table
    entries_added: int
    entries_removed: int


def coverage(run: Run, metadata: Metadata) -> Coverage:
    """What the pairs of a run would match with other metadata; both know languages, or neither does."""
    drawn, before = draw(run, LOOKED_AT), run_metadata(run)
    old, new = drawn.pairs["matched_entry_ids"].combine_chunks(), _match(metadata, drawn.pairs)
    old_lengths, new_lengths = list_lengths(old), list_lengths(new)
    added, removed = _ids_without(metadata, before), _ids_without(before, metadata)
    in_pairs = _count(new, len(metadata))
    newly = _count(new, len(metadata), old_lengths == 0)
    lost = _count(old, len(before), new_lengths == 0)
    most_added = added[np.argsort(-in_pairs[added], kind="stable")][:MOST_SHOWN]
    most_lost = removed[np.lexsort((-run.entry_count[removed], -lost[removed]))][:MOST_SHOWN]
    return Coverage(
        looked_at=len(drawn.pairs),
        of=drawn.of,
        matched_before=int((old_lengths > 0).sum()),
        matched_after=int((new_lengths > 0).sum()),
        matches_before=int(old_lengths.sum()),
        matches_after=int(new_lengths.sum()),
        added=_table(
            metadata,
            most_added,
            {"pairs": in_pairs[most_added], "newly": newly[most_added]}
            | _estimates(in_pairs[most_added], len(drawn.pairs), drawn.of),
        ),
        removed=_table(
            before,
            most_lost,
            {"count": run.entry_count[most_lost], "lost": lost[most_lost]}
            | _estimates(lost[most_lost], len(drawn.pairs), drawn.of),
        ),
        entries_added=added.size,
        entries_removed=removed.size,
    )


def interval(found: np.ndarray, looked_at: int, of: int) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95 % interval for how many of all have what so many of a random draw have; exact if all were drawn.

    >>> low, high = interval(np.array([0, 50]), looked_at=1000, of=1_000_000)
    >>> low.round(), high.round()
    (array([    0., 38130.]), array([ 3827., 65314.]))
    """
    if looked_at >= of:
        return found.astype(np.float64), found.astype(np.float64)
    z, n = 1.959964, float(looked_at)
    share = found / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # what was seen is there, and what was seen to be otherwise is not; of nothing seen, nothing is sure
    low = np.where(found > 0, np.maximum(of * (middle - half), found), 0.0)
    return low, np.minimum(of * (middle + half), of - (looked_at - found))


def _estimates(found: np.ndarray, looked_at: int, of: int) -> dict[str, np.ndarray]:
    low, high = interval(found, looked_at, of)
    return {"estimate": found * (of / max(looked_at, 1)), "low": low, "high": high}


def _match(metadata: Metadata, pairs: pa.Table) -> pa.ListArray:
    texts = pairs["text"].combine_chunks()
    if metadata.language is None:
        return Matcher(metadata.entry).match(texts)
    return RoutedMatcher(metadata.entry, metadata.language).match(texts, pairs["language"].combine_chunks())


def _count(lists: pa.ListArray, n_entries: int, only: np.ndarray | None = None) -> np.ndarray:
    """(M,) int64: how many lists hold each entry; only: (N,) bool, of these lists."""
    ids = lists.flatten().to_numpy()
    if only is not None:
        ids = ids[np.repeat(only, list_lengths(lists))]
    return np.bincount(ids, minlength=n_entries)


def _ids_without(metadata: Metadata, other: Metadata) -> np.ndarray:
    """The ids of the entries that the other metadata does not have (in their language)."""
    return np.flatnonzero(pc.invert(pc.is_in(_keys(metadata), value_set=_keys(other))).to_numpy(False))


def _keys(metadata: Metadata) -> pa.Array:
    if metadata.language is None:
        return metadata.entry
    return pc.binary_join_element_wise(metadata.language, metadata.entry, ":")  # no code has a colon


def _table(metadata: Metadata, ids: np.ndarray, columns: dict[str, np.ndarray]) -> pa.Table:
    at = pa.array(ids)
    named = {"entry": metadata.entry.take(at), "source": metadata.source.take(at)}
    if metadata.language is not None:
        named["language"] = metadata.language.take(at)
    return pa.table({**named, **columns})
