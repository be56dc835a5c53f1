"""What differs between two curated sets: a run at t, or an export."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import queries
from curation.balancing import check_t
from curation.divergence import kl
from curation.errors import BadArgument, BadRun
from curation.queries.difference import Rows, row_difference
from curation.runs.export.card import read_card
from curation.runs.export.formats import EXPORTS
from curation.runs.export.manifest import MANIFEST, Export, open_export
from curation.runs.folder import Run, open_finished_run

EXAMPLES = 10


@dataclass(frozen=True)
class CuratedSet:
    """One side of a comparison.

    pairs:   how many
    entries: entry string, count int64 (texts of the pool that match), kept int64 (pairs of the set that match)
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
class Diff:
    """How B differs from A.

    pairs_a, pairs_b: sizes
    origin:           what the two were made of, where that differs: name -> [of A, of B]
    pairs:            None where a side does not know its pairs, as a card
    matched:          by the texts of the pools, count > 0; covered: by the pairs of the sets, kept > 0
    kl_a_b, kl_b_a:   KL divergence in nats between the kept counts of the entries, see `divergence.kl`
    changed:          entries whose share of all kept matches changed most: entry, count_a, kept_a, count_b, kept_b
    entries:          the same for every entry of either side, by entry; not printed
    """

    pairs_a: int
    pairs_b: int
    origin: dict[str, list[Any]]
    pairs: PairsApart | None
    matched: EntriesApart
    covered: EntriesApart
    kl_a_b: float
    kl_b_a: float
    changed: list[dict[str, Any]]
    entries: pa.Table = field(repr=False)


def open_set(path: Path, t: float | None = None) -> CuratedSet:
    """A run at t (its own if not given), or an export, which has a t of its own.

    raises BadRun (neither, or a run that is not done), BadArgument (t < 1, or a t for an export)
    """
    if (path / "run.json").is_file():
        return _run_set(open_finished_run(path), t)
    if not (path / MANIFEST).is_file() and path.name != MANIFEST:
        raise BadRun(f"{path}: neither a run folder (no run.json) nor an export (no {MANIFEST})")
    if t is not None:
        raise BadArgument(f"{path}: an export has a t of its own; give a run to compare at another one")
    return _export_set(open_export(path))


def diff(a: CuratedSet, b: CuratedSet, *, examples: int = EXAMPLES) -> Diff:
    """Compare two curated sets, pairs by uid and entries by their text, in bounded memory.

    examples: how many uids and entries to name of each kind
    """
    entries = _side_by_side(a.entries, b.entries)
    kept_a, kept_b = entries["kept_a"].to_numpy(), entries["kept_b"].to_numpy()
    return Diff(
        pairs_a=a.pairs,
        pairs_b=b.pairs,
        origin={
            name: [a.origin.get(name), b.origin.get(name)]
            for name in dict.fromkeys([*a.origin, *b.origin])
            if a.origin.get(name) != b.origin.get(name)
        },
        pairs=_pairs_apart(a, b, examples),
        matched=_entries_apart(entries, "count", examples),
        covered=_entries_apart(entries, "kept", examples),
        kl_a_b=kl(kept_a, kept_b),
        kl_b_a=kl(kept_b, kept_a),
        changed=_most_changed(entries, examples),
        entries=entries,
    )


def _run_set(run: Run, t: float | None) -> CuratedSet:
    t = check_t(run.t if t is None else t)
    kept = np.zeros(len(run.entries), np.int64)
    kept[run.curves.ranked_entry_id] = queries.entry_kept_at(run, t)
    plan = run.info["plan"]
    return CuratedSet(
        path=str(run.path),
        kind="run",
        pairs=queries.size(run, t).kept,
        entries=pa.table({"entry": run.entries["entry"], "count": run.entry_count, "kept": kept}),
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
        entries=card.rename_columns(["entry", "count", "kept"]),
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


def _pairs_apart(a: CuratedSet, b: CuratedSet, examples: int) -> PairsApart | None:
    with tempfile.TemporaryDirectory() as scratch:
        left, right = (one.uids(Path(scratch) / f"{name}.parquet") for name, one in (("a", a), ("b", b)))
        if left is None or right is None:
            return None
        found = row_difference(left, right, ["uid"], scratch=Path(scratch), limit=examples)
    more = pc.greater(found.examples["surplus"], 0)
    return PairsApart(
        only_a=found.left,
        only_b=found.right,
        examples_a=found.examples.filter(more)["uid"].to_pylist(),
        examples_b=found.examples.filter(pc.invert(more))["uid"].to_pylist(),
    )


def _side_by_side(a: pa.Table, b: pa.Table) -> pa.Table:
    """entry, count_a, kept_a, count_b, kept_b of every entry of either side, 0 where a side does not have it."""
    joined = a.rename_columns(["entry", "count_a", "kept_a"]).join(
        b.rename_columns(["entry", "count_b", "kept_b"]), "entry", join_type="full outer"
    )
    return pa.table(
        {name: joined[name] if name == "entry" else pc.fill_null(joined[name], 0) for name in joined.column_names}
    ).sort_by("entry")


def _entries_apart(entries: pa.Table, what: str, examples: int) -> EntriesApart:
    a, b = entries[f"{what}_a"], entries[f"{what}_b"]
    lost = entries.filter(pc.and_(pc.greater(a, 0), pc.equal(b, 0))).sort_by([(f"{what}_a", "descending")])
    gained = entries.filter(pc.and_(pc.greater(b, 0), pc.equal(a, 0))).sort_by([(f"{what}_b", "descending")])
    return EntriesApart(
        lost=len(lost),
        gained=len(gained),
        lost_examples=lost["entry"].slice(0, examples).to_pylist(),
        gained_examples=gained["entry"].slice(0, examples).to_pylist(),
    )


def _most_changed(entries: pa.Table, examples: int) -> list[dict[str, Any]]:
    shares = [entries[name].to_numpy() / max(1, entries[name].to_numpy().sum()) for name in ("kept_a", "kept_b")]
    change = np.abs(shares[1] - shares[0])
    order = np.argsort(-change, kind="stable")[:examples]
    return entries.take(pa.array(order[change[order] > 0])).to_pylist()
