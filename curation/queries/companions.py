"""The entries beside an entry: what else its pairs match, and which of those carried its pairs through.

An entry of the head keeps t of its texts on average, and yet more of them are kept: a text of its own that also holds a
rare entry stays with that. All numbers are exact for the pairs that were looked at; those of an entry with very many
pairs are a random draw of them, and the answers say so.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from curation.balancing import check_t
from curation.queries.pairs import draw
from curation.queries.reasons import draws
from curation.runs.folder import Run
from curation.uniform import list_lengths

LOOKED_AT = 20_000
"""So many pairs of an entry are looked at; all of them, if it has no more."""

LEAST_SHARED = 5
"""Entries are put in order by lift only if they share so many pairs: among fewer, chance makes the largest ratios."""

MOST_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Company:
    """The entries that stand in the same texts as an entry.

    looked_at: pairs of the entry that were looked at, drawn from `of`; all, if they are as many
    entries:   entry_id int32, entry, source, count int64, shared int64 (of the pairs looked at), lift float64: how
               many times as often the other entry stands in these pairs as in all pairs of the pool
    total:     how many entries share any of the pairs looked at
    """

    looked_at: int
    of: int
    entries: pa.Table
    total: int


@dataclass(frozen=True, kw_only=True)
class Carried:
    """Who kept the pairs of an entry e at t.

    looked_at: pairs of the entry that were looked at, drawn from `of`; all, if they are as many
    kept:      of these, t_min < t
    by_itself: of the kept ones, u_e c_e < t: e keeps them, whatever others do
    by_others: the rest of the kept ones: e would have dropped them
    by_tail:   of this rest, those that an entry of the tail keeps, count < t: it keeps all of its texts
    entries:   the entries f with u_f c_f < t in a pair that others kept: entry_id int32, entry, source, count int64,
               tail (count < t) bool, carried int64 (such pairs) and alone int64 (pairs that no other entry keeps)
    total:     how many such entries there are
    """

    looked_at: int
    of: int
    kept: int
    by_itself: int
    by_others: int
    by_tail: int
    entries: pa.Table
    total: int


def company(
    run: Run, entry_id: int, *, order: Literal["shared", "lift"] = "shared", limit: int = MOST_SHOWN
) -> Company:
    """What else the pairs of an entry match.

    order: most shared pairs first; or the highest lift first, of those that share 5 pairs or more
    """
    drawn = draw(run, LOOKED_AT, entry_id=entry_id)
    ids, shared = np.unique(_lists(drawn.pairs).flatten().to_numpy(), return_counts=True)
    ids, shared = ids[ids != entry_id], shared[ids != entry_id]
    total, count = ids.size, run.entry_count[ids]
    lift = shared / max(len(drawn.pairs), 1) / (count / max(run.info["totals"]["pairs"], 1))
    if order == "lift":
        enough = shared >= LEAST_SHARED
        ids, shared, lift = ids[enough], shared[enough], lift[enough]
    first = np.lexsort((ids, -shared, -lift) if order == "lift" else (ids, -lift, -shared))[:limit]
    entries = _named(run, ids[first]).append_column("shared", pa.array(shared[first]))
    return Company(
        looked_at=len(drawn.pairs),
        of=drawn.of,
        entries=entries.append_column("lift", pa.array(lift[first])),
        total=total,
    )


def carried(run: Run, entry_id: int, t: float, *, limit: int = MOST_SHOWN) -> Carried:
    """Who kept the pairs of an entry at t: itself, or others for it; the entries that carried most pairs first."""
    drawn = draw(run, LOOKED_AT, entry_id=entry_id)
    pairs, lists = drawn.pairs, _lists(drawn.pairs)
    entry_ids, row = lists.flatten().to_numpy(), np.repeat(np.arange(len(lists)), list_lengths(lists))
    keeps = draws(run, pairs["uid"].combine_chunks(), lists)[1] < check_t(t)
    keepers = np.bincount(row[keeps], minlength=len(lists))
    itself = np.bincount(row[keeps & (entry_ids == entry_id)], minlength=len(lists)) > 0
    others = (keepers > 0) & ~itself
    carry = keeps & others[row]
    ids, at = np.unique(entry_ids[carry], return_inverse=True)
    count = np.bincount(at, minlength=ids.size)
    alone = np.bincount(at[keepers[row[carry]] == 1], minlength=ids.size)
    first = np.lexsort((ids, -alone, -count))[:limit]
    entries = _named(run, ids[first])
    tail = run.entry_level < t
    for name, values in (("tail", tail[ids[first]]), ("carried", count[first]), ("alone", alone[first])):
        entries = entries.append_column(name, pa.array(values))
    return Carried(
        looked_at=len(pairs),
        of=drawn.of,
        kept=int((keepers > 0).sum()),
        by_itself=int(itself.sum()),
        by_others=int(others.sum()),
        by_tail=int(np.unique(row[carry & tail[entry_ids]]).size),
        entries=entries,
        total=ids.size,
    )


def _lists(pairs: pa.Table) -> pa.ListArray:
    return pairs["matched_entry_ids"].combine_chunks()


def _named(run: Run, ids: np.ndarray) -> pa.Table:
    rows = run.entries.take(pa.array(ids)).select(["entry_id", "entry", "source", "count"])
    return rows.set_column(2, "source", rows["source"].cast(pa.string()))
