"""Pools in Parquet files: find them, look at them, stream them."""

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.errors import EmptyPool, MissingColumn, MissingFile, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.uids import pair_uids

BATCH_ROWS = 2**16

PAIR_SCHEMA = pa.schema([("uid", pa.string()), ("text", pa.string()), ("url", pa.string()), ("row", pa.int64())])
"""What `scan` yields; row is the number of the row in its file, from 0."""


@dataclass(frozen=True, kw_only=True)
class PoolFile:
    """One file of a pool, as it was when it was looked at.

    rows_in_group: rows of each row group
    digest:        sha256 (hex) of the file's size and its footer, which holds place, size and statistics of columns
    """

    path: str
    bytes: int
    rows: int
    rows_in_group: tuple[int, ...]
    digest: str


@dataclass(frozen=True)
class Scanned:
    """A batch of usable pairs, and how many rows were left out for which reason to get it."""

    pairs: pa.RecordBatch
    dropped: Counter[str]


def find_files(pool: Sequence[str]) -> list[Path]:
    """The Parquet files behind paths, folders (searched through, in order of their names) and glob patterns.

    raises MissingFile for one that leads to no file
    """
    found: dict[Path, None] = {}
    for place in pool:
        path = Path(place)
        if path.is_dir():
            paths = sorted(path.rglob("*.parquet"))
        elif path.is_file():
            paths = [path]
        else:
            paths = sorted(Path(name) for name in glob.glob(place, recursive=True) if Path(name).is_file())
        if not paths:
            raise MissingFile(f"{place}: no such file, or a folder or pattern without a Parquet file")
        found.update((path.resolve(), None) for path in paths)
    return list(found)


def look_at(path: Path, columns: Columns) -> PoolFile:
    """What the footer of a pool file says; raises UnreadableFile, MissingColumn."""
    file = files.open_parquet(path)
    with file:
        _check_text_column(path, file.schema_arrow, columns.text)
        groups = tuple(file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
    size = path.stat().st_size
    return PoolFile(
        path=str(path), bytes=size, rows=sum(groups), rows_in_group=groups, digest=_footer_digest(path, size)
    )


def look_at_all(pool: Sequence[str], columns: Columns) -> list[PoolFile]:
    """All files of a pool; raises EmptyPool if they hold no row together, and what `find_files` and `look_at` raise."""
    found = [look_at(path, columns) for path in find_files(pool)]
    if not sum(file.rows for file in found):
        raise EmptyPool(f"{', '.join(pool)}: not one row in {len(found)} file(s)")
    return found


def scan(path: str, row_groups: Sequence[int], columns: Columns) -> Iterator[Scanned]:
    """Stream the pairs of consecutive row groups, a few ten thousand rows at a time.

    Left out and counted: a text that is null or no valid UTF-8. A pair without uid gets one made from its url, or from
    the digest of its image, and its text.

    raises UnreadableFile where the file is damaged
    """
    wanted = [columns.text, columns.uid, columns.url]
    with files.open_parquet(path) as file:
        names = file.schema_arrow.names
    if columns.uid not in names and columns.url not in names:
        wanted.append(columns.image)
    for first_row, batch in _batches(path, row_groups, wanted):
        yield _usable_pairs(batch, first_row, columns)


def scan_texts(path: str, row_groups: Sequence[int], columns: Columns) -> Iterator[tuple[pa.StringArray, Counter[str]]]:
    """The texts that `scan` yields, and what it leaves out, without reading the other columns."""
    for _, batch in _batches(path, row_groups, [columns.text]):
        text, valid, dropped = _usable_texts(batch, columns)
        yield (text.filter(pa.array(valid)) if dropped else text), dropped


def _batches(path: str, row_groups: Sequence[int], wanted: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Record batches with those of the wanted columns that are there, and the number of each one's first row."""
    with files.open_parquet(path) as file:
        found = [name for name in wanted if name in file.schema_arrow.names]
        first_row = sum(file.metadata.row_group(group).num_rows for group in range(row_groups[0]))
        try:
            for batch in file.iter_batches(BATCH_ROWS, row_groups=list(row_groups), columns=found):
                yield first_row, batch
                first_row += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(f"{path}: damaged near row {first_row} ({str(error).splitlines()[0]})") from None


def _usable_texts(batch: pa.RecordBatch, columns: Columns) -> tuple[pa.StringArray, np.ndarray, Counter[str]]:
    """All texts of a batch, which of them can be used, and how many cannot for which reason."""
    text, valid = _as_text(batch[columns.text])
    dropped: Counter[str] = Counter()
    if nulls := batch[columns.text].null_count:
        dropped["text is null"] = nulls
    if bad := len(text) - int(valid.sum()) - nulls:
        dropped["text is not UTF-8"] = bad
    return text, valid, dropped


def _usable_pairs(batch: pa.RecordBatch, first_row: int, columns: Columns) -> Scanned:
    text, valid, dropped = _usable_texts(batch, columns)
    names = batch.schema.names
    nothing = pa.nulls(len(batch), pa.string())
    url = _as_text(batch[columns.url])[0] if columns.url in names else nothing
    uid = _as_text(batch[columns.uid])[0] if columns.uid in names else nothing
    row = pa.array(np.arange(first_row, first_row + len(batch)))
    image = batch[columns.image] if columns.image in names else pa.nulls(len(batch), pa.binary())
    if dropped:
        keep = pa.array(valid)
        text, url, uid, row, image = (column.filter(keep) for column in (text, url, uid, row, image))
    if uid.null_count:
        uid = pc.coalesce(uid, pair_uids(text, url, image))
    return Scanned(pa.RecordBatch.from_arrays([uid, text, url, row], schema=PAIR_SCHEMA), dropped)


def _as_text(column: pa.Array) -> tuple[pa.StringArray, np.ndarray]:
    """The column as valid strings, and which rows held text; the others are null."""
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if not _is_text(column.type):
        column = pc.cast(column, pa.string())  # uids may be numbers
    if column.type != pa.string():
        column = pc.cast(column, pa.binary())
    try:
        column = pc.cast(pc.cast(column, pa.binary()), pa.string())  # this way round the bytes are checked
    except pa.ArrowInvalid:
        column = pa.array([_decoded(value) for value in pc.cast(column, pa.binary()).to_pylist()], pa.string())
    return column, column.is_valid().to_numpy(zero_copy_only=False)


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return any(
        is_it(kind)
        for is_it in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
        )
    )


def _check_text_column(path: Path, schema: pa.Schema, name: str) -> None:
    at = schema.get_all_field_indices(name)
    if not at:
        names = ", ".join(schema.names[:20]) or "none"
        raise MissingColumn(f"{path}: no column {name!r} (found: {names}); name it with --text-column")
    if len(at) > 1:
        raise MissingColumn(f"{path}: {len(at)} columns are named {name!r}; rename all but one")
    if not _is_text(schema.field(at[0]).type):
        raise MissingColumn(
            f"{path}: column {name!r} holds {schema.field(at[0]).type}, not text; name it with --text-column"
        )


def _footer_digest(path: Path, size: int) -> str:
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-8 - length, os.SEEK_END)
        return hashlib.sha256(size.to_bytes(8, "little") + file.read()).hexdigest()
