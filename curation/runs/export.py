"""The curated set of a run, for other tools."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import curation
from curation import files, queries
from curation.engines import Unit
from curation.errors import BadRun, MissingFile, UnreadableFile
from curation.runs.folder import Run
from curation.runs.plan import check_inputs, units

MANIFEST = "_manifest.json"
"""Readers of Parquet folders pass over names that begin with an underscore."""


def export_parquet(
    run: Run, t: float, path: Path, *, images: bool = True, on_rows: Callable[[int], None] = lambda rows: None
) -> dict[str, Any]:
    """Write the pairs with t_min < t as Parquet, a file for each of the run's, and a manifest.

    The columns are those of the run: uid, text, url, matched_entry_ids, t_min; and `image`, the bytes out of the pool,
    where it holds them and `images` is true. The folder appears under its name when it is whole.

    on_rows: told how many rows of the run were gone through
    returns  the manifest
    raises   BadRun (the folder exists; the run's inputs changed), BadArgument (t < 1)
    """
    if path.exists():
        raise BadRun(f"{path}: exists already; choose another folder")
    size = queries.size(run, t)
    if images:
        check_inputs(run)
    unfinished = path.with_name(f".{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    written: list[dict[str, Any]] = []
    try:
        unfinished.mkdir(parents=True)
        for unit, pair_file in zip(units(run), run.pair_files, strict=True):
            out = unfinished / pair_file.name
            rows = _export_file(run, unit, pair_file, t, out, images, on_rows)
            written.append({"path": out.name, "rows": rows, "sha256": files.sha256(out)})
        manifest = _manifest(run, size, written)
        if (rows := sum(file["rows"] for file in written)) != size.kept:
            raise UnreadableFile(
                f"{run.path}: {rows} pairs have t_min < {t:g}, its curves say {size.kept}; run it again"
            )
        files.write_json(unfinished / MANIFEST, manifest)
        unfinished.rename(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return manifest


def _export_file(
    run: Run, unit: Unit, pair_file: Path, t: float, out: Path, images: bool, on_rows: Callable[[int], None]
) -> int:
    rows = 0
    with files.open_parquet(pair_file) as source:
        schema = source.schema_arrow.remove(source.schema_arrow.get_field_index("image"))
        column = _image_field(unit.path, run.config.image_column) if images else None
        if column is not None:
            schema = schema.append(column.with_name("image"))
        with files.whole(out) as temporary, pq.ParquetWriter(temporary, schema, **files.PARQUET_OPTIONS) as writer:
            read_image = _image_reader(unit, column) if column is not None else None
            for batch in source.iter_batches():
                on_rows(len(batch))
                kept = batch.filter(pc.less(batch["t_min"], t))
                columns = [kept[name] for name in schema.names if name != "image"]
                if read_image is not None:
                    wanted = [int(reference.split(":")[1]) for reference in kept["image"].to_pylist()]
                    columns.append(read_image(np.array(wanted, np.int64)))
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
                rows += len(kept)
    return rows


def _image_field(input_path: str, name: str) -> pa.Field | None:
    with files.open_parquet(input_path) as file:
        return file.schema_arrow.field(name) if name in file.schema_arrow.names else None


def _image_reader(unit: Unit, column: pa.Field) -> Callable[[np.ndarray], pa.Array]:
    """A function from ascending row numbers, each call going on where the last one ended, to their images."""

    def read() -> Iterator[tuple[int, pa.Array]]:
        with files.open_parquet(unit.path) as file:
            first = sum(file.metadata.row_group(group).num_rows for group in range(unit.row_groups[0]))
            for batch in file.iter_batches(1024, row_groups=list(unit.row_groups), columns=[column.name]):
                yield first, batch[column.name]
                first += len(batch)

    batches = read()
    current: tuple[int, pa.Array] = (0, pa.array([], column.type))

    def take(rows: np.ndarray) -> pa.Array:
        nonlocal current
        taken = []
        while rows.size:
            first, values = current
            inside = rows < first + len(values)
            if inside.any():
                taken.append(values.take(pa.array(rows[inside] - first)))
            rows = rows[~inside]
            if rows.size:
                current = next(batches)
        return pa.concat_arrays(taken) if taken else pa.array([], column.type)

    return take


def _manifest(run: Run, size: queries.Size, written: list[dict[str, Any]]) -> dict[str, Any]:
    plan = run.info["plan"]
    return {
        "format": 1,
        "rule": "t_min < t",
        "t": size.t,
        "seed": run.seed,
        "pairs": sum(file["rows"] for file in written),
        "funnel": [
            {"step": step.step, "in": step.rows_in, "out": step.rows_out, "dropped": step.dropped}
            for step in queries.funnel(run, size)
        ],
        "metadata": plan["metadata"],
        "inputs": plan["inputs"],
        "plan_digest": run.info["plan_digest"],
        "files": written,
        "versions": {**run.info["versions"], "exported by headtail": curation.__version__},
    }


def export(run: Run, t: float, path: Path, kind: str, **options: Any) -> dict[str, Any]:
    """Write the curated set as `kind`, one of EXPORTS."""
    if kind not in EXPORTS:
        raise MissingFile(f"format {kind!r}: give one of {', '.join(EXPORTS)}")
    return EXPORTS[kind](run, t, path, **options)


EXPORTS: dict[str, Callable[..., dict[str, Any]]] = {"parquet": export_parquet}
