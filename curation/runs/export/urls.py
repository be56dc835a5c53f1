"""A list of addresses for img2dataset: Parquet with columns url and caption, and what is known of each pair."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from curation.runs.export.format import Format, Task, Written
from curation.runs.export.shards import read_parquet_shards, write_parquet_shards

_NAMES = {"text": "caption"}  # as img2dataset's documentation calls it
_COLUMNS = ("url", "text", "uid", "matched_entry_ids", "matched_entries")


def _usable(pairs: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
    usable = pairs.filter(pc.fill_null(pc.not_equal(pairs["url"], ""), False))
    return usable, Counter({"no url": len(pairs) - len(usable)})


def _write(folder: Path, pairs: Iterator[pa.RecordBatch], task: Task) -> Written:
    names = [_NAMES.get(name, name) for name in task.schema.names]
    schema = pa.schema([field.with_name(name) for field, name in zip(task.schema, names, strict=True)])
    renamed = (batch.rename_columns(names) for batch in pairs)
    return Written(write_parquet_shards(folder, "{:05d}.parquet", schema, renamed, task.options), Counter())


def _read(folder: Path, paths: Sequence[str], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for batch in read_parquet_shards(folder, paths, [_NAMES.get(name, name) for name in columns]):
        yield batch.rename_columns(list(columns))


URLS = Format(name="urls", columns=_COLUMNS, write=_write, read=_read, usable=_usable)
