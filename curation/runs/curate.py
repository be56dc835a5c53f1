"""Curation as a job over a run folder: count, then t_min, then curves. Whatever is already done stays done.

Two passes over the pool, because t_min needs the counts of the whole pool. Both read and match, so that nothing but
small arrays of counts stands between them. An engine runs the units of each; this process only hands them out, adds up
what they give, and keeps the folder.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from curation import files, queries
from curation.balancing import p_to_t
from curation.curves import Curves, threshold_grid
from curation.drawn import drawn_share
from curation.engines import Engine, Unit
from curation.errors import BadRun
from curation.live import ranks, sketch
from curation.runs.arrays import MappedArrays, write_counts, write_entry_arrays
from curation.runs.config import DEFAULT_TAIL_SHARE, CurateConfig
from curation.runs.digests import file_digests
from curation.runs.env import entries_table, environment
from curation.runs.filtered import filter_steps
from curation.runs.filtering import filter_pool
from curation.runs.folder import Run, State, lock, open_run, write_curves, write_info, write_sketch
from curation.runs.job import told_in
from curation.runs.log import Log, write_line
from curation.runs.parts import (
    CurveEnv,
    curve_groups,
    curve_unit,
    gather_drawn,
    gather_rare,
    total_counts,
    total_curves,
)
from curation.runs.passes import Receipt, keep_unit, match_unit
from curation.runs.plan import amounts, check_plan, units
from curation.runs.progress import Progress, Reporter
from curation.runs.space import check_room, failures_told
from curation.runs.working import Work


def run(
    path: Path,
    engine: Engine,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Run:
    """Do what is left of a run, to its end.

    engine: where its units run; any will do, also another than the one that began. It is entered and left here
    raises  BadRun (another process works on it, or its inputs changed), Cancelled, CurationError; the folder says which
    """
    with lock(path):
        found = open_run(path)
        if found.state != "done":
            check_plan(found)
            with told_in(path, partial(_set_state, found)), failures_told(found), engine, Log(path, engine) as log:
                engine.check(path, _some([file.path for file in found.inputs]))
                _work(found, engine, log, on_progress, lambda: cancel() or (path / "cancel").exists())
        # not before the run says that it is done: without it, a job that is killed here could not be gone on with
        shutil.rmtree(path / "work", ignore_errors=True)
    return open_run(path)


def _work(
    run: Run, engine: Engine, log: Log, on_progress: Callable[[Progress], None], cancel: Callable[[], bool]
) -> None:
    todo = units(run)
    amount, of = amounts(run)
    check_room(run)
    report = Reporter(run.path, sum(amount), of, on_progress, log)
    work = Work(engine, todo, amount, report, cancel)
    metadata = files.read_table(run.path / "work" / "metadata.parquet")
    arrays = MappedArrays(run.path / "work" / "arrays")
    env = environment(run, metadata, arrays)
    judged = filter_pool(run, env.reading, work) if run.config.active_filters else Counter[str]()

    report.phase("match")
    build = Unit(0, str(run.path / "work" / "metadata.parquet"), ())
    on_done: Callable[[Unit, None], None] = lambda unit, receipt: None  # noqa: E731
    engine.map_units(arrays_unit, [build], (arrays.entries, run.seed), on_done=on_done, cancel=work.cancelled)
    first_pass = work.do(match_unit, env, env.work, "match")

    entry_count = total_counts(engine, env, len(todo), work.cancelled)
    files.write_parquet(run.path / "entries.parquet", entries_table(metadata, entry_count))
    write_counts(env.work / "counts" / "arrays", entry_count)
    pairs = sum(receipt.rows for receipt in first_pass)
    arrays = replace(arrays, counts=env.work / "counts" / "arrays")
    env = replace(env, arrays=arrays, scale=run.scale, drawn_share=drawn_share(pairs))
    t = _known_t(run.config, env.scale.of_reference(env.arrays.entry_count))
    grid = threshold_grid(int(env.scale.top(env.arrays.entry_count)), more=t)
    check_room(run, curves=4 * grid.size * int(np.count_nonzero(entry_count)))  # `Curves.entry_kept`
    receipts = work.do(keep_unit, env, run.path / "pairs", "balance")
    _check_passes(run, first_pass, receipts)
    curves = _curves(run, work, CurveEnv(env, grid, pairs))
    if not t:
        assert run.config.size is not None
        t = [queries.threshold_for_size(open_run(run.path), run.config.size).t]
        if curves.row(t[0]) is None:
            curves = curves.with_rows(queries.curves_at(run, t))
            write_curves(run.path, curves)
    write_sketch(run.path, sketch(curves, ranks(curves, env.scale)))
    report.end_phase()
    row = curves.row(t[0])
    assert row is not None
    _write_results(run, receipts, t[0], int(curves.kept[row]), report.seconds, judged)


def _some(paths: list[str]) -> list[str]:
    """Paths to look at on every node before the work begins: not every one of ten thousand, and one address."""
    local = [path for path in paths if not files.is_uri(path)]
    return [*[path for path in paths if files.is_uri(path)][:1], *local[:: max(1, len(local) // 100)]]


def arrays_unit(unit: Unit, env: tuple[Path, int]) -> None:
    """Build the matcher of the metadata behind the unit, once for all workers. env: the folder to write, the seed"""
    folder, seed = env
    write_entry_arrays(folder, files.read_table(unit.path), seed)


def _curves(run: Run, work: Work, env: CurveEnv) -> Curves:
    """All that is put together out of the pairs of the run."""
    parts = curve_groups(len(work.todo), run.path / "pairs")
    amount = [sum(work.amount[number] for number in part.row_groups) for part in parts]
    replace(work, todo=parts, amount=amount).do(curve_unit, env, env.folder, "curves")
    curves = total_curves(work.engine, env, len(parts), work.cancelled)
    write_curves(run.path, curves)
    gather_rare(work.engine, env, len(parts), run.path / "rare", work.cancelled)
    gather_drawn(env, len(parts), run.path / "drawn.parquet")
    return curves


def _known_t(config: CurateConfig, entry_count: np.ndarray) -> list[float]:
    """The threshold that the configuration asks for; none where it asks for a size, which only the pairs can tell."""
    if config.t is not None:
        return [config.t]
    if config.size is not None:
        return []
    return [p_to_t(entry_count, DEFAULT_TAIL_SHARE if config.tail_share is None else config.tail_share)]


def _check_passes(run: Run, first: list[Receipt], second: list[Receipt]) -> None:
    """BadRun unless both passes met the same pairs, and as many rows as the pool is known to have."""
    for unit, one, other in zip(units(run), first, second, strict=True):
        if _met(one) != _met(other):
            raise BadRun(f"{unit.path}: it changed while it was read; start a new run")
    met = sum(receipt.rows_in for receipt in second)
    if (rows := run.rows) is not None and met < rows:  # a row with a list of texts is as many
        raise BadRun(f"{run.path}: {met} rows were met of the {rows} that the pool has; start a new run")


def _met(receipt: Receipt) -> tuple[object, ...]:
    return receipt.rows_in, receipt.rows, receipt.matched, receipt.matches, receipt.dropped


def _write_results(
    run: Run, receipts: list[Receipt], t: float, kept: int, seconds: dict[str, float], judged: Counter[str]
) -> None:
    dropped, notes = Counter[str](), Counter[str]()
    for receipt in receipts:
        dropped.update(receipt.dropped)
        notes.update(receipt.notes)
    rows_in = sum(receipt.rows_in for receipt in receipts)
    rows, matched = sum(receipt.rows for receipt in receipts), sum(receipt.matched for receipt in receipts)
    run.info["totals"] = {
        "rows": rows_in,
        "pairs": rows,
        "matched": matched,
        "matches": sum(receipt.matches for receipt in receipts),
        "t": t,
        "kept": kept,
    }
    routed, language_steps = rows, []
    if languages := queries.by_language(run, t):
        run.info["totals"]["by_language"] = queries.totals_of(languages)
        language_steps = [queries.language_step(languages)]
        routed = language_steps[0]["out"]
    filters, unreadable, read = filter_steps(run.config.active_filters, dropped, rows, judged)
    run.info["funnel"] = [
        {"step": "read", "in": rows_in, "out": read, "dropped": dict(unreadable)},
        *filters,
        *language_steps,
        {"step": "match", "in": routed, "out": matched, "dropped": {"no entry matches": routed - matched}},
        {"step": "balance", "in": matched, "out": kept, "dropped": {"balanced away": matched - kept}},
    ]
    run.info["unit_pairs"] = [receipt.rows for receipt in receipts]
    run.info["notes"] = dict(notes)
    run.info["damage"] = [
        f"{unit.path}: {line}" for unit, receipt in zip(units(run), receipts, strict=True) for line in receipt.damage
    ]
    run.info["timings"] = seconds
    run.info["digests"] = file_digests(run.path, len(receipts))


def _set_state(run: Run, state: State, error: str | None) -> None:
    run.info.update(state=state, error=error)
    with failures_told(run):
        write_info(run.path, run.info)
    write_line(run.path, f"{state}: {error}" if error else state)
