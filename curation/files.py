"""How files come to be: under their own name only when they are whole."""

import errno
import fcntl
import hashlib
import io
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from curation.errors import BadRun, UnreadableFile
from curation.options import check_path

PARQUET_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": False,
    "write_page_checksum": True,
}
"""How every Parquet file of the project is written, so that a flipped bit does not go unnoticed.

Texts and uids hardly repeat: without dictionaries, pairs are written in half the time, and are 5 % larger.
"""

_FORMULA = r"^['=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""How a cell begins that a spreadsheet takes for a formula, and the mark that keeps it from that."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it becomes `path`, synced to disk, if the block ends well, and is gone if not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to write into; it becomes `path` if the block ends well, and is gone with all it holds if not.

    raises BadRun if `path` is there already, or another process is writing it, and BadArgument if it is no UTF-8
    """
    check_path(path.absolute())
    if path.exists():
        raise BadRun(f"{path}: exists already; choose another folder")
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(unfinished, os.O_RDONLY)
    try:
        _lock_folder(descriptor, unfinished, path)
        try:
            for leftover in unfinished.iterdir():  # of a writer that was killed
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            yield unfinished
            for inside, _, _ in os.walk(unfinished):  # a name that a file was given in there may not be on the disk yet
                _sync(Path(inside))
            unfinished.rename(path)
            _sync(path.parent)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    finally:
        os.close(descriptor)


def _lock_folder(descriptor: int, unfinished: Path, path: Path) -> None:
    """Hold the open folder, and make sure that it is still the unfinished one: another writer may just have ended."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.path.samestat(os.fstat(descriptor), unfinished.stat())
    except (BlockingIOError, FileNotFoundError):
        ours = False
    if not ours or path.exists():
        raise BadRun(f"{path}: another process writes there; wait for it, or choose another folder")


def is_full(error: OSError) -> bool:
    """Whether it says that the disk, or the quota, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of writers that were killed; only for who holds the folder's lock."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Replace a JSON file in one step."""
    write_text(path, json_text(value))


def json_text(value: object) -> str:
    """A value as JSON files of the project hold it."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_array(path: Path, array: np.ndarray) -> None:
    """Replace a .npy file in one step."""
    with whole(path) as temporary:
        save_array(temporary, array)


def save_array(path: Path, array: np.ndarray) -> None:
    """Write a .npy file. np.save lets a full disk pass unnoticed, or says how many values it wrote, and not why."""
    array = np.asarray(array, order="C")
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def read_array(path: Path) -> np.ndarray | None:
    """The array of a .npy file; None where there is none. raises UnreadableFile"""
    return open_array(path) if path.is_file() else None


def open_array(path: Path, *, mapped: bool = False) -> np.ndarray:
    """The array of a .npy file, in memory or mapped into it. raises UnreadableFile, also where there is none"""
    try:
        found: np.ndarray = np.load(path, mmap_mode="r" if mapped else None)
    except Exception as error:  # whatever numpy, and the parser of Python, make of a damaged head
        raise UnreadableFile(f"{path}: {_first_line(error)}") from None
    return found


def write_parquet(path: Path, table: pa.Table) -> None:
    """Replace a Parquet file in one step."""
    with whole(path) as temporary:
        pq.write_table(table, temporary, **PARQUET_OPTIONS)
        open_parquet(temporary).close()  # a full disk can pass the writer's close unnoticed


def write_row_groups(path: Path, schema: pa.Schema, tables: Iterable[pa.Table], rows: int) -> None:
    """Write tables to a Parquet file in row groups of so many rows, however the tables are cut.

    raises UnreadableFile if the file is not whole then: a full disk does not make the writer complain
    """
    with pq.ParquetWriter(path, schema, **PARQUET_OPTIONS) as writer:
        waiting = schema.empty_table()
        for table in tables:
            waiting = pa.concat_tables([waiting, table])
            while len(waiting) >= rows:
                # in one chunk: where chunks end, pages end too, and the bytes would depend on it
                writer.write_table(waiting.slice(0, rows).combine_chunks(), row_group_size=rows)
                waiting = waiting.slice(rows)
        if len(waiting):
            writer.write_table(waiting.combine_chunks(), row_group_size=rows)
    open_parquet(path).close()


def csv_bytes(table: pa.Table) -> bytes:
    r"""A table as CSV, UTF-8; every text is quoted, null is nothing at all.

    A text that a spreadsheet would take for a formula, for it begins with = + - @, one of their full-width forms, a tab
    or a line break, gets a ' before it, and so does one that begins with ' already: to read such a file back, take one
    ' off every text that begins with it.

    >>> csv_bytes(pa.table({"text": ["=1+1", "a dog", None], "n": [1, -2, 3]}))
    b'"text","n"\n"\'=1+1",1\n"a dog",-2\n,3\n'
    """
    out = io.BytesIO()
    pa.csv.write_csv(pa.table({name: _no_formula(table[name]) for name in table.column_names}), out)
    return out.getvalue()


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as a Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out, **PARQUET_OPTIONS)
    return out.getvalue()


def read_json(path: Path) -> Any:
    """The value of a JSON file; UnreadableFile if it holds none."""
    return read_json_text(path)[0]


def read_json_text(path: Path) -> tuple[Any, str]:
    """The value of a JSON file, and its text; UnreadableFile if it holds none."""
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text), text
    except (ValueError, RecursionError) as error:  # ValueError: also what is not UTF-8
        raise UnreadableFile(f"{path}: not JSON ({_first_line(error)})") from None
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from None


def is_uri(place: Path | str) -> bool:
    """Whether a file lies on a filesystem that Arrow knows by a URI, such as s3://bucket/pool.parquet."""
    return isinstance(place, str) and "://" in place


def open_parquet(path: Path | str) -> pq.ParquetFile:
    """An open Parquet file; UnreadableFile if it is none, or is cut short, BadArgument if its name is no UTF-8."""
    check_path(path)
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last from a damaged name of a column
        raise UnreadableFile(f"{path}: not a whole Parquet file ({_first_line(error)})") from None


def read_table(path: Path | str, columns: Sequence[str] | None = None) -> pa.Table:
    """A Parquet file as a whole, or some columns of it; UnreadableFile if it is none, or a page of it is damaged."""
    with open_parquet(path) as file:
        try:
            return file.read(None if columns is None else list(columns))
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(f"{path}: damaged ({_first_line(error)})") from None


def read_batches(path: Path, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """A Parquet file piece by piece; UnreadableFile if it is none, or a page of it is damaged."""
    batches = open_parquet(path).iter_batches(batch_size=rows, columns=list(columns))
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(f"{path}: damaged ({_first_line(error)})") from None
        if batch is None:
            return
        yield batch


def sha256(path: Path) -> str:
    """sha256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _no_formula(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not pa.types.is_string(values.type):
        return values
    risky = pc.match_substring_regex(values, _FORMULA)
    return pc.if_else(risky, pc.binary_join_element_wise("'", values, ""), values)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
