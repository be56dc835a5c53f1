"""Pools in Parquet files: look at them, stream them, row group by row group."""

import hashlib
import os
from bisect import bisect
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import files
from curation.errors import UnreadableFile
from curation.pool import remote
from curation.pool.batches import measured_batches
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.pairs import PAIR_SCHEMA, Scanned, usable_pairs, usable_texts
from curation.pool.tables import check_text_column, pair_columns

CELL_ROWS = 64
"""Rows of images that are decoded at a time."""

MAX_DAMAGED = 100
"""So many row groups that are damaged are stepped over; a file with more of them is left."""


def look_at(path: Path | str, columns: Columns) -> tuple[tuple[int, ...], str]:
    """Rows of each row group; sha256 (hex) of the file's size and footer. Raises UnreadableFile, MissingColumn."""
    with _open(path) as file:
        check_text_column(path, file.schema_arrow, columns.text)
        groups = tuple(file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
    return groups, _footer_digest(path)


def scan(path: str, row_groups: Sequence[int], columns: Columns) -> Iterator[Scanned]:
    """Stream the pairs of consecutive row groups, a few ten thousand rows at a time.

    Left out and counted: a text that is null, no valid UTF-8 or longer than 1 MB. Where the text column holds lists,
    each of their texts is a pair of its own, with the number of its row. A pair without uid gets one made from its url,
    or from the digest of its image, and its text.

    raises UnreadableFile where the file is damaged
    """
    for _, scanned in _scan(path, row_groups, columns):
        yield scanned


def _scan(path: str, row_groups: Sequence[int], columns: Columns) -> Iterator[tuple[int, Scanned]]:
    """As `scan`, each batch with the number of the row behind its last."""
    wanted = [columns.text, columns.uid, columns.url, columns.width, columns.height, columns.language]
    with _open(path) as file:
        names = file.schema_arrow.names
    if columns.uid not in names and columns.url not in names:
        wanted.append(columns.image)
    for first_row, batch in _batches(path, row_groups, wanted):
        try:
            scanned = _usable_pairs(batch, first_row, columns, columns.image in names)
        except pa.ArrowException as error:
            raise damaged(path, first_row, error) from None
        yield first_row + len(batch), scanned


def scan_texts(path: str, row_groups: Sequence[int], columns: Columns) -> Iterator[tuple[pa.StringArray, Counter[str]]]:
    """The texts that `scan` yields, and what it leaves out, without reading the other columns."""
    for _, batch in _batches(path, row_groups, [columns.text]):
        text, valid, dropped = usable_texts(pair_columns(batch, columns)["text"])
        yield (text if valid.all() else text.filter(pa.array(valid))), dropped


def _fields(path: Path | str) -> list[str]:
    with _open(path) as file:
        return list(file.schema_arrow.names)


def _read(path: Path | str, columns: Columns) -> Iterator[Scanned]:
    """See Format. Row groups that are damaged are counted and stepped over; then the damage is raised."""
    counts, _ = look_at(path, columns)
    starts = [0, *accumulate(max(count, 0) for count in counts)]
    group, alone, found = 0, False, list[UnreadableFile]()
    while group < len(counts) and len(found) <= MAX_DAMAGED:
        met, stop = starts[group], group + 1 if alone else len(counts)
        try:
            for row, scanned in _scan(str(path), range(group, stop), columns):
                met = row
                yield scanned
        except UnreadableFile as error:
            if files.is_uri(path):  # the server may be to blame: trying each row group would wait for it each time
                raise
            begun = max(group, min(bisect(starts, met), len(counts)) - 1)
            if met == starts[begun] and not alone:  # the damage may be in a group that is read with this one
                group, alone = begun, True
                continue
            found.append(error)
            stop, alone = begun + 1, False
        if starts[stop] > met:
            yield lost_rows(starts[stop] - met)
        group = stop
    if starts[-1] > starts[group]:
        yield lost_rows(starts[-1] - starts[group])
    if found:
        raise found[0]


def damaged(path: Path | str, row: int, error: BaseException) -> UnreadableFile:
    """What to raise where a file cannot be read any further, in one line."""
    return remote.failure(path, error, f"damaged near row {row}")


def lost_rows(count: int) -> Scanned:
    """Rows that a footer tells of, and that cannot be read."""
    return Scanned(pa.RecordBatch.from_pylist([], schema=PAIR_SCHEMA), Counter({"row group is damaged": count}))


def stream_cells(path: Path | str, column: str, rows: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """(row, value) of a column in ascending rows; a few rows are decoded at a time, for an image has megabytes.

    Rows beyond the end, and all rows if there is no such column, are passed over. Raises UnreadableFile.
    """
    left, first = deque(rows), 0
    with _open(path) as file:
        if column not in file.schema_arrow.names:
            return
        for group in range(file.num_row_groups):
            stop = first + file.metadata.row_group(group).num_rows
            at = first
            batches = file.iter_batches(CELL_ROWS, row_groups=[group], columns=[column])
            while left and left[0] < stop:
                try:
                    batch = next(batches)
                except (pa.ArrowException, OSError) as error:
                    raise damaged(path, at, error) from None
                while left and left[0] < at + len(batch):
                    row = left.popleft()
                    yield row, batch.column(0)[row - at].as_py()
                at += len(batch)
            first = stop


def stream_images(path: Path | str, columns: Columns, references: Sequence[str]) -> Iterator[bytes | None]:
    """The images in these rows, in order; while they ascend, the file is read once. Raises UnreadableFile."""
    rows = [int(reference) if reference.isascii() and reference.isdecimal() else -1 for reference in references]
    starts = [0, *(at for at in range(1, len(rows)) if rows[at] <= rows[at - 1])]
    for start, stop in pairwise([*starts, len(rows)]):
        ascending = rows[start:stop]
        cells = stream_cells(path, columns.image, [row for row in ascending if row >= 0])
        found, value = next(cells, (None, None))
        for row in ascending:
            yield cell_bytes(value) if row == found else None
            if row == found:
                found, value = next(cells, (None, None))


def _images(path: Path | str, columns: Columns, references: Sequence[str]) -> list[bytes | None]:
    order = sorted(range(len(references)), key=lambda at: (len(references[at]), references[at]))
    found = zip(order, stream_images(path, columns, [references[at] for at in order]), strict=True)
    return [image for _, image in sorted(found, key=lambda place: place[0])]


def cell_bytes(value: object) -> bytes | None:
    """The bytes of a cell, which may be a struct with a field `bytes`, as Hugging Face's images are."""
    if isinstance(value, dict):
        value = value.get("bytes")
    return value if isinstance(value, bytes) else None


def _open(path: Path | str) -> pq.ParquetFile:
    """An open Parquet file, here or behind a URI; raises UnreadableFile."""
    if not files.is_uri(path):
        return files.open_parquet(path)
    source = remote.open_bytes(str(path))
    try:
        return pq.ParquetFile(source, page_checksum_verification=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise remote.failure(path, error, "not a whole Parquet file") from None


def _batches(path: str, row_groups: Sequence[int], wanted: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Record batches with those of the wanted columns that are there, and the number of each one's first row."""
    with _open(path) as file:
        found = [name for name in wanted if name in file.schema_arrow.names]
        first_row = sum(file.metadata.row_group(group).num_rows for group in range(min(row_groups, default=0)))
        try:
            for batch in measured_batches(file, row_groups, found):
                yield first_row, batch
                first_row += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, first_row, error) from None


def _usable_pairs(batch: pa.RecordBatch, first_row: int, columns: Columns, has_image: bool) -> Scanned:
    found = pair_columns(batch, columns)
    if has_image:
        found["image"] = pc.cast(pa.array(np.arange(first_row, first_row + len(batch))), pa.string())
    image_bytes = batch[columns.image] if columns.image in batch.schema.names else None
    return usable_pairs(found, first_row, image_bytes)


def _footer_digest(path: Path | str) -> str:
    try:
        with remote.open_bytes(str(path)) if files.is_uri(path) else Path(path).open("rb") as file:
            size = file.seek(0, os.SEEK_END) or file.tell()  # a file of Arrow's does not say where it is
            file.seek(size - 8)
            length = int.from_bytes(file.read(4), "little")
            file.seek(size - 8 - length)
            return hashlib.sha256(size.to_bytes(8, "little") + file.read()).hexdigest()
    except (pa.ArrowException, OSError) as error:
        raise remote.failure(path, error, "cannot be read") from None


FORMAT = Format(name="parquet", suffixes=(".parquet",), fields=_fields, read=_read, images=_images)
