"""Verifying: what a run or an export holds is derived again from the pool, and compared row by row."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import files, queries
from curation.engines import Unit
from curation.errors import CurationError
from curation.metadata import Metadata
from curation.queries.difference import Difference, Rows, row_difference
from curation.runs.digests import changed_files
from curation.runs.env import Env, derive, finished_environment, pair_schema
from curation.runs.filtered import FilterReceipt
from curation.runs.folder import Run
from curation.runs.passes import Receipt
from curation.runs.plan import check_inputs, digest, units
from curation.runs.receipts import read_receipt
from curation.uniform import list_lengths

SAMPLE = 8
EXAMPLES = 5
"""So many rows of a kind are named; the others are counted."""


@dataclass
class Report:
    """What was looked at, and everything that is not as it should be; one line a finding.

    units, of_units: how many units were derived again, of how many
    rows:            pairs that were derived again and compared
    """

    path: str
    kind: str
    of_units: int
    units: int = 0
    rows: int = 0
    files: int = 0
    findings: list[str] = field(default_factory=list)


def verify_run(
    run: Run,
    *,
    sample: int | None = SAMPLE,
    seed: int = 0,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> Report:
    """Check a finished run: every file against its receipt, all sums, and a sample of units against the pool.

    The pairs of a sampled unit are read, matched and balanced again with the run's own counts, and every row is
    compared: uid, text, url, image reference, entries, t_min. The counts, the curve of kept pairs and the totals are
    compared with sums over all pairs, which also go through those units that were not sampled.

    sample:  how many units are derived again; None for all of them
    seed:    of the choice
    on_rows: told how many rows were gone through: each pair once, and those of the chosen units twice
    """
    report = Report(str(run.path), "run", of_units=len(run.pair_files))
    note = report.findings.append
    _check_plan(run, note)
    receipts = _check_receipts(run, report)
    _check_sums(run, receipts, report, on_rows)
    _check_filtered(run, report)
    report.findings += changed_files(run.path, run.info, len(run.pair_files))
    try:
        check_inputs(run)
    except CurationError as error:
        note(str(error))
        return report
    env = finished_environment(run)
    for unit in _chosen(units(run), sample, seed):
        _check_unit(run, unit, env, report, on_rows)
    return report


def rows_to_check(run: Run, sample: int | None = SAMPLE, seed: int = 0) -> int:
    """How many rows `verify_run` will tell of."""
    in_unit = run.info["unit_pairs"]
    return int(run.info["totals"]["pairs"]) + sum(in_unit[unit.index] for unit in _chosen(units(run), sample, seed))


def _chosen(all_units: list[Unit], sample: int | None, seed: int) -> list[Unit]:
    if sample is None or sample >= len(all_units):
        return all_units
    return [all_units[at] for at in sorted(np.random.default_rng(seed).permutation(len(all_units))[:sample])]


def _check_plan(run: Run, note: Callable[[str], None]) -> None:
    if digest(run.info["plan"]) != run.info["plan_digest"]:
        note("run.json: the plan was changed after the run began")
    entries = run.entries["entry"].combine_chunks()
    known = "language" in run.entries.column_names
    language = run.entries["language"].cast(pa.string()).combine_chunks() if known else None
    if Metadata(entry=entries, source=entries, language=language).digest != run.info["plan"]["metadata"]["digest"]:
        note("entries.parquet: the entries are not those of the plan")


def _check_receipts(run: Run, report: Report) -> dict[str, Receipt]:
    """The receipts that can be read, by the name of their pair file."""
    receipts = {}
    for path in run.pair_files:
        report.files += 1
        try:
            receipt = Receipt(**files.read_json(path.with_suffix(".json")))
            if receipt.plan_digest != run.info["plan_digest"]:
                report.findings.append(f"pairs/{path.name}: its receipt belongs to another plan")
            if receipt.sha256 != files.sha256(path):
                report.findings.append(f"pairs/{path.name}: its bytes do not fit the sha256 of its receipt")
            receipts[path.name] = receipt
        except (CurationError, OSError, TypeError) as error:
            report.findings.append(f"pairs/{path.name}: {error}")
    strangers = {path.name for path in (run.path / "pairs").glob("*.parquet")} - {path.name for path in run.pair_files}
    report.findings += [f"pairs/{name}: not a file of this run" for name in sorted(strangers)]
    return receipts


def _check_sums(run: Run, receipts: dict[str, Receipt], report: Report, on_rows: Callable[[int], None]) -> None:
    """Everything that the run says of all its pairs, against its pairs."""
    counts = np.zeros(run.entry_count.size, np.int64)
    below = np.zeros(run.curves.grid.size + 1, np.int64)
    pairs = matched = kept = 0
    for path in run.pair_files:
        in_file = 0
        try:
            for batch in queries.read_matches(path):
                t_min = batch["t_min"].to_numpy()
                np.add.at(counts, batch["matched_entry_ids"].flatten().to_numpy(), 1)
                below += np.bincount(np.searchsorted(run.curves.grid, t_min, side="right"), minlength=below.size)
                in_file += len(batch)
                matched += int(np.count_nonzero(list_lengths(batch["matched_entry_ids"])))
                kept += int((t_min < run.t).sum())
                on_rows(len(batch))
        except (CurationError, IndexError) as error:
            report.findings.append(f"pairs/{path.name}: {error}")
        if path.name in receipts and receipts[path.name].rows != in_file:
            report.findings.append(f"pairs/{path.name}: {in_file} pairs, its receipt says {receipts[path.name].rows}")
        pairs += in_file
    expected: dict[str, Any] = {
        "pairs": pairs, "matched": matched, "matches": int(counts.sum()), "t": run.t, "kept": kept,
    }  # fmt: skip
    if len(receipts) == len(run.pair_files):
        expected["rows"] = sum(receipt.rows_in for receipt in receipts.values())
    if languages := queries.by_language(run, run.t):
        expected["by_language"] = queries.totals_of(languages)
    for what, said in run.info["totals"].items():
        if what in expected and said != expected[what]:
            report.findings.append(f"run.json: totals say {what} {said}, the pairs say {expected[what]}")
    report.findings += [
        f"run.json: step {step['step']} of the funnel does not add up"
        for step in run.info["funnel"]
        if step["in"] != step["out"] + sum(step["dropped"].values())
    ]
    outs = {step["step"]: step["out"] for step in run.info["funnel"]}
    if run.config.active_filters:  # what is read goes through them, and perhaps a draw
        outs["read"] = outs.get("draw", outs.get(f"filter: {run.config.active_filters[-1]}"))
    if (said := [outs.get(step) for step in ("read", "match", "balance")]) != [pairs, matched, kept]:
        report.findings.append(f"run.json: the funnel says {said}, the pairs say {[pairs, matched, kept]}")
    if (wrong := np.flatnonzero(counts != run.entry_count)).size:
        first = run.entries["entry"][int(wrong[0])].as_py()
        report.findings.append(
            f"entries.parquet: {wrong.size} counts differ from the pairs, first {first!r}:"
            f" {run.entry_count[wrong[0]]} instead of {counts[wrong[0]]}"
        )
    if (wrong := np.flatnonzero(np.cumsum(below)[:-1] != run.curves.kept)).size:
        report.findings.append(f"curves/kept.npy: {wrong.size} thresholds differ from the pairs")


def _check_filtered(run: Run, report: Report) -> None:
    """What the filters decided, against its receipts and the funnel."""
    if not (active := run.config.active_filters):
        return
    dropped: Counter[str] = Counter()
    for unit in units(run):
        report.files += 1
        path = run.path / "filtered" / f"{unit.index:05d}.parquet"
        if receipt := read_receipt(FilterReceipt, path, run.info["plan_digest"]):
            dropped.update(receipt.dropped)
        else:
            report.findings.append(f"filtered/{path.name}: does not fit its receipt")
    said = {step["step"]: step["in"] - step["out"] for step in run.info["funnel"]}
    report.findings += [
        f"run.json: the funnel says {said.get(f'filter: {name}')} dropped by {name}, the receipts say {dropped[name]}"
        for name in active
        if said.get(f"filter: {name}") != dropped[name]
    ]


def _check_unit(run: Run, unit: Unit, env: Env, report: Report, on_rows: Callable[[int], None]) -> None:
    """Derive one unit again and compare it row by row; the rows of one unit are in memory."""
    path = run.pair_files[unit.index]
    name = f"pairs/{path.name}"
    report.units += 1
    try:
        derived = []
        for batch in derive(unit, env):
            derived.append(batch.pairs)
            report.rows += len(batch.pairs)
            on_rows(len(batch.pairs) + batch.dropped.total())
        schema = pair_schema(env)
        expected = pa.Table.from_batches(derived, schema)
        found = files.read_table(path)
        if not found.schema.remove_metadata().equals(schema):
            report.findings.append(f"{name}: its columns are not those of a run")
        elif not _sorted(expected).equals(_sorted(found)):
            report.findings += lines(name, _difference(expected, found), schema.names)
    except (CurationError, pa.ArrowException, OSError) as error:
        report.findings.append(f"{name}: {str(error).splitlines()[0]}")


def _sorted(pairs: pa.Table) -> pa.Table:
    """In an order that does not depend on the one they came in, unless pairs share all of it."""
    keys = [(name, "ascending") for name in ("uid", "image", "text", "url", "t_min")]
    return pairs.take(pc.sort_indices(pairs, keys)).replace_schema_metadata().combine_chunks()


def _difference(expected: pa.Table, found: pa.Table) -> Difference:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        files.write_parquet(scratch / "expected.parquet", expected)
        files.write_parquet(scratch / "found.parquet", found)
        left, right = (Rows(files=[scratch / f"{side}.parquet"]) for side in ("expected", "found"))
        return row_difference(left, right, expected.column_names, scratch=scratch, limit=EXAMPLES * 4)


def lines(where: str, difference: Difference, columns: Sequence[str]) -> list[str]:
    """Findings for rows that were expected (left) and found (right): changed, missing, or not of this set."""
    by_uid: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
    for row in difference.examples.to_pylist():
        by_uid.setdefault(row["uid"], ([], []))[0 if row["surplus"] > 0 else 1].append(row)
    found = list(_verdicts(by_uid, columns))
    total = max(difference.left, difference.right)
    told = [f"{where}: {line}" for line in found[:EXAMPLES]]
    if total > len(told):
        told.append(f"{where}: in all {difference.left} rows are missing or changed, {difference.right} are surplus")
    return told


def _verdicts(
    by_uid: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]], columns: Sequence[str]
) -> Iterator[str]:
    for uid, (expected, found) in by_uid.items():
        for want, have in zip(expected, found, strict=False):
            names = [name for name in columns if want[name] != have[name]]
            yield f"uid {uid!r}: {', '.join(names) or 'number of times'} differs from what the pool gives"
        yield from [f"uid {uid!r}: missing"] * (len(expected) - len(found))
        yield from [f"uid {uid!r}: does not belong there"] * (len(found) - len(expected))
