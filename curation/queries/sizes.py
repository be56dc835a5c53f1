"""What a threshold makes of a pool, and the threshold for a size.

What the curves hold for a t on their grid is read from them; for a t in between, the pairs between it and the grid
point below are asked too.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa

from curation import files
from curation.balancing import check_t, p_to_t, t_for_size
from curation.curves import CurveBuilder, Curves
from curation.errors import BadArgument, UnreadableFile
from curation.languages import UNDETERMINED
from curation.queries import database
from curation.runs.folder import Run, open_run

EXACT_PAIRS = 2_000_000
"""Between the grid points, the mean and sigma of the size are summed over all pairs of a run up to this many."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What balancing at t makes of a pool.

    kept:            pairs with t_min < t
    expected, sigma: mean and standard deviation of that number over seeds
    exact:           whether these two are; else they are interpolated between the thresholds of the curves
    pairs, matched:  of the pool
    tail_share:      share of all matches of the pool on entries with count < t; with languages, the t of their language
    kept_tail_share: the same share among the matches of the kept pairs
    entries_matched: entries that any pair matches; entries_covered: that a kept pair matches; entries: of the metadata
    entries_at_cap:  entries with count >= t, the head: each keeps t of its texts on average
    """

    t: float
    kept: int
    expected: float
    sigma: float
    exact: bool
    pairs: int
    matched: int
    tail_share: float
    kept_tail_share: float
    entries: int
    entries_matched: int
    entries_covered: int
    entries_at_cap: int


@dataclass(frozen=True, kw_only=True)
class LanguageSize:
    """What balancing at t makes of the pairs of one language.

    language: code; "und" for the pairs of which nobody knows it
    t:        the language's own threshold; None where it has no metadata
    """

    language: str
    pairs: int
    matched: int
    t: float | None
    kept: int


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A threshold that was looked for, and what it achieves."""

    t: float
    kept: int
    tail_share: float


@dataclass(frozen=True)
class Step:
    """One row of the funnel: rows in, rows out, and the difference by reason.

    notes: rows that passed because nobody could tell, by what was not known
    """

    step: str
    rows_in: int
    rows_out: int
    dropped: dict[str, int]
    notes: dict[str, int] = field(default_factory=dict)


def size(run: Run, t: float) -> Size:
    """The figures of a threshold >= 1; all of them exact, but for what `Size.exact` says."""
    curves, row, entry_count, totals = run.curves, run.curves.row(check_t(t)), run.entry_count, run.info["totals"]
    if row is not None:
        kept, covered = int(curves.kept[row]), int(curves.entries_covered[row])
        tail_share, kept_tail_share = float(curves.tail_share[row]), float(curves.kept_tail_share[row])
    else:
        kept, entry_kept = _kept_at(run, t)
        covered, tail_share = int(np.count_nonzero(entry_kept)), run.scale.tail_share(entry_count, t)
        kept_in_tail = entry_kept[run.entry_level[curves.ranked_entry_id] < t].sum(dtype=np.int64)
        kept_tail_share = float(kept_in_tail / max(entry_kept.sum(dtype=np.int64), 1))
    expected, sigma, exact = _moments(run, t)
    return Size(
        t=t,
        kept=kept,
        expected=expected,
        sigma=sigma,
        exact=exact,
        pairs=totals["pairs"],
        matched=totals["matched"],
        tail_share=tail_share,
        kept_tail_share=kept_tail_share,
        entries=entry_count.size,
        entries_matched=curves.ranked_entry_id.size,
        entries_covered=covered,
        entries_at_cap=int((run.entry_level >= t).sum()),
    )


def by_language(run: Run, t: float) -> list[LanguageSize]:
    """The pairs of each language, most first; empty where metadata knows no languages. Goes through all pairs once."""
    check_t(t)
    if run.scale.codes == ("",):
        return []
    rows = database.rows(
        run,
        """
        SELECT coalesce(language, $unknown) AS code, count(*), count(*) FILTER (isfinite(t_min)),
               count(*) FILTER (t_min < $t)
        FROM pairs GROUP BY code ORDER BY count(*) DESC, code
        """,
        {"t": t, "unknown": UNDETERMINED},
    )
    listed = {code: run.scale.language_t(number, t) for number, code in enumerate(run.scale.codes)}
    rows += [(code, 0, 0, 0) for code in run.scale.codes if code not in {row[0] for row in rows}]
    return [
        LanguageSize(language=code, pairs=pairs, matched=matched, t=listed.get(code), kept=kept)
        for code, pairs, matched, kept in rows
    ]


def totals_of(languages: Sequence[LanguageSize]) -> dict[str, dict[str, Any]]:
    """What run.json says of each language."""
    return {
        one.language: {"pairs": one.pairs, "matched": one.matched, "t": one.t, "kept": one.kept} for one in languages
    }


def language_step(languages: Sequence[LanguageSize]) -> dict[str, Any]:
    """The step of the funnel that leaves out the pairs whose language has no metadata."""
    dropped = {
        "language not identified"
        if one.language == UNDETERMINED
        else f"language has no metadata: {one.language}": one.pairs
        for one in languages
        if one.t is None
    }
    pairs = sum(one.pairs for one in languages)
    return {"step": "language", "in": pairs, "out": pairs - sum(dropped.values()), "dropped": dropped}


def threshold_for_size(run: Run, n: int) -> Threshold:
    """The roundest threshold at which exactly n pairs are kept; pairs that share a uid can make it miss.

    raises BadArgument for fewer pairs than t = 1 keeps, or more than match at all
    """
    grid, kept = run.curves.grid, run.curves.kept
    least, matched = int(kept[0]), int(kept[-1])
    if not max(least, 1) <= n <= matched:
        raise BadArgument(
            f"size {n:,}: this pool gives from {max(least, 1):,} (at t = 1) to {matched:,} pairs (all that match)"
        )
    # the n-th smallest t_min stands before the first point of the grid that keeps n, the next one before that for n + 1
    first, last = (int(np.searchsorted(kept, wanted)) for wanted in (n, min(n + 1, matched)))
    below = kept[first - 1] if first else 0
    values = np.array(
        database.rows(
            run,
            "SELECT t_min FROM pairs WHERE t_min >= ? AND t_min < ? ORDER BY t_min",
            [grid[first - 1] if first else 0.0, grid[last]],
        )
    ).ravel()
    at = n - int(below)
    t = t_for_size(values[at - 1], values[at] if n < matched else run.scale.top(run.entry_count))
    found = int(below + np.searchsorted(values, t))
    return Threshold(t=t, kept=found, tail_share=run.scale.tail_share(run.entry_count, t))


def threshold_for_tail_share(run: Run, p: float) -> Threshold:
    """The threshold whose tail share comes nearest to p; with languages, that of the reference language."""
    t = p_to_t(run.scale.of_reference(run.entry_count), p)
    return Threshold(t=t, kept=_kept_at(run, t)[0], tail_share=run.scale.tail_share(run.entry_count, t))


def half_size_t(run: Run, t: float) -> float:
    """A threshold to compare t with: of the points of the grid, the one that keeps nearest to half as many pairs.

    Never t itself, unless the grid has no other point.
    """
    kept, grid = run.curves.kept, run.curves.grid
    others = np.flatnonzero(grid != check_t(t))
    if not others.size:
        return t
    half = _kept_at(run, t)[0] / 2
    return float(grid[others[np.argmin(np.abs(kept[others] - half))]])


def entry_kept_at(run: Run, t: float) -> np.ndarray:
    """(E,) int64: kept pairs that match each entry, in the order of `curves.ranked_entry_id`."""
    return _kept_at(run, check_t(t))[1].astype(np.int64)


def curves_at(run: Run, thresholds: Sequence[float]) -> Curves:
    """The curves at thresholds between the points of the grid, by going through all pairs of the run once."""
    builder = CurveBuilder(run.entry_count, np.array(thresholds, np.float64), run.scale)
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


def _kept_at(run: Run, t: float) -> tuple[int, np.ndarray]:
    """Kept pairs, and (E,) how many of them match each entry."""
    row = run.curves.row(t)
    if row is None:
        return _kept_between(run.path, run.info["plan_digest"], t)
    return int(run.curves.kept[row]), run.curves.entry_kept[row]


@lru_cache(maxsize=32)
def _kept_between(path: Path, plan_digest: str, t: float) -> tuple[int, np.ndarray]:
    """As the grid point below says, and the pairs from there to t."""
    run = open_run(path)
    curves = run.curves
    below = int(np.searchsorted(curves.grid, t)) - 1
    added = database.table(
        run,
        """
        SELECT entry_id, count(*) AS count
        FROM (SELECT unnest(list_append(matched_entry_ids, -1)) AS entry_id FROM pairs WHERE t_min >= ? AND t_min < ?)
        GROUP BY entry_id
        """,
        [curves.grid[below], t],
    )
    count = np.zeros(run.entry_count.size + 1, np.int64)  # the last one, number -1, is that of the pairs themselves
    count[added["entry_id"].to_numpy()] = added["count"].to_numpy()
    return int(curves.kept[below] + count[-1]), curves.entry_kept[below] + count[curves.ranked_entry_id]


def _moments(run: Run, t: float) -> tuple[float, float, bool]:
    """Mean and sigma of the size over seeds, and whether they are exact."""
    curves, row = run.curves, run.curves.row(t)
    if row is None and run.info["totals"]["pairs"] <= EXACT_PAIRS:
        curves, row = _curves_between(run.path, run.info["plan_digest"], t), 0
    if row is not None:
        return float(curves.expected[row]), float(curves.sigma[row]), True
    if t > curves.grid[-1]:
        return float(curves.expected[-1]), float(curves.sigma[-1]), True  # all that matches is certain
    expected, variance = (_between(curves.grid, values, t) for values in (curves.expected, curves.sigma**2))
    return expected, float(np.sqrt(max(variance, 0.0))), False


def _between(grid: np.ndarray, values: np.ndarray, t: float) -> float:
    """The value at t of the cubic on the logarithm of t through the two grid points on each side of it."""
    first = int(np.clip(np.searchsorted(grid, t) - 2, 0, grid.size - 4))
    x, y = np.log(grid[first : first + 4] / t), values[first : first + 4]
    others = [np.delete(x, k) for k in range(4)]
    return float(sum(y[k] * np.prod(others[k] / (others[k] - x[k])) for k in range(4)))


@lru_cache(maxsize=32)
def _curves_between(path: Path, plan_digest: str, t: float) -> Curves:
    return curves_at(open_run(path), [t])


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a higher threshold adds to a lower one of the same run.

    low, high:                       the figures of both
    entry_kept_low, entry_kept_high: (E,) int64 kept pairs that match each entry, in the order of
                                     `curves.ranked_entry_id`
    entries_gained:                  ids of the entries that only the higher one covers, by descending count
    """

    low: Size
    high: Size
    entry_kept_low: np.ndarray
    entry_kept_high: np.ndarray
    entries_gained: np.ndarray


def compare_thresholds(run: Run, a: float, b: float) -> Comparison:
    """Two thresholds of a run, in either order; `samples` with `since` shows the pairs between them."""
    low, high = sorted((a, b))
    kept_low, kept_high = entry_kept_at(run, low), entry_kept_at(run, high)
    return Comparison(
        low=size(run, low),
        high=size(run, high),
        entry_kept_low=kept_low,
        entry_kept_high=kept_high,
        entries_gained=run.curves.ranked_entry_id[(kept_low == 0) & (kept_high > 0)],
    )


def funnel(run: Run, size: Size) -> list[Step]:
    """What came in, what went out and what was dropped for which reason, step by step, with balancing as in `size`."""
    *before, balance = run.info["funnel"]
    balance = {**balance, "out": size.kept, "dropped": {"balanced away": balance["in"] - size.kept}}
    return [
        Step(step["step"], step["in"], step["out"], step["dropped"], step.get("notes", {}))
        for step in (*before, balance)
    ]


def funnel_table(steps: Sequence[Step]) -> pa.Table:
    """The funnel as a table, a row for each reason of a step.

    returns step string, rows_in int64, rows_out int64, reason string, dropped int64; one row, without a reason, for a
            step that dropped nothing
    """
    kinds = {"step": pa.string(), "rows_in": pa.int64(), "rows_out": pa.int64()}
    schema = pa.schema([*kinds.items(), ("reason", pa.string()), ("dropped", pa.int64())])
    rows = []
    for step in steps:
        told = {"step": step.step, "rows_in": step.rows_in, "rows_out": step.rows_out}
        dropped = [{**told, "reason": reason, "dropped": rows} for reason, rows in step.dropped.items() if rows]
        rows += dropped or [{**told, "reason": None, "dropped": 0}]
    return pa.Table.from_pylist(rows, schema)
