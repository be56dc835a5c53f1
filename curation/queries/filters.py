"""Filters that compare pairs with all others of a pool: the SQL behind them, over files of keys.

DuckDB groups the keys in bounded memory and spills what is more into the folder of the files. Every step looks at the
pairs that all steps before it left.

A file of keys has a row a pair, those columns that the filters need, and no nulls but where noted:

    place     int64   unit * 2**32 + number of the pair in its unit: ascends in the order of the pool
    instance  int64   input * 2**40 + row: the same for all texts of an image in one place of the pool, and ascends too
    reason    uint8   0, or why the pair is out already
    text_a, text_b, image_a, image_b    uint64, keys of `pool.keys`
    bytes_a, bytes_b, looks             uint64, of image bytes; null without any. looks: the difference hash
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations, pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from curation.engines import Cancelled
from curation.errors import CurationError
from curation.pool.filter_config import REASONS, FilterConfig
from curation.queries import database

MEMORY_LIMIT = "1GB"

BATCH_ROWS = 2**17

_LEFT = "(SELECT * FROM (SELECT * FROM keys WHERE reason = 0) ANTI JOIN dropped USING (place))"
_IMAGE, _TEXT, _BYTES = ("image_a", "image_b"), ("text_a", "text_b"), ("bytes_a", "bytes_b")


def pool_drops(
    keys: Sequence[Path],
    config: FilterConfig,
    *,
    scratch: Path,
    threads: int = 1,
    cancel: Callable[[], bool] = lambda: False,
) -> Iterator[pa.RecordBatch]:
    """The pairs that the filters of duplicates and of counts drop: place int64 ascending, reason uint8 of REASONS.

    keys: one file a unit; scratch: a folder for what memory does not hold
    raises Cancelled between two filters, CurationError where memory and disk do not suffice, or a file is damaged
    """
    with _connection(keys, "keys", scratch, threads) as connection:
        connection.execute("CREATE TEMP TABLE dropped (place BIGINT, reason UTINYINT)")
        for name in config.active_filters:
            if cancel():
                raise Cancelled
            if name in _STEPS:
                _STEPS[name](connection, REASONS[name], config)
        answer = connection.sql("SELECT place, reason FROM dropped ORDER BY place")
        yield from answer.to_arrow_reader(BATCH_ROWS)


def frequent_words(
    vocabularies: Sequence[Path], most: int, *, scratch: Path, threads: int = 1
) -> Iterator[pa.RecordBatch]:
    """The hashes of the `most` most frequent words: word uint64 ascending; of equally frequent ones the smaller hashes.

    vocabularies: files with columns word uint64 and count int64; a word may stand in several rows
    """
    with _connection(vocabularies, "vocabulary", scratch, threads) as connection:
        answer = connection.sql(
            f"""
            SELECT word FROM (
                SELECT word, sum(count) AS count FROM vocabulary GROUP BY word ORDER BY count DESC, word LIMIT {most:d}
            ) ORDER BY word
            """
        )
        yield from answer.to_arrow_reader(BATCH_ROWS)


def _first_stays(connection: duckdb.DuckDBPyConnection, reason: int, key: Sequence[str], order: str = "place") -> None:
    """Drop those that share their key with a pair before them; keys that are null are shared with none."""
    columns = ", ".join(key)
    connection.execute(
        f"""
        INSERT INTO dropped SELECT place, {reason:d} FROM {_LEFT} JOIN (
            SELECT {columns}, min({order}) AS first FROM {_LEFT}
            WHERE {key[0]} IS NOT NULL GROUP BY {columns} HAVING count(*) > 1
        ) USING ({columns}) WHERE {order} > first
        """
    )


def _at_most(
    connection: duckdb.DuckDBPyConnection, reason: int, key: Sequence[str], others: Sequence[str], most: int
) -> None:
    """Drop all pairs of a key that stands with more than `most` different others."""
    columns = ", ".join(key)
    connection.execute(
        f"""
        INSERT INTO dropped SELECT place, {reason:d} FROM {_LEFT} JOIN (
            SELECT {columns} FROM (SELECT DISTINCT {columns}, {", ".join(others)} FROM {_LEFT})
            GROUP BY {columns} HAVING count(*) > {most:d}
        ) USING ({columns})
        """
    )


def _similar(connection: duckdb.DuckDBPyConnection, reason: int, distance: int) -> None:
    """Drop images that look like one before them that stays: their hashes differ in at most `distance` bits."""
    connection.execute(
        f"""
        CREATE TEMP TABLE looking AS SELECT looks, first, row_number() OVER (ORDER BY first, looks) - 1 AS id FROM (
            SELECT looks, min(instance) AS first FROM {_LEFT} WHERE looks IS NOT NULL GROUP BY looks
        )
        """
    )
    gone = pa.table({"id": np.flatnonzero(_like_an_earlier_one(connection, distance))})
    connection.register("gone", gone)
    connection.execute(
        f"""
        INSERT INTO dropped SELECT place, {reason:d} FROM {_LEFT} JOIN looking USING (looks)
        WHERE instance > first OR id IN (SELECT id FROM gone)
        """
    )


def _like_an_earlier_one(connection: duckdb.DuckDBPyConnection, distance: int) -> np.ndarray:
    """(distinct hashes,) bool, by id: whether a hash is near one of a smaller id that is not so itself."""
    connection.execute("CREATE TEMP TABLE near (earlier BIGINT, later BIGINT)")
    for mask in _masks(distance):
        connection.execute(
            f"""
            INSERT INTO near SELECT a.id, b.id FROM looking a JOIN looking b
            ON (a.looks & {mask}::UBIGINT) = (b.looks & {mask}::UBIGINT)
            WHERE a.id < b.id AND bit_count(xor(a.looks, b.looks)) <= {distance:d}
            """
        )
    (count,) = connection.sql("SELECT count(*) FROM looking").fetchall()[0]
    gone = np.zeros(count, np.bool_)
    for batch in connection.sql("SELECT DISTINCT later, earlier FROM near ORDER BY later").to_arrow_reader(BATCH_ROWS):
        # in the order of `later`: whether an earlier one stays is settled when it is asked
        for later, earlier in zip(batch["later"].to_pylist(), batch["earlier"].to_pylist(), strict=True):
            gone[later] |= not gone[earlier]
    return gone


def _masks(distance: int) -> Iterator[int]:
    """Masks of 64 bits, so that two hashes that differ in at most `distance` bits agree under one of them.

    Of distance + 2 blocks of bits at least two are without a difference (as in Manku et al. 2007, "Detecting
    Near-Duplicates for Web Crawling"): a mask for any two, which leaves few hashes to compare with each.
    """
    edges = np.linspace(0, 64, distance + 3).astype(int).tolist()
    blocks = [(1 << stop) - (1 << start) for start, stop in pairwise(edges)]
    for one, other in combinations(blocks, 2):
        yield one | other


_STEPS: dict[str, Callable[[duckdb.DuckDBPyConnection, int, FilterConfig], None]] = {
    "same pair": lambda connection, reason, config: _first_stays(connection, reason, _IMAGE + _TEXT),
    "same text": lambda connection, reason, config: _first_stays(connection, reason, _TEXT),
    # all texts of an image share its fate
    "same image": lambda connection, reason, config: _first_stays(connection, reason, _BYTES, "instance"),
    "similar image": lambda connection, reason, config: _similar(connection, reason, config.near_distance),
    "texts per image": lambda connection, reason, config: _at_most(
        connection, reason, _IMAGE, _TEXT, config.max_texts_per_image or 0
    ),
    "images per text": lambda connection, reason, config: _at_most(
        connection, reason, _TEXT, _IMAGE, config.max_images_per_text or 0
    ),
}

NEEDS: dict[str, tuple[str, ...]] = {
    "same pair": _IMAGE + _TEXT,
    "same text": _TEXT,
    "same image": _BYTES,
    "similar image": ("looks",),
    "texts per image": _IMAGE + _TEXT,
    "images per text": _TEXT + _IMAGE,
}
"""The columns of keys that each of these filters needs, besides place, instance and reason."""


@contextmanager
def _connection(paths: Sequence[Path], view: str, scratch: Path, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the rows of these files as a view, which spills into `scratch`."""
    connection = database.locked_connection(
        {path.parent for path in paths} | {scratch},
        temp_directory=database.sql_text(str(scratch.resolve())),
        memory_limit=f"'{MEMORY_LIMIT}'",
        threads=str(threads),
        preserve_insertion_order="false",
    )
    try:
        connection.execute(f"CREATE TEMP VIEW {view} AS SELECT * FROM {database.files_as_table(paths)}")
        yield connection
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
        raise  # the statement is wrong, not the files
    except duckdb.Error as error:
        raise CurationError(f"filters: pairs cannot be compared ({str(error).splitlines()[0]})") from None
    finally:
        connection.close()
