"""Cutting a stream of pairs into files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import files
from curation.errors import UnreadableFile
from curation.runs.export.options import ExportOptions

PARQUET_ROWS = 250_000


def shards(batches: Iterator[pa.RecordBatch], rows: int, size: int) -> Iterator[Iterator[pa.RecordBatch]]:
    """Consecutive stretches of batches, each of at most `rows` rows; one ends with the batch that brings it to `size`.

    size: bytes in memory. A stretch has to be used up before the next one is asked for; batches without rows vanish.
    """
    left: list[pa.RecordBatch] = []  # the rest of a batch that was cut

    def following() -> pa.RecordBatch | None:
        return left.pop() if left else next((batch for batch in batches if len(batch)), None)

    def one(batch: pa.RecordBatch | None) -> Iterator[pa.RecordBatch]:
        room, held = rows, 0
        while batch is not None:
            if len(batch) > room:
                left.append(batch.slice(room))
                batch = batch.slice(0, room)
            yield batch
            room, held = room - len(batch), held + batch.nbytes
            if not room or held >= size:
                return
            batch = following()

    while (first := following()) is not None:
        yield one(first)


def write_parquet_shards(
    folder: Path, name: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], options: ExportOptions
) -> dict[str, int]:
    """Parquet files of pairs; one without rows if there are none, so that the columns can still be read.

    name:    of the files, with a place for the number, such as "{:05d}.parquet"
    returns  name -> rows
    """
    rows: dict[str, int] = {}
    for shard in shards(batches, options.shard_rows or PARQUET_ROWS, options.shard_bytes):
        path = name.format(len(rows))
        rows[path] = _write_parquet(folder / path, schema, shard)
    return rows or {name.format(0): _write_parquet(folder / name.format(0), schema, iter(()))}


def read_parquet_shards(folder: Path, paths: Sequence[str], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Columns of Parquet files, a few rows at a time because images may be among them."""
    for path in paths:
        with files.open_parquet(folder / path) as file:
            if missing := [name for name in columns if name not in file.schema_arrow.names]:
                raise UnreadableFile(f"{folder / path}: no column {', '.join(missing)}")
            try:
                yield from file.iter_batches(256 if "image" in columns else 2**16, columns=list(columns))
            except (pa.ArrowException, OSError) as error:
                raise UnreadableFile(f"{folder / path}: damaged ({str(error).splitlines()[0]})") from None


def _write_parquet(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    rows = 0
    parquet_options: dict[str, Any] = files.PARQUET_OPTIONS
    with files.whole(path) as temporary:
        with pq.ParquetWriter(temporary, schema, **parquet_options) as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += len(batch)
        files.open_parquet(temporary).close()  # a full disk can pass the writer's close unnoticed
    return rows
