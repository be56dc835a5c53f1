"""Verifying an export: its files against the manifest, and its pairs against what the pool of its run gives."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import files, queries
from curation.errors import CurationError, UnreadableFile
from curation.queries.difference import Rows, row_difference
from curation.runs.env import derive, finished_environment, pair_schema
from curation.runs.export.card import read_card
from curation.runs.export.format import PAIR_COLUMNS, Format
from curation.runs.export.formats import EXPORTS
from curation.runs.export.kept import complete
from curation.runs.export.manifest import MANIFEST, RULE, Export, make_funnel
from curation.runs.folder import Run
from curation.runs.plan import check_inputs, units
from curation.runs.verify import EXAMPLES, Report, lines


def verify_export(export: Export, run: Run, *, on_rows: Callable[[int], None] = lambda rows: None) -> Report:
    """Derive the kept pairs again from the pool of the run, and compare every row of the export with them.

    So a row that was changed, removed or added is found also where digests and manifest were made to fit it. What is
    trusted is the pool, and the run's entries and counts: `verify_run` checks those.

    on_rows: told how many rows of the pool were gone through
    """
    report = Report(str(export.path), f"{export.kind} export", of_units=len(run.pair_files))
    if export.kind not in EXPORTS:
        report.findings.append(f"{MANIFEST}: format {export.kind!r} is none of {', '.join(EXPORTS)}")
        return report
    try:
        _check_files(export, report)
        columns = _check_origin(export, run, report)
        check_inputs(run)
        with tempfile.TemporaryDirectory() as scratch:
            _check_pairs(_Expected(run, export, columns, report, on_rows), Path(scratch))
    except CurationError as error:
        report.findings.append(str(error))
    return report


def _check_files(export: Export, report: Report) -> None:
    listed = [*export.manifest["files"], *export.manifest["cards"]]
    for file in listed:
        report.files += 1
        path = export.path / file["path"]
        if not path.is_file():
            report.findings.append(f"{file['path']}: is gone")
        elif files.sha256(path) != file["sha256"]:
            report.findings.append(f"{file['path']}: its bytes do not fit the sha256 of the manifest")
    there = {str(path.relative_to(export.path)) for path in export.path.rglob("*") if path.is_file()}
    strangers = there - {file["path"] for file in listed} - {MANIFEST}
    report.findings += [f"{name}: not in the manifest" for name in sorted(strangers)]


def _check_origin(export: Export, run: Run, report: Report) -> list[str]:
    """What the manifest says of where the pairs come from, against the run; returns the columns the pairs must have."""
    manifest, plan, form = export.manifest, run.info["plan"], EXPORTS[export.kind]
    optional = set() if form.needs_images else {"image"}
    columns = [name for name in form.columns if name not in optional | {"language"} or name in manifest["columns"]]
    truth = {
        "rule": RULE,
        "columns": columns,
        "seed": run.seed,
        "plan_digest": run.info["plan_digest"],
        **{name: plan[name] for name in ("config", "metadata", "inputs")},
    }
    for name, value in truth.items():
        if manifest[name] != value:
            report.findings.append(f"{MANIFEST}: {name} is not that of the run {run.path}")
    return columns


class _Expected:
    """The pairs that the export has to hold, out of the pool; counts while they are gone through."""

    def __init__(
        self, run: Run, export: Export, columns: list[str], report: Report, on_rows: Callable[[int], None]
    ) -> None:
        self.run, self.export, self.columns, self.report = run, export, columns, report
        self.form: Format = EXPORTS[export.kind]
        self.on_rows = on_rows
        self.met = 0
        self.dropped: Counter[str] = Counter()
        self.entry_kept = np.zeros(len(run.entries), np.int64)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        env = finished_environment(self.run)
        wanted = [*dict.fromkeys([*self.columns, "matched_entry_ids"])]
        for unit in units(self.run):
            kept = []
            for batch in derive(unit, env):
                self.report.rows += len(batch.pairs)
                self.on_rows(len(batch.pairs) + batch.dropped.total())
                kept.append(batch.pairs.filter(pc.less(batch.pairs["t_min"], self.export.t)))
            self.report.units += 1
            for pairs in complete(self.run, pa.Table.from_batches(kept, pair_schema(env)), wanted):
                self.met += len(pairs)
                held, left_out = self.form.usable(pairs)
                self.dropped += left_out
                np.add.at(self.entry_kept, held["matched_entry_ids"].flatten().to_numpy(), 1)
                yield held.select(self.columns)


def _check_pairs(expected: _Expected, scratch: Path) -> None:
    export, columns, findings = expected.export, expected.columns, expected.report.findings
    should, has = scratch / "expected.parquet", scratch / "found.parquet"
    _stage(should, columns, iter(expected))
    if expected.form.read is not None:
        found = _stage(has, columns, expected.form.read(export.path, export.files, columns))
        left = Rows(files=[should], distinct=expected.form.distinct)
        difference = row_difference(left, Rows(files=[has]), columns, scratch=scratch, limit=EXAMPLES * 4)
        findings += lines("pairs", difference, columns)
        if expected.form.distinct:
            repeated = expected.met - expected.dropped.total() - (found + difference.left - difference.right)
            expected.dropped["uid stands there already"] = repeated
    size = queries.size(expected.run, export.t)
    if size.kept != expected.met:
        findings.append(f"the run's curves say {size.kept} pairs at t = {export.t:g}, its pool gives {expected.met}")
    if export.manifest["pairs"] != expected.met - expected.dropped.total():
        findings.append(f"{MANIFEST}: says {export.manifest['pairs']} pairs")
    if export.manifest["funnel"] != make_funnel(expected.run, size, dict(expected.dropped)):
        findings.append(f"{MANIFEST}: the funnel is not what the run gives")
    for name in expected.form.cards:
        _check_card(export.path, name, expected)


def _stage(path: Path, columns: Sequence[str], batches: Iterator[pa.RecordBatch]) -> int:
    """Write pairs down to be compared, with the digest of an image in its place; returns how many."""
    fields = [PAIR_COLUMNS.field(name) for name in columns]
    rows = 0
    with pq.ParquetWriter(path, pa.schema(fields), **files.PARQUET_OPTIONS) as writer:
        for batch in batches:
            arrays = [_image_digests(batch[name]) if name == "image" else batch[name] for name in columns]
            try:
                made = [array.cast(field.type) for array, field in zip(arrays, fields, strict=True)]
            except pa.ArrowException as error:
                raise UnreadableFile(f"pairs are not of the types of an export ({error})") from None
            writer.write_batch(pa.RecordBatch.from_arrays(made, schema=pa.schema(fields)))
            rows += len(batch)
    return rows


def _image_digests(images: pa.BinaryArray) -> pa.BinaryArray:
    return pa.array(
        [None if image is None else hashlib.blake2b(image, digest_size=32).digest() for image in images.to_pylist()],
        pa.binary(),
    )


def _check_card(folder: Path, name: str, expected: _Expected) -> None:
    card = read_card(folder / name)
    if card["entry"].to_pylist() != expected.run.entries["entry"].to_pylist():
        expected.report.findings.append(f"{name}: its entries are not those of the run")
        return
    for column, truth in (("before", expected.run.entry_count), ("after", expected.entry_kept)):
        if (wrong := np.flatnonzero(card[column].to_numpy() != truth)).size:
            entry, said = card["entry"][int(wrong[0])].as_py(), card[column][int(wrong[0])].as_py()
            expected.report.findings.append(
                f"{name}: {wrong.size} counts ({column}) differ, first {entry!r}: {said} instead of {truth[wrong[0]]}"
            )
