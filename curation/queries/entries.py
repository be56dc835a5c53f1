"""Entries of a run: finding them among half a million, and what is known of one."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.balancing import check_t
from curation.metadata import Metadata, dead_entries
from curation.queries.sizes import entry_kept_at
from curation.runs.folder import Run, open_run

Among = Literal["all", "matched", "head", "cap", "rare", "unmatched"]
"""Which entries, and in which order: all of them or those that match, the most frequent first; the head, those in t
texts or more; those that match by how near their count is to t; those that match, the rarest first; those that match
nothing, by id."""

MOST_ENTRIES = 1000


@dataclass(frozen=True)
class FoundEntries:
    """What a search among the entries found.

    entries: entry_id int32, entry, source, [language,] count int64, rank int64 (null where nothing matches), kept int64
             (texts of the kept pairs); a page of them
    total:   how many there are on all pages
    """

    entries: pa.Table
    total: int


@dataclass(frozen=True, kw_only=True)
class EntryFacts:
    """What a run knows of one entry at t; all of it exact.

    count:     texts of the pool with the entry; rank: its place by count, from 1; None where it matches nothing
    kept:      texts with the entry among the pairs kept at t
    by_itself: how many of them it keeps itself on average over seeds, min(count, t); other entries keep the rest
    prob:      t / max(count, t)
    own_t:     what t is in its language; t itself without languages
    dead:      why no text can match it; None where one can
    variants:  other entries that differ only in upper and lower case, or in the language: entry_id, entry, source,
               [language,] count
    """

    entry_id: int
    entry: str
    source: str
    language: str | None
    count: int
    rank: int | None
    t: float
    own_t: float
    kept: int
    by_itself: float
    prob: float
    dead: str | None
    variants: pa.Table


def search_entries(
    run: Run,
    text: str = "",
    *,
    t: float | None = None,
    among: Among = "all",
    source: str | None = None,
    limit: int = 200,
    offset: int = 0,
) -> FoundEntries:
    """Entries that hold a text, upper and lower case being one, those too that match nothing.

    Entries equal to the text come first, then those that begin with it, then the others; each in the order of `among`.

    t:      for `kept`, and for what head and cap are; the run's own if not given
    source: only entries of this source; limit: at most 1,000
    """
    t = run.t if t is None else check_t(t)
    index = _index(run.path, run.info["plan_digest"])
    ids = _ids_among(run, index, among, t)
    if source is not None:
        of_source = pc.equal(run.entries["source"].cast(pa.string()), source).to_numpy()
        ids = ids[of_source[ids]]
    if text:
        wanted = pc.utf8_lower(pa.scalar(text)).as_py()
        holding = pc.match_substring(index.folded, wanted).to_numpy(zero_copy_only=False)
        ids = ids[holding[ids]]
        folded = index.folded.take(pa.array(ids))
        equal, begins = pc.equal(folded, wanted).to_numpy(False), pc.starts_with(folded, wanted).to_numpy(False)
        ids = ids[np.argsort(2 - begins.astype(np.int8) - equal, kind="stable")]
    page = ids[offset : offset + min(limit, MOST_ENTRIES)]
    return FoundEntries(_described(run, index, page, t), int(ids.size))


def similar_entries(run: Run, text: str, limit: int = 6) -> list[str]:
    """Entries that match and hold a text, upper and lower case being one: the first that `search_entries` finds."""
    return search_entries(run, text, among="matched", limit=limit).entries["entry"].to_pylist()


def entry_facts(run: Run, entry_id: int, t: float) -> EntryFacts:
    """What is known of an entry at t."""
    index = _index(run.path, run.info["plan_digest"])
    (row,) = _described(run, index, np.array([entry_id]), check_t(t)).to_pylist()
    own_t = run.scale.language_t(int(run.scale.entry_language[entry_id]), t)
    alike = pc.equal(index.folded, index.folded[entry_id]).to_numpy(zero_copy_only=False)
    alike[entry_id] = False
    variants = np.flatnonzero(alike)
    variants = variants[np.argsort(-run.entry_count[variants], kind="stable")]
    dead = dead_entries(_metadata(run.entries.slice(entry_id, 1)))
    return EntryFacts(
        entry_id=entry_id,
        entry=row["entry"],
        source=row["source"],
        language=row.get("language"),
        count=row["count"],
        rank=row["rank"],
        t=t,
        own_t=own_t,
        kept=row["kept"],
        by_itself=min(float(row["count"]), own_t),
        prob=own_t / max(row["count"], own_t),
        dead=dead[0].reason if dead else None,
        variants=_described(run, index, variants, t).drop_columns(["rank", "kept"]),
    )


def entry_kept_by_t(run: Run, entry_id: int) -> np.ndarray:
    """(T,) int64: texts with the entry among the pairs kept at each t of `curves.grid`."""
    rank = int(_index(run.path, run.info["plan_digest"]).rank[entry_id])
    if not rank:
        return np.zeros(run.curves.grid.size, np.int64)
    return run.curves.entry_kept[:, rank - 1].astype(np.int64)


def entry_by_itself_by_t(run: Run, entry_id: int) -> np.ndarray:
    """(T,) float64: how many of its texts the entry keeps by itself at each t of `curves.grid`, on average over seeds.

    That is min(count, t), with languages the t of its own.
    """
    own_t = run.scale.language_ts(int(run.scale.entry_language[entry_id]), run.curves.grid)
    return np.minimum(float(run.entry_count[entry_id]), own_t)


def entry_sources(run: Run) -> list[str]:
    """The sources of the entries, the largest first."""
    counts = pc.value_counts(run.entries["source"].cast(pa.string())).to_pylist()
    return [one["values"] for one in sorted(counts, key=lambda one: -one["counts"])]


def run_metadata(run: Run) -> Metadata:
    """The metadata that the run matched."""
    return _metadata(run.entries)


def _metadata(entries: pa.Table) -> Metadata:
    columns = {name: entries[name].cast(pa.string()).combine_chunks() for name in ("entry", "source")}
    language = entries["language"].cast(pa.string()).combine_chunks() if "language" in entries.column_names else None
    return Metadata(**columns, language=language)


@dataclass(frozen=True)
class _Index:
    """What a search needs of a run's entries.

    order:  (M,) int64, the ids by descending count, then by id; those that match nothing last
    rank:   (M,) int64, by id: the place in that order from 1; 0 for an entry that matches nothing
    folded: (M,) string, by id: the entries in lower case
    """

    order: np.ndarray
    rank: np.ndarray
    folded: pa.StringArray


@lru_cache(maxsize=16)
def _index(path: Path, plan_digest: str) -> _Index:
    run = open_run(path)
    ranked = run.curves.ranked_entry_id.astype(np.int64)
    rank = np.zeros(run.entry_count.size, np.int64)
    rank[ranked] = np.arange(1, ranked.size + 1)
    order = np.concatenate([ranked, np.flatnonzero(rank == 0)])
    return _Index(order, rank, pc.utf8_lower(run.entries["entry"].combine_chunks()))


def _ids_among(run: Run, index: _Index, among: Among, t: float) -> np.ndarray:
    """The ids in the order of `among`."""
    ranked, unmatched = np.split(index.order, [run.curves.ranked_entry_id.size])
    if among == "all":
        return index.order
    if among == "unmatched":
        return unmatched
    if among == "matched":
        return ranked
    if among == "rare":
        return ranked[::-1]
    level = run.entry_level[ranked]
    if among == "head":
        return ranked[level >= t]
    return ranked[np.argsort(np.abs(np.log(level / t)), kind="stable")]


def _described(run: Run, index: _Index, ids: np.ndarray, t: float) -> pa.Table:
    """The rows of some entries, with rank and the texts that t keeps."""
    rows = run.entries.take(pa.array(ids))
    columns = {name: rows[name] for name in ("entry_id", "entry", "source", "language") if name in rows.column_names}
    columns["source"] = columns["source"].cast(pa.string())
    rank = index.rank[ids]
    kept = np.zeros(ids.size, np.int64)
    if rank.any():
        kept[rank > 0] = entry_kept_at(run, t)[rank[rank > 0] - 1]
    return pa.table({**columns, "count": rows["count"], "rank": pa.array(rank, mask=rank == 0), "kept": kept})
