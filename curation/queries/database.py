"""DuckDB over the pairs of one run, locked to the run's folder; values go in as parameters, never as text."""

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from curation.errors import UnreadableFile
from curation.runs.folder import Run

_LOCKED = (
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def rows(run: Run, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """The rows of an answer; `pairs` is the table of the run's pairs. Raises UnreadableFile."""
    with _readable(run):
        return _relation(run, sql, parameters).fetchall()


def table(run: Run, sql: str, parameters: Any = None) -> pa.Table:
    """The answer as an Arrow table. Raises UnreadableFile."""
    with _readable(run):
        return _relation(run, sql, parameters).to_arrow_table()


def files_as_table(paths: Sequence[Path]) -> str:
    """Some of the run's files as an SQL table, with DuckDB's columns file_index and file_row_number."""
    return f"read_parquet([{', '.join(_sql_path(path) for path in paths)}])"


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


def _sql_path(path: Path) -> str:
    """A path as an SQL string that names it and nothing else."""
    return "'" + glob.escape(str(path.resolve())).replace("'", "''") + "'"


@lru_cache(maxsize=32)
def connection(path: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory database that sees the pairs of one run as the view `pairs`, and no other file."""
    made = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    folder = str(path).replace("'", "''")
    # a pattern is checked against the allowed folders as it is written, and then its files are
    made.execute(f"SET allowed_directories = ['{folder}', {_sql_path(path)}]")
    made.execute("SET parquet_metadata_cache = true")  # a footer is parsed again only after its file changed
    for setting in _LOCKED:
        made.execute(setting)
    made.execute(f"CREATE VIEW pairs AS SELECT * FROM read_parquet({_sql_path(path)} || '/pairs/*.parquet')")
    return made
