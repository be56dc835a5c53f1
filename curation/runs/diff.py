"""What differs between two curated sets: a run at t, or an export."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import queries
from curation.balancing import check_t
from curation.divergence import kl
from curation.errors import BadArgument, BadRun
from curation.queries.difference import ExampleOrder, Rows, row_difference
from curation.runs.export.card import read_card
from curation.runs.export.formats import EXPORTS
from curation.runs.export.manifest import MANIFEST, Export, open_export
from curation.runs.folder import Run, open_finished_run

SideName = Literal["a", "b"]

EXAMPLES = 10


@dataclass(frozen=True)
class CuratedSet:
    """One side of a comparison.

    pairs:   how many
    entries: entry string, each once, count int64 (texts of the pool that match), kept int64 (pairs of the set that
             match); of an entry of several languages the sums
    origin:  what it was made of, to be compared key by key
    """

    path: str
    kind: str
    pairs: int
    entries: pa.Table
    origin: dict[str, Any]
    source: "Run | Export"
    t: float

    def uids(self, scratch: Path) -> Rows | None:
        """The uids of its pairs, for `row_difference`; None where they are not known."""
        if isinstance(self.source, Run):
            return Rows(files=self.source.pair_files, below=self.t)
        read = EXPORTS[self.kind].read if self.kind in EXPORTS else None
        if read is None:
            return None
        with pq.ParquetWriter(scratch, pa.schema([("uid", pa.string())])) as writer:
            for batch in read(self.source.path, self.source.files, ["uid"]):
                writer.write_batch(batch)
        return Rows(files=[scratch])


@dataclass(frozen=True, kw_only=True)
class PairsApart:
    """Pairs by uid. only_a, only_b: how many one side has more than the other; examples: some of their uids."""

    only_a: int
    only_b: int
    examples_a: list[str]
    examples_b: list[str]


@dataclass(frozen=True, kw_only=True)
class EntriesApart:
    """Entries that only one side has: how many, and the first by what they count there.

    lost: above 0 in A, not in B; gained: the other way round
    """

    lost: int
    gained: int
    lost_examples: list[str]
    gained_examples: list[str]


@dataclass(frozen=True, kw_only=True)
class EntryDiff:
    """How B differs from A, as far as the counts of the entries tell; known at once, however many pairs there are.

    pairs_a, pairs_b: sizes
    origin:           what the two were made of, where that differs: name -> [of A, of B]
    matched:          by the texts of the pools, count > 0; covered: by the pairs of the sets, kept > 0
    kl_a_b, kl_b_a:   KL divergence in nats between the kept counts of the entries, see `divergence.kl`
    changed:          entries whose share of all kept matches changed most: entry, count_a, kept_a, count_b, kept_b
    entries:          the same for every entry of either side: those of A in their order, then those that only B has; an
                      entry of several languages is one row, by its text; not printed
    """

    pairs_a: int
    pairs_b: int
    origin: dict[str, list[Any]]
    matched: EntriesApart
    covered: EntriesApart
    kl_a_b: float
    kl_b_a: float
    changed: list[dict[str, Any]]
    entries: pa.Table = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Diff(EntryDiff):
    """How B differs from A, pair by pair too; pairs: None where a side does not know its pairs, as a card."""

    pairs: PairsApart | None


def open_set(path: Path, t: float | None = None) -> CuratedSet:
    """A run at t (its own if not given), or an export, which has a t of its own.

    raises BadRun (neither, or a run that is not done), BadArgument (t < 1, or a t for an export)
    """
    if (path / "run.json").is_file():
        return run_set(open_finished_run(path), t)
    if not (path / MANIFEST).is_file() and path.name != MANIFEST:
        raise BadRun(f"{path}: neither a run folder (no run.json) nor an export (no {MANIFEST})")
    if t is not None:
        raise BadArgument(f"{path}: an export has a t of its own; give a run to compare at another one")
    return _export_set(open_export(path))


def diff(a: CuratedSet, b: CuratedSet, *, examples: int = EXAMPLES) -> Diff:
    """Compare two curated sets, pairs by uid and entries by their text, in bounded memory.

    examples: how many uids and entries to name of each kind
    """
    return Diff(
        **vars(diff_entries(a, b, examples=examples)), pairs=diff_pairs(a, b, examples=examples, order="smallest")
    )


def diff_entries(a: CuratedSet, b: CuratedSet, *, examples: int = EXAMPLES) -> EntryDiff:
    """The part of `diff` that takes no look at the pairs."""
    entries = _side_by_side(a.entries, b.entries)
    kept_a, kept_b = entries["kept_a"].to_numpy(), entries["kept_b"].to_numpy()
    return EntryDiff(
        pairs_a=a.pairs,
        pairs_b=b.pairs,
        origin={
            name: [a.origin.get(name), b.origin.get(name)]
            for name in dict.fromkeys([*a.origin, *b.origin])
            if a.origin.get(name) != b.origin.get(name)
        },
        matched=_entries_apart(entries, "count", examples),
        covered=_entries_apart(entries, "kept", examples),
        kl_a_b=kl(kept_a, kept_b),
        kl_b_a=kl(kept_b, kept_a),
        changed=most_changed(entries, examples).to_pylist(),
        entries=entries,
    )


def diff_pairs(
    a: CuratedSet, b: CuratedSet, *, examples: int = EXAMPLES, order: ExampleOrder = "random"
) -> PairsApart | None:
    """The part of `diff` that compares all uids; None where a side does not know its pairs.

    order: which examples: a random draw, the same each time, or the smallest uids
    """
    with tempfile.TemporaryDirectory() as scratch:
        left, right = (one.uids(Path(scratch) / f"{name}.parquet") for name, one in (("a", a), ("b", b)))
        if left is None or right is None:
            return None
        found = row_difference(left, right, ["uid"], scratch=Path(scratch), limit=examples, order=order)
    more = pc.greater(found.examples["surplus"], 0)
    return PairsApart(
        only_a=found.left,
        only_b=found.right,
        examples_a=found.examples.filter(more)["uid"].to_pylist(),
        examples_b=found.examples.filter(pc.invert(more))["uid"].to_pylist(),
    )


def entries_only_in(entries: pa.Table, side: SideName, what: Literal["count", "kept"] = "kept") -> pa.Table:
    """The rows of `EntryDiff.entries` that are above 0 on one side only, by descending number there."""
    other = "b" if side == "a" else "a"
    here, there = entries[f"{what}_{side}"], entries[f"{what}_{other}"]
    only = entries.filter(pc.and_(pc.greater(here, 0), pc.equal(there, 0)))
    return only.sort_by([(f"{what}_{side}", "descending"), ("entry", "ascending")])


def most_changed(entries: pa.Table, limit: int = EXAMPLES) -> pa.Table:
    """The rows of `EntryDiff.entries` whose share of all kept matches changed most, those first that changed more."""
    shares = [entries[name].to_numpy() / max(1, entries[name].to_numpy().sum()) for name in ("kept_a", "kept_b")]
    change = np.abs(shares[1] - shares[0])
    order = np.argsort(-change, kind="stable")[:limit]
    return entries.take(pa.array(order[change[order] > 0]))


def run_set(run: Run, t: float | None = None) -> CuratedSet:
    """A finished run at t, its own if not given; raises BadArgument (t < 1)."""
    t = check_t(run.t if t is None else t)
    kept = np.zeros(len(run.entries), np.int64)
    kept[run.curves.ranked_entry_id] = queries.entry_kept_at(run, t)
    entries = pa.table({"entry": run.entries["entry"], "count": run.entry_count, "kept": kept})
    plan = run.info["plan"]
    return CuratedSet(
        path=str(run.path),
        kind="run",
        pairs=queries.size(run, t).kept,
        entries=_one_row_an_entry(entries) if len(run.scale.codes) > 1 else entries,
        origin=_origin(t, plan["config"], plan["metadata"], plan["inputs"]),
        source=run,
        t=t,
    )


def _export_set(export: Export) -> CuratedSet:
    manifest = export.manifest
    card = read_card(export.path / manifest["cards"][0]["path"])
    return CuratedSet(
        path=str(export.path),
        kind=export.kind,
        pairs=manifest["pairs"],
        entries=_one_row_an_entry(card.rename_columns(["entry", "count", "kept"])),
        origin=_origin(export.t, manifest["config"], manifest["metadata"], manifest["inputs"]),
        source=export,
        t=export.t,
    )


def _origin(t: float, config: dict[str, Any], metadata: dict[str, Any], inputs: list[dict[str, Any]]) -> dict[str, Any]:
    settings = {name: value for name, value in config.items() if name not in ("t", "size", "tail_share")}
    return {
        "t": t,
        **settings,
        "metadata": metadata["digest"],
        "entries": metadata["entries"],
        "input files": len(inputs),
        "input bytes": sum(file["bytes"] for file in inputs),
        "input digests": sorted(file["digest"] for file in inputs),
    }


def _one_row_an_entry(entries: pa.Table) -> pa.Table:
    """Lists of several languages may share entries."""
    if pc.count_distinct(entries["entry"]).as_py() == len(entries):
        return entries
    summed = entries.group_by("entry", use_threads=False).aggregate([("count", "sum"), ("kept", "sum")])
    return summed.rename_columns(["entry", "count", "kept"])


def _side_by_side(a: pa.Table, b: pa.Table) -> pa.Table:
    """entry, count_a, kept_a, count_b, kept_b of every entry of either side, 0 where a side does not have it."""
    if not a["entry"].equals(b["entry"]):
        only_b = b.filter(pc.is_null(pc.index_in(b["entry"], value_set=a["entry"])))["entry"]
        entry = pa.chunked_array([*a["entry"].chunks, *only_b.chunks], pa.string())
        a, b = (_in_the_order_of(entry, side) for side in (a, b))
    return pa.table(
        {"entry": a["entry"], "count_a": a["count"], "kept_a": a["kept"], "count_b": b["count"], "kept_b": b["kept"]}
    )


def _in_the_order_of(entry: pa.ChunkedArray, side: pa.Table) -> pa.Table:
    at = pc.index_in(entry, value_set=side["entry"])
    counts = {name: pc.fill_null(side[name].take(at), 0) for name in ("count", "kept")}
    return pa.table({"entry": entry, **counts})


def _entries_apart(entries: pa.Table, what: Literal["count", "kept"], examples: int) -> EntriesApart:
    lost, gained = entries_only_in(entries, "a", what), entries_only_in(entries, "b", what)
    return EntriesApart(
        lost=len(lost),
        gained=len(gained),
        lost_examples=lost["entry"].slice(0, examples).to_pylist(),
        gained_examples=gained["entry"].slice(0, examples).to_pylist(),
    )
