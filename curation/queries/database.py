"""DuckDB over the pairs of one run, locked to the run's folder; values go in as parameters, never as text."""

import glob
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from curation.errors import UnreadableFile
from curation.runs.folder import Run


def rows(run: Run, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """The rows of an answer; `pairs` is the table of the run's pairs. Raises UnreadableFile."""
    with _readable(run):
        return _relation(run, sql, parameters).fetchall()


def table(run: Run, sql: str, parameters: Any = None) -> pa.Table:
    """The answer as an Arrow table. Raises UnreadableFile."""
    with _readable(run):
        return _relation(run, sql, parameters).to_arrow_table()


def files_as_table(paths: Sequence[Path]) -> str:
    """Parquet files as an SQL table, with DuckDB's columns file_index and file_row_number."""
    return f"read_parquet([{', '.join(sql_path(path) for path in paths)}])"


@contextmanager
def _readable(run: Run) -> Iterator[None]:
    """UnreadableFile for what DuckDB says about pair files that are missing or damaged."""
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
        raise  # the statement is wrong, not the files
    except duckdb.Error as error:
        raise UnreadableFile(f"{run.path / 'pairs'}: {str(error).splitlines()[0]}") from None


def _relation(run: Run, sql: str, parameters: Any) -> duckdb.DuckDBPyRelation:
    # a cursor of its own: two threads on one connection get each other's rows
    return connection(run.path.resolve()).cursor().sql(sql, params=parameters)


def sql_path(path: Path) -> str:
    """A path as an SQL string that names it and nothing else."""
    return sql_text(glob.escape(str(path.resolve())))


def sql_text(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def locked_connection(folders: Iterable[Path], **settings: str) -> duckdb.DuckDBPyConnection:
    """An in-memory database that sees these folders, and no other file; nothing about it can be changed any more.

    settings: further ones of DuckDB, as SQL writes their values
    """
    made = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    # a pattern is checked against the allowed folders as it is written, and then its files are
    allowed = {name for folder in folders for name in (sql_text(str(folder.resolve())), sql_path(folder))}
    for name, value in {
        **settings,
        "allowed_directories": f"[{', '.join(sorted(allowed))}]",
        "enable_external_access": "false",
        "lock_configuration": "true",
    }.items():
        made.execute(f"SET {name} = {value}")
    return made


@lru_cache(maxsize=32)
def connection(path: Path) -> duckdb.DuckDBPyConnection:
    """A database that sees the pairs of one run as the view `pairs`."""
    # a footer is parsed again only after its file changed
    made = locked_connection([path], parquet_metadata_cache="true")
    made.execute(f"CREATE VIEW pairs AS SELECT * FROM read_parquet({sql_path(path)} || '/pairs/*.parquet')")
    return made
