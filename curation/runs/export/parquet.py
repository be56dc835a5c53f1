"""Parquet files with the columns of the run, and the image bytes."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from curation.runs.export.format import Format, Task, Written
from curation.runs.export.shards import read_parquet_shards, write_parquet_shards


def _write(folder: Path, pairs: Iterator[pa.RecordBatch], task: Task) -> Written:
    return Written(write_parquet_shards(folder, "{:05d}.parquet", task.schema, pairs, task.options), Counter())


PARQUET = Format(
    name="parquet",
    columns=("uid", "text", "url", "matched_entry_ids", "t_min", "image", "language"),
    write=_write,
    read=read_parquet_shards,
)
