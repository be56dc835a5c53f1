"""Pools in Parquet files: find them, look at them, stream them."""

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from curation import files
from curation.errors import EmptyPool, MissingColumn, MissingFile, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.pairs import BATCH_ROWS, Scanned, is_texts, usable_pairs, usable_texts


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

    Left out and counted: a text that is null, no valid UTF-8 or longer than 1 MB. Where the text column holds lists,
    each of their texts is a pair of its own, with the number of its row. A pair without uid gets one made from its url,
    or from the digest of its image, and its text.

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
        text, valid, dropped = usable_texts(batch[columns.text])
        yield (text if valid.all() else text.filter(pa.array(valid))), dropped


def _fields(path: Path) -> list[str]:
    with files.open_parquet(path) as file:
        return list(file.schema_arrow.names)


def _read(path: Path, columns: Columns) -> Iterator[Scanned]:
    yield from scan(str(path), range(len(look_at(path, columns).rows_in_group)), columns)


def _batches(path: str, row_groups: Sequence[int], wanted: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Record batches with those of the wanted columns that are there, and the number of each one's first row."""
    with files.open_parquet(path) as file:
        found = [name for name in wanted if name in file.schema_arrow.names]
        first_row = sum(file.metadata.row_group(group).num_rows for group in range(min(row_groups, default=0)))
        try:
            for batch in file.iter_batches(BATCH_ROWS, row_groups=list(row_groups), columns=found):
                yield first_row, batch
                first_row += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(f"{path}: damaged near row {first_row} ({str(error).splitlines()[0]})") from None


def _usable_pairs(batch: pa.RecordBatch, first_row: int, columns: Columns) -> Scanned:
    found = {
        ours: batch[theirs]
        for ours, theirs in (("uid", columns.uid), ("text", columns.text), ("url", columns.url))
        if theirs in batch.schema.names
    }
    return usable_pairs(found, first_row, batch[columns.image] if columns.image in batch.schema.names else None)


def _check_text_column(path: Path, schema: pa.Schema, name: str) -> None:
    at = schema.get_all_field_indices(name)
    if not at:
        names = ", ".join(schema.names[:20]) or "none"
        raise MissingColumn(f"{path}: no column {name!r} (found: {names}); name it with --text-column")
    if len(at) > 1:
        raise MissingColumn(f"{path}: {len(at)} columns are named {name!r}; rename all but one")
    if not is_texts(schema.field(at[0]).type):
        raise MissingColumn(
            f"{path}: column {name!r} holds {schema.field(at[0]).type}, not text; name it with --text-column"
        )


def _footer_digest(path: Path, size: int) -> str:
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-8 - length, os.SEEK_END)
        return hashlib.sha256(size.to_bytes(8, "little") + file.read()).hexdigest()


FORMAT = Format(name="parquet", suffixes=(".parquet",), fields=_fields, read=_read)
