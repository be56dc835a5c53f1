"""The sample behind a dry run: parts of a pool, drawn at random, that go through the real passes of a run."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curation import files, queries
from curation.curves import CurveBuilder, threshold_grid
from curation.engines import Engine, Unit
from curation.metadata import Metadata
from curation.metadata_files import metadata_table
from curation.pool.pairs import BATCH_ROWS, Scanned
from curation.pool.parquet import FORMAT as PARQUET
from curation.runs.arrays import MappedArrays, write_counts, write_entry_arrays
from curation.runs.env import Env, entries_table, environment
from curation.runs.filtering import filter_pool
from curation.runs.folder import Run, write_curves
from curation.runs.passes import Receipt, keep_unit, match_unit
from curation.runs.plan import amounts, digest, units
from curation.runs.progress import Reporter
from curation.runs.reading import Reading
from curation.runs.routing import scale_of
from curation.runs.working import Work

SAMPLE_ROWS = 500_000
SAMPLE_BYTES = 2**26
"""How much is read, of a pool that tells its rows and of one that does not; more where parts are larger."""

LEAST_PARTS = 12
"""Row groups, or files, that are read at least, if there are as many: a range rests on how they differ."""


@dataclass(frozen=True)
class Sample:
    """run: over the parts that were drawn, in a folder of its own; read: (P,) rows, or bytes, of each that are read."""

    run: Run
    read: np.ndarray
    of_pool: float
    of_parts: int
    batches: int
    beginnings: bool


@dataclass
class Met:
    """What the passes over the sample gave; lists are by part.

    counts: entry_id, count; pairs: the entry ids of each pair; bytes: of the files that a run keeps
    """

    env: Env
    receipts: list[Receipt]
    counts: list[pa.Table]
    pairs: list[pa.ListArray]
    bytes: list[int]
    judged: Counter[str]
    seconds: dict[str, float] = field(default_factory=dict)
    grid_points: int = 0


@dataclass(frozen=True, kw_only=True)
class _Beginnings(Reading):
    """Reads of each row group the batches alone that hold its first rows."""

    rows: int

    def texts(self, unit: Unit) -> Iterator[tuple[pa.StringArray, pa.StringArray | None, Counter[str]]]:
        met = 0
        for texts, language, dropped in super().texts(unit):
            yield texts, language, dropped
            met += len(texts) + dropped.total()
            if self._is_enough(met, unit):
                return

    def everything(self, unit: Unit) -> Iterator[Scanned]:
        met = 0
        for batch in super().everything(unit):
            yield batch
            met += len(batch.pairs) + batch.dropped.total()
            if self._is_enough(met, unit):
                return

    def _is_enough(self, met: int, unit: Unit) -> bool:
        return met >= self.rows and self.formats[unit.path] == PARQUET.name


def draw_sample(plan: dict[str, Any], folder: Path, rows: int, seed: int) -> Sample:
    """Row groups at random, and files of formats without them: until there are enough parts, and enough in them."""
    parts = [
        [at, *group]
        for at, file in enumerate(plan["inputs"])
        for group in ([(0, 0)] if file["rows"] is None else [(k, k + 1) for k in range(len(file["rows_in_group"]))])
    ]
    amount, of = amounts(_run(folder, {**plan, "units": parts}))
    rows_in = [plan["inputs"][at]["rows_in_group"][first] if stop else None for at, first, stop in parts]
    batches = max(1, rows // (min(len(parts), LEAST_PARTS) * BATCH_ROWS))
    read = [a if not n else a * min(n, batches * BATCH_ROWS) / n for a, n in zip(amount, rows_in, strict=True)]
    order, enough = np.random.default_rng(seed).permutation(len(parts)), rows if of == "rows" else SAMPLE_BYTES
    reached = np.cumsum(np.array(read)[order])
    chosen = np.sort(order[: max(int(np.searchsorted(reached, enough)) + 1, LEAST_PARTS)])
    run = _run(folder, {**plan, "units": [parts[k] for k in chosen]})
    cut = any(read[k] < amount[k] for k in chosen)
    return Sample(run, np.array(read)[chosen], float(sum(amount)), len(parts), batches, cut)


def _run(folder: Path, plan: dict[str, Any]) -> Run:
    """A run that is in no folder."""
    return Run(folder, {"plan": plan, "plan_digest": digest(plan)})


def pass_through(
    sample: Sample, metadata: Metadata, engine: Engine, on_share: Callable[[float], None], cancel: Callable[[], bool]
) -> Met:
    """Both passes over the sample, as a run goes through them, with the counts of the sample scaled to the pool."""
    run, todo = sample.run, units(sample.run)
    scale_up = sample.of_pool / sample.read.sum()
    started = time.monotonic()
    table = metadata_table(metadata)
    arrays = MappedArrays(run.path / "work" / "arrays")
    write_entry_arrays(arrays.entries, table, run.seed)
    env = environment(run, table, arrays)
    asked = {f.name: getattr(env.reading, f.name) for f in fields(Reading)}
    reading = _Beginnings(rows=sample.batches * BATCH_ROWS, **asked)
    env = replace(env, reading=reading)
    met = Met(env, [], [], [], [], Counter())
    clock = _Clock(met.seconds, started)
    clock.note("start")
    if run.config.active_filters:
        amount = amounts(run)[0]
        report = Reporter(run.path, sum(amount), "", lambda progress: None)
        met.judged = filter_pool(run, reading, Work(engine, todo, amount, report, cancel))
        clock.note("filter", scale_up)
    on_share(0.2)
    _map(match_unit, env, todo, engine, cancel, lambda done: on_share(0.2 + 0.35 * done))
    clock.note("match", scale_up)
    work = [run.path / "work" / f"{unit.index:05d}.parquet" for unit in todo]
    met.counts = [files.read_table(path) for path in work]
    entry_count = np.rint(scaled_counts(count_of(met.counts, len(table)), scale_up)).astype(np.int64)
    entries = entries_table(table, entry_count)
    files.write_parquet(run.path / "entries.parquet", entries)
    arrays = replace(arrays, counts=run.path / "work" / "counts")
    write_counts(run.path / "work" / "counts", entry_count)
    met.env = env = replace(env, arrays=arrays, scale=scale_of(entries, run.config.reference_language))
    curves = CurveBuilder(entry_count, threshold_grid(int(env.scale.top(entry_count))), env.scale)
    met.pairs = [pa.array([], pa.list_(pa.int32()))] * len(todo)

    def read_back(unit: Unit) -> None:
        batches = list(queries.read_matches(run.path / "pairs" / f"{unit.index:05d}.parquet"))
        for batch in batches:
            curves.add(batch["matched_entry_ids"], batch["t_min"].to_numpy())
        if batches:
            met.pairs[unit.index] = pa.concat_arrays([batch["matched_entry_ids"] for batch in batches])

    met.receipts = _map(keep_unit, env, todo, engine, cancel, lambda done: on_share(0.55 + 0.35 * done), read_back)
    clock.note("balance", scale_up)
    found = curves.finish()
    write_curves(run.path, found)
    met.grid_points = found.grid.size
    clock.note("curves")
    met.bytes = [sum(path.stat().st_size for path in (run.path / "pairs").glob(f"{unit.index:05d}.*")) for unit in todo]
    on_share(0.95)
    return met


def _map(
    fn: Callable[[Unit, Env], Receipt],
    env: Env,
    todo: list[Unit],
    engine: Engine,
    cancel: Callable[[], bool],
    on_share: Callable[[float], None],
    then: Callable[[Unit], None] = lambda unit: None,
) -> list[Receipt]:
    receipts: dict[int, Receipt] = {}

    def on_done(unit: Unit, receipt: Receipt) -> None:
        receipts[unit.index] = receipt
        then(unit)
        on_share(len(receipts) / len(todo))

    engine.map_units(fn, todo, env, on_done=on_done, cancel=cancel)
    return [receipts[unit.index] for unit in todo]


class _Clock:
    """Notes the seconds of each phase, as many more as the pool is larger than the sample."""

    def __init__(self, seconds: dict[str, float], started: float) -> None:
        self._seconds, self._last = seconds, started

    def note(self, phase: str, times: float = 1.0) -> None:
        now = time.monotonic()
        self._seconds[phase] = (now - self._last) * times
        self._last = now


def count_of(parts: Sequence[pa.Table], entries: int) -> np.ndarray:
    """(entries,) int64 of some parts together."""
    count = np.zeros(entries, np.int64)
    for part in parts:
        count[part["entry_id"].to_numpy()] += part["count"].to_numpy()
    return count


def scaled_counts(count: np.ndarray, f: float) -> np.ndarray:
    """Counts of the pool, of a sample of 1/f of it."""
    return count * f
