"""What the pieces of a run cost alone: each kind of unit, the process that hands them out, engines, and memory.

docs/scale.md and simulate_cluster.py stand on these figures.
"""

import pickle
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from engine_costs import FEW, MANY, engines_cost, fixed_costs
from made_run import digest, planned
from measure import Measured, peak_memory_mb, prove, script, worker
from meter import COSTS, MemoryOfEach, Meter, Spent
from world import World, world

from curation import files as io
from curation.cli.curate import warm_up
from curation.engines import Unit
from curation.engines.local import LocalEngine
from curation.rare import RARE
from curation.runs import curate, env, filtering, parts, passes
from curation.runs.folder import Run, open_run
from curation.runs.plan import units

UNIT_KINDS = {
    "match_unit": "match",
    "keep_unit": "balance",
    "curve_unit": "curves",
    "filter_unit": "filter",
    "decide_unit": "decide",
    "rare_unit": "rare places",
}
PARTS = {
    "match": (env.Env, "match"),
    "u": (env, "uniform"),
    "t_min": (env, "t_min"),
    "sort and write": (passes, "_write_sorted"),
    "digest": (io, "sha256"),
}
SERIAL = {
    "total_counts": (curate, "total_counts"),
    "total_curves": (curate, "total_curves"),
    "write_curves": (curate, "write_curves"),
    "gather_rare": (curate, "gather_rare"),
    "gather_drawn": (curate, "gather_drawn"),
    "sketch": (curate, "sketch"),
    "compare": (filtering, "_compare"),
}


def unit_costs(
    *,
    pairs: int = 10_000_000,
    files: int = 40,
    entries: int = 500_000,
    pool: Path | None = None,
    few: int = FEW,
    many: int = MANY,
    ray: int = 1,
) -> Measured:
    """Of a run over so many pairs, or over the pool in a folder; few, many: see `engines_cost`; ray 0: without it."""
    its_world = world(entries)
    pool = pool or its_world.pool(pairs, files)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with worker() as process:
            # what tells of memory first, while the process is fresh
            of_workers = process.submit(_run_of_workers, its_world, pool, folder / "workers").result()
            compare = process.submit(_compared, its_world, pool, folder / "filtered").result()
            found = process.submit(_measured_run, its_world, pool, folder).result()
            engines = process.submit(engines_cost, folder, few, many, bool(ray)).result()
        what = "digests of entries and of (uid, t_min): alone, and by two workers"
        proven = [prove(what, found["digest"], of_workers["digest"])]
        fixed = fixed_costs(pool, folder)
    return Measured(
        parameters={"pairs": found["pairs"], "units": found["units"], "world": its_world.name, **found["parameters"]},
        proven=proven,
        figures={
            **found["figures"],
            "compare": compare,
            "fixed": {**found["fixed"], **fixed},
            "engines": engines,
            "memory_mb": of_workers["memory_mb"],
        },
        peak_memory_mb=of_workers["peak_memory_mb"],
    )


def _measured_run(its_world: World, pool: Path, folder: Path) -> dict[str, Any]:
    """All of a run in this process."""
    warm_up()
    extra: dict[str, Any] = {}

    def on_units(fn: Callable[..., Any], todo: list[Unit], its_env: Any) -> None:
        with meter.span("not of the run"):
            if fn is parts.sum_unit:
                extra["summed"] = extra.get("summed", 0) + sum(len(unit.row_groups) for unit in todo)
            if fn is passes.match_unit:
                extra.update(_reading(meter, todo, its_env))
            if fn is parts.curve_unit:
                extra.update(_sizes(meter, todo, its_env, folder / "extra"))

    meter = Meter(on_units)
    started = time.process_time()
    run = planned(its_world, pool, folder / "alone")
    plan = time.process_time() - started
    with meter.spans(PARTS | SERIAL), meter.span("run"):
        curate.run(run.path, meter)
    run, spent = open_run(run.path), meter.spent
    pairs, count = run.info["totals"]["pairs"], run.entry_count
    rare = np.where(count <= pairs // RARE, count, 0).sum()
    return {
        "pairs": pairs,
        "units": len(units(run)),
        "parameters": {"entries_matched": int((count > 0).sum()), "thresholds": run.curves.grid.size},
        "digest": digest(run),
        "figures": {
            "units": {kind: _of_units(spent[fn], pairs) for fn, kind in UNIT_KINDS.items() if fn in spent},
            "parts_cpu_s_per_million": {name: spent[name].own[1] / pairs * 1e6 for name in PARTS if name in spent}
            | {f"read ({which})": extra[which] for which in ("texts", "pairs")},
            "sums": {
                "counts": _each(spent["sum_unit"], extra.get("summed", 0)),
                "curves": _each(spent["sum_curves_unit"], extra["parts"]),
            },
            "curve_part": _of_a_part(spent, extra["parts"], pairs),
            "serial": {name: _own(spent[name]) for name in SERIAL if name in spent} | {"rest": _own(spent["run"])},
            "sizes": {
                "matches_per_pair": run.info["totals"]["matches"] / pairs,
                "most_frequent_share": float(count.max() / pairs),
                "rare_places_per_pair": float(rare / pairs),
                **_bytes(run, extra, pairs),
            },
            "spread": {kind: _spread(spent[fn]) for fn, kind in UNIT_KINDS.items() if fn in spent},
        },
        "fixed": {"plan_cpu_s": plan, "matcher_cpu_s": spent["arrays_unit"].total[1]},
    }


def _of_units(spent: Spent, pairs: int) -> dict[str, float]:
    """A million pairs in units: seconds; and a pair: bytes, without those that only a digest reads again."""
    return {
        "wall_s_per_million": spent.total[0] / pairs * 1e6,
        "cpu_s_per_million": spent.total[1] / pairs * 1e6,
        "read_bytes_per_pair": spent.own[2] / pairs,
        "written_bytes_per_pair": spent.total[3] / pairs,
    }


def _each(spent: Spent, parts: int) -> dict[str, float]:
    """For each of the parts that were summed."""
    return dict(zip(COSTS, spent.total / max(parts, 1), strict=True))


def _of_a_part(spent: dict[str, Spent], parts: int, pairs: int) -> dict[str, float]:
    """CPU seconds of a part of the curves: of any, and of a million pairs. One part of all pairs tells them apart."""
    many, one = spent["curve_unit"].total[1], spent["whole"].total[1]
    each = max(many - one, 0.0) / (parts - 1) if parts > 1 else 0.0
    return {"cpu_s": each, "cpu_s_per_million": max(one - each, 0.0) / pairs * 1e6}


def _own(spent: Spent) -> dict[str, float]:
    return dict(zip(COSTS, np.maximum(spent.own, 0.0), strict=True))


def _spread(spent: Spent) -> float:
    """Standard deviation of the logarithm of the CPU seconds of a unit; the first one also loads what is compiled."""
    seconds = np.array([cost[1] for cost in spent.each[1:] or spent.each])
    return float(np.log(np.maximum(seconds, 1e-6)).std())


def _reading(meter: Meter, todo: list[Unit], its_env: env.Env) -> dict[str, float]:
    """CPU seconds a million pairs, only to read what either pass reads."""
    few, found = todo[:4], {}
    for which, read in (("texts", its_env.reading.texts), ("pairs", lambda unit: its_env.reading.pairs(unit, None))):
        rows, started = 0, time.process_time()
        for unit in few:
            for batch in read(unit):
                rows += len(batch[0] if isinstance(batch, tuple) else batch.pairs)
        found[which] = (time.process_time() - started) / rows * 1e6
    return found


def _sizes(meter: Meter, todo: list[Unit], its_env: parts.CurveEnv, folder: Path) -> dict[str, Any]:
    """Parts of curves: bytes of one of these groups, and of one of all units; and what it costs to sum parts."""
    numbers = [number for unit in todo for number in unit.row_groups]
    alone = replace(its_env, env=replace(its_env.env, folder=folder, drawn_share=0.0))
    with meter.span("whole"):
        parts.curve_unit(Unit(0, todo[0].path, tuple(numbers)), alone)
    with meter.span("sum_curves_unit"):
        everything = Unit(0, str(its_env.folder), tuple(unit.index for unit in todo))
        parts.sum_curves_unit(everything, (folder / "summed", its_env))
    its_parts = [its_env.folder / f"{unit.index:05d}.npz" for unit in todo]
    return {
        "parts": len(todo),
        "part": sum(path.stat().st_size for path in its_parts) / len(todo),
        "whole": (alone.folder / "00000.npz").stat().st_size,
        "counts": sum((its_env.env.work / f"{number:05d}.parquet").stat().st_size for number in numbers) / len(numbers),
        "arrays": sum(path.stat().st_size for path in (its_env.env.work / "arrays").rglob("*.npy")),
        "env": len(pickle.dumps(its_env)),
        "names": len(pickle.dumps((its_env.env.input_index, its_env.env.reading.formats))),
    }


def _bytes(run: Run, extra: dict[str, Any], pairs: int) -> dict[str, float]:
    def size(folder: str) -> int:
        return sum(path.stat().st_size for path in (run.path / folder).rglob("*") if path.is_file())

    return {
        "pool_bytes_per_pair": sum(file.bytes for file in run.inputs) / pairs,
        "pairs_bytes_per_pair": size("pairs") / pairs,
        "rare_bytes_per_pair": size("rare") / pairs,
        "curves_mb": size("curves") / 1e6,
        "arrays_mb": extra["arrays"] / 1e6,
        "counts_bytes_per_unit": extra["counts"],
        "env_bytes_per_file": extra["names"] / len(run.inputs),
        "env_mb": (extra["env"] - extra["names"]) / 1e6,
        "part_pairs": pairs / extra["parts"],
        "part_bytes": extra["part"],
        "whole_part_pairs": pairs,
        "whole_part_bytes": extra["whole"],
    }


def _run_of_workers(its_world: World, pool: Path, folder: Path) -> dict[str, Any]:
    """Memory of a worker and of the driver, phase by phase."""
    run = planned(its_world, pool, folder)
    with MemoryOfEach() as memory:
        curate.run(run.path, LocalEngine(2), on_progress=lambda progress: setattr(memory, "phase", progress.phase))
    return {
        "memory_mb": {phase: who for phase, who in memory.most.items() if "worker" in who},
        "peak_memory_mb": peak_memory_mb(),
        "digest": digest(open_run(folder)),
    }


def _compared(its_world: World, pool: Path, folder: Path) -> dict[str, float]:
    """Duplicates are found by one DuckDB on the driver's machine: seconds a million pairs, and bytes a pair."""
    meter = Meter()
    run = planned(its_world, pool, folder, distinct_pairs=True)
    started = MemoryOfEach()
    with started, meter.spans({"compare": SERIAL["compare"]}):
        _until_matched(run, meter)
    pairs = run.rows or 1
    compare, keys = meter.spent["compare"], meter.spent["filter_unit"]
    return {
        "wall_s_per_million": compare.total[0] / pairs * 1e6,
        "cpu_s_per_million": compare.total[1] / pairs * 1e6,
        "keys_bytes_per_pair": keys.total[3] / pairs,
        "filter_cpu_s_per_million": keys.total[1] / pairs * 1e6,
        "decide_cpu_s_per_million": meter.spent["decide_unit"].total[1] / pairs * 1e6,
        "memory_mb": max(who["driver"]["private"] for who in started.most.values()),
    }


class _Enough(Exception):
    pass


def _until_matched(run: Run, meter: Meter) -> None:
    """Of a run with filters all up to the first pass."""

    def stop(progress: Any) -> None:
        if progress.phase == "match":
            raise _Enough

    try:
        curate.run(run.path, meter, on_progress=stop)
    except _Enough:
        return


if __name__ == "__main__":
    script(unit_costs)
