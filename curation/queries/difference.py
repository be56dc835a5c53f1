"""Comparing two sets of pairs as multisets of rows, however many they are: the SQL behind `verify` and `diff`.

DuckDB groups the rows in bounded memory and spills what is more into a folder of the caller's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa

from curation.errors import UnreadableFile
from curation.queries import database

MEMORY_LIMIT = "1GB"

ExampleOrder = Literal["smallest", "random"]
"""Which rows stand for all: those with the smallest uids, or a draw by a hash of the uid, the same each time."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of Parquet files; below: only those with t_min < below; distinct: equal rows count once."""

    files: Sequence[Path]
    below: float | None = None
    distinct: bool = False


@dataclass(frozen=True)
class Difference:
    """What two multisets of rows do not share.

    left, right: rows of which one has more than the other, each as often as it has more
    examples:    some of these rows, and `surplus` int64, how often more they stand on the left (> 0) or the right (< 0)
    """

    left: int
    right: int
    examples: pa.Table


def row_difference(
    left: Rows,
    right: Rows,
    columns: Sequence[str],
    *,
    scratch: Path,
    limit: int,
    order: ExampleOrder = "smallest",
) -> Difference:
    """Compare two multisets of rows by these columns, the first of which is the uid; nulls equal each other.

    scratch: a folder for what memory does not hold; limit: how many examples at most, of each side; order: which
    raises   UnreadableFile
    """
    names = ", ".join(f'"{name}"' for name in columns)
    by = names if order == "smallest" else f'hash("{columns[0]}"), {names}'
    connection = _connection([left, right], scratch)
    try:
        connection.execute(
            f"""
            CREATE TEMP TABLE differing AS
            SELECT {names}, sum(side)::BIGINT AS surplus FROM (
                SELECT *, 1 AS side FROM ({_select(left, names)})
                UNION ALL
                SELECT *, -1 AS side FROM ({_select(right, names)})
            )
            GROUP BY {names} HAVING sum(side) <> 0
            """,
        )
        (more_left, more_right) = connection.sql(
            """
            SELECT coalesce(sum(surplus) FILTER (surplus > 0), 0)::BIGINT,
                   coalesce(-sum(surplus) FILTER (surplus < 0), 0)::BIGINT
            FROM differing
            """
        ).fetchall()[0]
        examples = connection.sql(
            f"""
            SELECT * FROM differing
            QUALIFY row_number() OVER (PARTITION BY surplus > 0 ORDER BY {by}) <= {int(limit)}
            ORDER BY {by}, surplus DESC
            """
        ).to_arrow_table()
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
        raise  # the statement is wrong, not the files
    except duckdb.Error as error:
        raise UnreadableFile(f"pairs cannot be compared: {str(error).splitlines()[0]}") from None
    finally:
        connection.close()
    return Difference(more_left, more_right, examples)


def _select(rows: Rows, names: str) -> str:
    if not rows.files:
        raise ValueError("no files to select from")
    condition = "" if rows.below is None else f" WHERE t_min < {float(rows.below)!r}"
    return f"SELECT {'DISTINCT ' if rows.distinct else ''}{names} FROM {database.files_as_table(rows.files)}{condition}"


def _connection(sides: Sequence[Rows], scratch: Path) -> duckdb.DuckDBPyConnection:
    """A database that sees the folders of these files, and spills into `scratch`."""
    return database.locked_connection(
        {file.parent for side in sides for file in side.files} | {scratch},
        temp_directory=database.sql_text(str(scratch.resolve())),
        memory_limit=f"'{MEMORY_LIMIT}'",
        preserve_insertion_order="false",
    )
