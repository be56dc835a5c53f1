"""Image folders of Hugging Face: files of images, and a metadata file that names them and has the texts.

    metadata.csv (or .jsonl, .parquet): file_name, text, ...     and the images, beside it or in folders below it

See https://huggingface.co/docs/datasets/image_dataset. The names of images stand in the column `file_name`, or in the
image column's name with `_file_name` after it, and are relative to the folder of the metadata file. A row whose image
is not there, or lies outside of that folder, is left out.
"""

import codecs
import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.errors import CurationError, MissingColumn, UnreadableFile
from curation.pool.batches import measured_batches
from curation.pool.columns import Columns
from curation.pool.delimited import allow_long_fields
from curation.pool.image_files import read_image, read_parts, why_unusable
from curation.pool.pairs import Scanned, is_text
from curation.pool.parquet import damaged
from curation.pool.rows import Row, Rows, pair_fields, printable, word
from curation.pool.sniff import check_bare
from curation.pool.uids import image_digest, pair_uid

METADATA_FILES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
FILE_NAME = "file_name"
MAX_LINE_BYTES = 5_000_000

_LOOK_AT = 1000  # lines of JSON that are asked for their names


def metadata_files(path: Path) -> list[Path]:
    """The metadata files with names of images, of a folder and the folders in it, such as splits.

    raises UnreadableFile for two in the same folder
    """
    with os.scandir(path) as entries:
        folders = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    found: list[Path] = []
    for folder in [path, *(path / name for name in folders)]:
        here = [folder / name for name in METADATA_FILES if _names_images(folder / name)]
        if len(here) > 1:
            raise UnreadableFile(f"{folder}: both {here[0].name} and {here[1].name} name the images; keep one of them")
        found += here
    return found


def fields(path: Path) -> list[str]:
    """The columns of a metadata file; raises UnreadableFile."""
    check_bare(path)
    if path.suffix == ".parquet":
        with files.open_parquet(path) as table:
            return list(table.schema_arrow.names)
    if path.suffix == ".csv":
        return [printable(name) for name in _header(path)]
    records = (record for record in _json_records(path) if isinstance(record, dict))
    return [printable(name) for name in dict.fromkeys(name for record in islice(records, _LOOK_AT) for name in record)]


def read(path: Path, columns: Columns) -> Iterator[Scanned]:
    """The pairs of a metadata file; a row is a row or line of it; raises UnreadableFile, MissingColumn."""
    names = fields(path)
    file_name = next((name for name in (FILE_NAME, f"{columns.image}_{FILE_NAME}") if name in names), None)
    if file_name is None or columns.text not in names:
        missing, option = (columns.text, "--text-column") if file_name else (FILE_NAME, "--image-column")
        found = ", ".join(names[:20]) or "none"
        raise MissingColumn(f"{path}: no column {missing!r} (found: {found}); name it with {option}")
    rows = Rows()
    for row, record in enumerate(_RECORDS[path.suffix](path)):
        try:
            rows.add(_row(row, record, path.parent, file_name, columns))
        except _Unusable as reason:
            rows.dropped[str(reason)] += 1
        if rows.full:
            yield rows.take()
    if not rows.empty:
        yield rows.take()


def images(path: Path, columns: Columns, references: Sequence[str]) -> list[bytes | None]:
    """The bytes of images by their names, as the metadata file gives them."""
    return [read_image(path.parent, reference) for reference in references]


class _Unusable(Exception):
    """Why a row is left out."""


def _row(row: int, record: dict[str, Any] | str, folder: Path, file_name: str, columns: Columns) -> Row:
    """The pair of a record; raises _Unusable."""
    if isinstance(record, str):
        raise _Unusable(record)
    text = _text(record.get(columns.text))
    image = word(record.get(file_name))
    fields = pair_fields(record, columns)
    if image is not None:
        if reason := why_unusable(folder, image):
            raise _Unusable(reason)
        if not fields["uid"] and not fields["url"]:
            fields["uid"] = _uid_of_image(text, folder, image)
    return Row(row=row, text=text, image=image, **fields)


def _text(value: object) -> bytes:
    if value is None:
        raise _Unusable("text is null")
    if not isinstance(value, str | bytes):
        raise _Unusable("text is no text")
    # what stands for bytes that are no UTF-8, and lone surrogates of JSON, become bytes that are counted as such
    return value.encode(errors="surrogatepass") if isinstance(value, str) else value


def _uid_of_image(text: bytes, folder: Path, image: str) -> str | None:
    try:
        return pair_uid(text.decode(), None, image_digest(read_parts(folder, image)))
    except UnicodeDecodeError:
        return None  # such a pair is left out
    except OSError:
        raise _Unusable("image cannot be read") from None


def _names_images(path: Path) -> bool:
    try:
        return path.is_file() and any(name == FILE_NAME or name.endswith(f"_{FILE_NAME}") for name in fields(path))
    except CurationError:
        return False


def _open_csv(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _header(path: Path) -> list[str]:
    with _open_csv(path) as file:
        try:
            return next(csv.reader(file), [])
        except csv.Error as error:
            raise UnreadableFile(f"{path}: its first line cannot be read as names of columns ({error})") from None


def _csv_records(path: Path) -> Iterator[dict[str, Any] | str]:
    allow_long_fields()
    names = _header(path)
    with _open_csv(path) as file:
        rows = csv.reader(file)
        next(rows, None)
        while True:
            try:
                values = next(rows)
            except StopIteration:
                return
            except csv.Error:  # such as a value that a quote which is never closed makes too long
                yield "row cannot be read"
                continue
            if values:  # an empty line is no row
                yield dict(zip(names, values, strict=True)) if len(values) == len(names) else "wrong number of values"


def _json_records(path: Path) -> Iterator[dict[str, Any] | str]:
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE_BYTES)
                yield f"line is over {MAX_LINE_BYTES // 10**6} MB"
            elif line := line.strip():
                yield _json_record(line.removeprefix(codecs.BOM_UTF8))


def _json_record(line: bytes) -> dict[str, Any] | str:
    try:
        record = json.loads(line)
    except UnicodeDecodeError:
        return "line is not UTF-8"
    except (ValueError, RecursionError):
        record = None
    return record if isinstance(record, dict) else "line is no JSON object"


def _table_records(path: Path) -> Iterator[dict[str, Any] | str]:
    row = 0
    with files.open_parquet(path) as table:
        schema = table.schema_arrow
        names = [field.name for field in schema if not pa.types.is_nested(field.type)]
        names = [name for name in names if len(schema.get_all_field_indices(name)) == 1]
        try:
            for batch in measured_batches(table, range(table.num_row_groups), names):
                columns = {name: _values(batch[name]) for name in names}
                yield from (dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True))
                row += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, row, error) from None


def _values(column: pa.Array) -> list[Any]:
    """The values; a text that is no UTF-8 as bytes."""
    if not is_text(column.type):
        return column.to_pylist()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return [_decoded(value) for value in pc.cast(column, pa.binary()).to_pylist()]


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


_RECORDS: dict[str, Callable[[Path], Iterator[dict[str, Any] | str]]] = {
    ".csv": _csv_records,
    ".jsonl": _json_records,
    ".parquet": _table_records,
}
