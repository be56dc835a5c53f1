"""Questions to a run folder. Every SQL statement of the project stands here.

DuckDB reads the run's Parquet files in memory, locked to the run's folder; values go in as parameters, never as text.
What the curves hold for a t on their grid is read from them; for a t in between the pairs are asked.
"""

import glob
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.balancing import check_t, entry_prob, keep_prob, p_to_t, t_for_size, t_to_p
from curation.curves import CurveBuilder, Curves
from curation.errors import BadArgument, UnknownEntry, UnknownPair, UnreadableFile
from curation.runs.folder import Run, open_run
from curation.uniform import entry_hashes, uniform

Which = Literal["kept", "dropped", "both"]

GROUP_ROWS = 1_000_000
"""So many pairs are looked through for a page of samples, if they hold enough of them."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What balancing at t makes of a pool.

    kept:            pairs with t_min < t
    expected, sigma: mean and standard deviation of that number over seeds
    pairs, matched:  of the pool
    tail_share:      share of all matches of the pool on entries with count < t
    kept_tail_share: the same share among the matches of the kept pairs
    entries_matched: entries that any pair matches; entries_covered: that a kept pair matches; entries: of the metadata
    entries_at_cap:  entries with count >= t, the head: each keeps t of its texts on average
    """

    t: float
    kept: int
    expected: float
    sigma: float
    pairs: int
    matched: int
    tail_share: float
    kept_tail_share: float
    entries: int
    entries_matched: int
    entries_covered: int
    entries_at_cap: int


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A threshold that was looked for, and what it achieves."""

    t: float
    kept: int
    tail_share: float


@dataclass(frozen=True, kw_only=True)
class EntryWhy:
    """One entry of a pair, and whether it keeps the pair at t.

    count: texts of the pool with the entry; prob: t / max(count, t); u: uniform of (pair, entry); product: u * count
    """

    entry_id: int
    entry: str
    source: str
    count: int
    prob: float
    u: float
    product: float
    keeps: bool


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a pair is in or out at t. keep_prob: pi = 1 - prod(1 - p_e); kept is t_min < t."""

    uid: str
    text: str
    url: str | None
    image: str | None
    t: float
    t_min: float
    keep_prob: float
    kept: bool
    entries: list[EntryWhy]


@dataclass(frozen=True)
class Step:
    """One row of the funnel: rows in, rows out, and the difference by reason."""

    step: str
    rows_in: int
    rows_out: int
    dropped: dict[str, int]


def size(run: Run, t: float) -> Size:
    """The figures of a threshold; exact for every t >= 1."""
    check_t(t)
    entry_count = run.entry_count
    (curves, row), totals = _row(run, t), run.info["totals"]
    return Size(
        t=t,
        kept=int(curves.kept[row]),
        expected=float(curves.expected[row]),
        sigma=float(curves.sigma[row]),
        pairs=totals["pairs"],
        matched=totals["matched"],
        tail_share=t_to_p(entry_count, t) if totals["matches"] else 0.0,
        kept_tail_share=float(curves.kept_tail_share[row]),
        entries=entry_count.size,
        entries_matched=curves.ranked_entry_id.size,
        entries_covered=int(curves.entries_covered[row]),
        entries_at_cap=int((entry_count >= t).sum()),
    )


def threshold_for_size(run: Run, n: int) -> Threshold:
    """The roundest threshold at which exactly n pairs are kept; pairs that share a uid can make it miss.

    raises BadArgument for fewer pairs than t = 1 keeps, or more than match at all
    """
    bins = _rows(
        run,
        f"SELECT {_BIN} AS bin, count(*) FROM pairs WHERE isfinite(t_min) GROUP BY bin ORDER BY bin",
    )
    counts = np.array([count for _, count in bins], np.int64)
    matched, least = int(counts.sum()), _kept(run, 1.0)
    if not max(least, 1) <= n <= matched:
        raise BadArgument(
            f"size {n:,}: this pool gives from {max(least, 1):,} (at t = 1) to {matched:,} pairs (all that match)"
        )
    if n == matched:
        lower, upper = 0.0, float(run.entry_count.max())
    else:
        # only the bins with the n-th and the next pair are sorted
        at, following = np.searchsorted(np.cumsum(counts), [n, n + 1])
        values = _rows(
            run,
            f"SELECT t_min FROM pairs WHERE isfinite(t_min) AND {_BIN} BETWEEN ? AND ? ORDER BY t_min",
            [bins[at][0], bins[following][0]],
        )
        first = n - int(counts[:at].sum())
        lower, upper = values[first - 1][0], values[first][0]
    t = t_for_size(lower, upper)
    return Threshold(t=t, kept=_kept(run, t), tail_share=t_to_p(run.entry_count, t))


def threshold_for_tail_share(run: Run, p: float) -> Threshold:
    """The threshold whose tail share comes nearest to p."""
    t = p_to_t(run.entry_count, p)
    return Threshold(t=t, kept=_kept(run, t), tail_share=t_to_p(run.entry_count, t))


def entry_kept_at(run: Run, t: float) -> np.ndarray:
    """(E,) int64: kept pairs that match each entry, in the order of `curves.ranked_entry_id`."""
    curves, row = _row(run, check_t(t))
    return curves.entry_kept[row].astype(np.int64)


def curves_at(run: Run, thresholds: Sequence[float]) -> Curves:
    """The curves at thresholds between the points of the grid, by going through all pairs of the run once."""
    builder = CurveBuilder(run.entry_count, np.array(thresholds, np.float64))
    one_at_a_time = Lock()

    def add(path: Path) -> None:
        for batch in read_matches(path):
            with one_at_a_time:
                builder.add(batch["matched_entry_ids"], batch["t_min"].to_numpy())

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(add, run.pair_files))
    return builder.finish()


def read_matches(path: Path) -> Iterator[pa.RecordBatch]:
    """matched_entry_ids and t_min of a file of pairs."""
    with files.open_parquet(path) as file:
        try:
            yield from file.iter_batches(columns=["matched_entry_ids", "t_min"])
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(f"{path}: damaged ({str(error).splitlines()[0]})") from None


@lru_cache(maxsize=32)
def _curves_between(path: Path, plan_digest: str, t: float) -> Curves:
    return curves_at(open_run(path), [t])


def _row(run: Run, t: float) -> tuple[Curves, int]:
    """Curves that hold t, and its row in them."""
    row = run.curves.row(t)
    return (run.curves, row) if row is not None else (_curves_between(run.path, run.info["plan_digest"], t), 0)


def funnel(run: Run, size: Size) -> list[Step]:
    """What came in, what went out and what was dropped for which reason, step by step, with balancing as in `size`."""
    *before, balance = run.info["funnel"]
    balance = {**balance, "out": size.kept, "dropped": {"balanced away": balance["in"] - size.kept}}
    return [Step(step["step"], step["in"], step["out"], step["dropped"]) for step in (*before, balance)]


def samples(
    run: Run, t: float, *, which: Which = "both", entry: str | None = None, limit: int = 24, offset: int = 0
) -> pa.Table:
    """Pairs in a random but fixed order, the same for every t, so that moving t only adds and removes.

    A big run is gone through group by group of its files, about a million pairs each, so that a page costs one group;
    the first pages come from the first group then.

    which:  those with t_min < t, the others, or both; entry: only pairs that match it; limit: at most 200
    returns uid, text, url, image, matched_entry_ids, t_min, kept (bool)
    raises  UnknownEntry
    """
    condition = {"kept": "t_min < $t", "dropped": "NOT t_min < $t", "both": "$t >= 1"}[which]
    parameters: dict[str, Any] = {"t": check_t(t)}
    if entry is not None:
        condition += " AND list_contains(matched_entry_ids, $entry_id)"
        parameters["entry_id"] = entry_id(run, entry)
    left, found = min(limit, 200), []
    for source in _sources_in_fixed_order(run):
        if offset:
            passed = int(_rows(run, f"SELECT count(*) FROM {source} WHERE {condition}", parameters)[0][0])
            if passed <= offset:
                offset -= passed
                continue
        page = _table(
            run,
            f"""
            SELECT uid, text, url, image, matched_entry_ids, t_min, t_min < $t AS kept
            FROM {source} WHERE {condition} ORDER BY hash(uid), uid LIMIT $left OFFSET $offset
            """,
            {**parameters, "left": left, "offset": offset},
        )
        found.append(page)
        offset, left = 0, left - len(page)
        if not left:
            break
    return pa.concat_tables(found) if found else _table(run, "SELECT *, false AS kept FROM pairs LIMIT 0")


def count_samples(run: Run, t: float, *, which: Which = "both", entry: str | None = None) -> int:
    """How many pairs `samples` can show without a limit."""
    if entry is None:
        kept, everything = size(run, t).kept, run.info["totals"]["pairs"]
    else:
        wanted = entry_id(run, entry)
        everything = int(run.entry_count[wanted])
        kept = int(entry_kept_at(run, t)[run.curves.ranked_entry_id == wanted].sum())  # no rank, no pair
    return {"kept": kept, "dropped": everything - kept, "both": everything}[which]


def why(run: Run, uid: str, t: float) -> Why:
    """The pair with this uid (the first one, where several share it), its entries and what each says at t.

    raises UnknownPair
    """
    found = _table(
        run, "SELECT uid, text, url, image, matched_entry_ids, t_min FROM pairs WHERE uid = ? LIMIT 1", [uid]
    )
    if not len(found):
        raise UnknownPair(f"uid {uid!r}: no such pair in {run.path}")
    return explain(run, found, t)[0]


def explain(run: Run, pairs: pa.Table, t: float) -> list[Why]:
    """`Why` for each row of a table as `samples` gives it."""
    check_t(t)
    pairs = pairs.combine_chunks()
    found = []
    for row in range(len(pairs)):
        pair = pairs.slice(row, 1).to_pylist()[0]
        ids = np.array(pair["matched_entry_ids"], np.int32)
        count = run.entry_count[ids]
        local_ids = pa.array([range(ids.size)], pa.list_(pa.int32()))
        rows = run.entries.take(pa.array(ids))
        u = uniform(
            pa.array([pair["uid"]]), local_ids, entry_hashes(rows["entry"].combine_chunks(), run.seed), run.seed
        )
        entries = [
            EntryWhy(
                entry_id=int(ids[k]),
                entry=rows["entry"][k].as_py(),
                source=rows["source"][k].as_py(),
                count=int(count[k]),
                prob=float(prob),
                u=float(u[k]),
                product=float(u[k] * count[k]),
                keeps=bool(u[k] * count[k] < t),
            )
            for k, prob in enumerate(entry_prob(count, t))
        ]
        found.append(
            Why(
                **{name: pair[name] for name in ("uid", "text", "url", "image", "t_min")},
                t=t,
                keep_prob=float(keep_prob(local_ids, count, t)[0]),
                kept=pair["t_min"] < t,
                entries=sorted(entries, key=lambda entry: entry.product),
            )
        )
    return found


def entry_id(run: Run, entry: str) -> int:
    """The id of an entry; raises UnknownEntry."""
    at = pc.index(run.entries["entry"], entry).as_py()
    if at < 0:
        raise UnknownEntry(f"{entry!r}: no such entry in the metadata of this run")
    return int(at)


def similar_entries(run: Run, text: str, limit: int = 6) -> list[str]:
    """Entries that match and hold a text, upper and lower case being one: those equal to it first, then by count."""
    entries = run.entries.filter(pc.greater(run.entries["count"], 0)).sort_by(
        [("count", "descending"), ("entry_id", "ascending")]
    )
    folded, wanted = pc.utf8_lower(entries["entry"]), pc.utf8_lower(pa.scalar(text)).as_py()
    equal = entries.filter(pc.equal(folded, wanted))["entry"].to_pylist()
    holding = entries.filter(pc.match_substring(folded, wanted))["entry"].slice(0, limit + len(equal)).to_pylist()
    return [*equal, *(entry for entry in holding if entry not in equal)][:limit]


_BIN = "floor(log2(greatest(t_min, 1e-300)) * 64)::BIGINT"
"""A logarithmic bin of t_min, 64 to a doubling, so that only a small part of the pairs has to be sorted."""


def _kept(run: Run, t: float) -> int:
    return int(_rows(run, "SELECT count(*) FROM pairs WHERE t_min < ?", [t])[0][0])


def _rows(run: Run, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with _readable(run):
        return _relation(run, sql, parameters).fetchall()


def _table(run: Run, sql: str, parameters: Any = None) -> pa.Table:
    with _readable(run):
        return _relation(run, sql, parameters).to_arrow_table()


@contextmanager
def _readable(run: Run) -> Iterator[None]:
    """UnreadableFile for what DuckDB says about pair files that are missing or damaged."""
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
        raise  # the statement is wrong, not the files
    except duckdb.Error as error:
        raise UnreadableFile(f"{run.path / 'pairs'}: {str(error).splitlines()[0]}") from None


def _relation(run: Run, sql: str, parameters: Any = None) -> duckdb.DuckDBPyRelation:
    # a cursor of its own: two threads on one connection get each other's rows
    return _connection(run.path.resolve()).cursor().sql(sql, params=parameters)


def _sources_in_fixed_order(run: Run) -> Iterator[str]:
    """The pairs as SQL tables: all in one, or for a big run groups of its files in a random but fixed order."""
    rows = [sum(run.inputs[at].rows_in_group[first:stop]) for at, first, stop in run.info["plan"]["units"]]
    if sum(rows) <= 2 * GROUP_ROWS:
        yield "pairs"
        return
    group, in_group = [], 0
    for unit in np.random.default_rng(0).permutation(len(rows)):
        group.append(_sql_path(run.pair_files[unit]))
        in_group += rows[unit]
        if in_group >= GROUP_ROWS:
            yield f"read_parquet([{', '.join(group)}])"
            group, in_group = [], 0
    if group:
        yield f"read_parquet([{', '.join(group)}])"


def _sql_path(path: Path) -> str:
    """A path as an SQL string that names it and nothing else."""
    return "'" + glob.escape(str(path.resolve())).replace("'", "''") + "'"


@lru_cache(maxsize=32)
def _connection(path: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory database that sees the pairs of one run as the view `pairs`, and no other file."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    folder = str(path).replace("'", "''")
    # a pattern is checked against the allowed folders as it is written, and then its files are
    connection.execute(f"SET allowed_directories = ['{folder}', {_sql_path(path)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    connection.execute(f"CREATE VIEW pairs AS SELECT * FROM read_parquet({_sql_path(path)} || '/pairs/*.parquet')")
    return connection
