"""Runs of many sizes on clusters of many sizes, simulated from measured costs, beside runs that were really made."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster_simulation import Cluster, Driver, simulate
from cost_model import Cost, Figures, Job, Phase, cpu_s, figures_of
from engine_costs import Cpu, has_ray
from made_run import digest, planned
from measure import RECORD, Measured, peak_memory_mb, prove, script
from run_needs import needs
from world import World, world

from curation.cli.curate import warm_up
from curation.curves import GRID_POINTS, PAPER_THRESHOLDS
from curation.engines import Engine
from curation.engines.local import LocalEngine
from curation.runs import curate
from curation.runs.folder import open_run

SIZES = {"1 B": 10**9, "12.8 B": 12_800_000_000, "100 B": 10**11}
NODES = (1, 10, 100, 1000)
CORES = 16
ENTRIES = 500_000
THRESHOLDS = GRID_POINTS + len(PAPER_THRESHOLDS)
FAILS_PER_DAY = 0.01
"""A node fails once in a hundred days."""

CHANGED_NODES, CHANGED_SIZES = 100, ("1 B", "12.8 B")
CHANGES: dict[str, dict[str, Any]] = {
    "nothing is changed": {},
    "a rare entry keeps 1,000 places at most": {"most_places": 1000},
    "and parts of curves are added up 4 at a time": {"most_places": 1000, "fan_in": 4},
}
"""What would be gained, on so many nodes, if the program were changed."""

SHARED_MB_S = {1: 1250.0, 10: 5000.0, 100: 10_000.0, 1000: 20_000.0}
"""What the file system of a cluster of so many nodes gives, in MB a second: an assumption."""


def simulate_cluster(
    *,
    pairs: int = 2_500_000,
    files: int = 10,
    entries: int = 500_000,
    pool: Path | None = None,
    costs: Path = RECORD,
    ray: int = 1,
) -> Measured:
    """Runs over a pool on this machine, predicted and made; then those that cannot be made here.

    costs: file whose last line of unit_costs is taken; ray: 0 to do without
    """
    figures = newest_costs(costs)
    its_world = world(entries)
    pool = pool or its_world.pool(pairs, files)
    warm_up()
    with tempfile.TemporaryDirectory() as name, _engines(bool(ray)) as engines:
        made = {engine: _made(*how, its_world, pool, Path(name) / engine) for engine, how in engines.items()}
        found = open_run(Path(name) / "local x1")
        rows, n_units, n_files = found.rows or 1, len(found.info["plan"]["units"]), len(found.inputs)
    proven = [
        _equal_to_the_sum(),
        prove(
            "digests of entries and of (uid, t_min) of the runs that were made",
            *(one["digest"] for one in made.values()),
        ),
    ]
    driver = driver_of(figures, "ray")
    job = Job(figures, rows, figures["entries_matched"], unit_rows=-(-rows // n_units), files=n_files)
    return Measured(
        parameters={"pairs": rows, "world": its_world.name, "costs_of": figures["commit"], "cores_a_node": CORES},
        proven=proven,
        figures={
            "checked": {engine: _beside(job, engine, figures, one) for engine, one in made.items()},
            "simulated": {
                size: {str(nodes): simulated(figures, n, nodes) for nodes in NODES} for size, n in SIZES.items()
            },
            "changed": {
                what: {
                    size: simulated(figures, SIZES[size], CHANGED_NODES, **change)["hours"] for size in CHANGED_SIZES
                }
                for what, change in CHANGES.items()
            },
            "needs": {size: needs(Job(figures, n, ENTRIES, THRESHOLDS), driver) for size, n in SIZES.items()},
        },
        peak_memory_mb=peak_memory_mb(),
    )


def newest_costs(record: Path) -> Figures:
    """Of the last line of unit_costs in a file of lines."""
    lines = [json.loads(text) for text in record.read_text(encoding="utf-8").splitlines()]
    found = [line for line in lines if line["benchmark"] == "unit_costs"]
    if not found:
        raise SystemExit(f"{record.name}: no costs are recorded; python tests/benchmarks/unit_costs.py --record")
    return {**figures_of(found[-1]), "commit": found[-1]["commit"]}


def driver_of(figures: Figures, engine: str) -> Driver:
    """The driver as it was measured. Ray's are those of its cluster on this machine, where there was one."""
    of_engine = figures["engines"].get(engine) or figures["engines"]["local"]
    handed = of_engine.get("handed_over_at_once", 2)
    more_us = of_engine.get("driver_us_handed_over_at_once", 0.0) - of_engine["driver_us_on_average"]
    return Driver(
        unit_s=of_engine["driver_us"] / 1e6,
        per_done_s=of_engine["driver_us_when_done"] / 1e9,
        per_handed_s=max(more_us, 0.0) / 1e6 / (handed / 2),  # half of them wait on average
        worker_s=of_engine["wall_us"] * 2 / 1e6,  # by two workers
        ahead=1.25 if engine == "ray" else 1.0,
    )


def simulated(figures: Figures, pairs: int, nodes: int, **changes: int) -> dict[str, Any]:
    """A run over so many pairs on so many nodes: hours, and which part of them is bound by what.

    changes: of the `Job`
    """
    job = Job(figures, pairs, ENTRIES, THRESHOLDS, **changes)
    driver = driver_of(figures, "ray")
    cluster = cluster_of(figures, job, nodes)
    found = simulate(job.phases(), cluster, driver)
    return {
        "hours": found.wall / 3600,
        "cores_busy": found.cores_busy / (found.wall * nodes * CORES),
        "tried": found.tried,
        "bound_by": {what: seconds / found.wall for what, seconds in found.bound_by.items()},
        "phases": {phase: seconds / 3600 for phase, seconds in found.by_phase.items()},
    }


def cluster_of(figures: Figures, job: Job, nodes: int) -> Cluster:
    """Nodes as the page on scale assumes them, with the arrays that each must copy."""
    fixed = figures["fixed"]
    return Cluster(
        nodes,
        CORES,
        shared_mb_s=SHARED_MB_S[nodes],
        sync_s=fixed["small_file_ms"] / 1e3,
        start_s=figures["engines"]["local"]["worker_start_s"],
        copied_mb=job.shared_mb,
        fails_per_day=FAILS_PER_DAY,
    )


@contextmanager
def _engines(ray: bool) -> Iterator[dict[str, tuple[Engine, Cpu]]]:
    """Those that runs are made by, and what tells their CPU seconds; Ray on two nodes of one CPU, if it is there."""
    local = {f"local x{count}": (LocalEngine(count), Cpu()) for count in (1, 2)}
    if not (ray and has_ray()):
        yield local
        return
    from curation.engines.ray import RayEngine
    from engines.cluster import ADDRESS, cluster

    with cluster(nodes=2) as its_cluster:
        yield local | {"ray x2": (RayEngine(ADDRESS), Cpu(its_cluster))}


def _made(engine: Engine, cpu: Cpu, its_world: World, pool: Path, folder: Path) -> dict[str, Any]:
    """A run: wall seconds with its plan, and CPU seconds of this process, its workers and their cluster."""
    wall, before = time.perf_counter(), cpu.seconds()
    run = planned(its_world, pool, folder)
    curate.run(run.path, engine, on_progress=cpu.look)
    spent = cpu.seconds() - before
    return {"wall_s": time.perf_counter() - wall, "cpu_s": spent, "digest": digest(open_run(folder))}


def _beside(job: Job, engine: str, figures: Figures, made: dict[str, Any]) -> dict[str, float]:
    """Seconds that were predicted, and measured."""
    kind, count = engine.split(" x")
    local = figures["engines"]["local"]
    here = Cluster(
        1,
        int(count),
        node_mb_s=1e6,  # from the page cache, whose cost is in the CPU seconds already
        shared_mb_s=1e6,
        sync_s=figures["fixed"]["small_file_ms"] / 1e3,
        start_s=local["worker_start_s"],
    )
    phases = job.phases()
    return {
        "predicted_wall_s": simulate(phases, here, driver_of(figures, kind)).wall,
        "wall_s": made["wall_s"],
        "predicted_cpu_s": cpu_s(phases) + int(count) * local["worker_start_cpu_s"],
        "cpu_s": made["cpu_s"],
    }


def _equal_to_the_sum() -> str:
    """On one core that moves nothing, with a driver that costs nothing, a run takes what its units cost together."""
    phases = [Phase("units", 64, Cost(0.5)), Phase("alone", 0, Cost(3.0)), Phase("units", 8, Cost(0.25))]
    alone = Cluster(1, 1, sync_s=0.0)
    return prove(
        "simulated seconds on one core, and the sum of what units cost",
        round(simulate(phases, alone, Driver(0.0)).wall, 9),
        cpu_s(phases),
    )


if __name__ == "__main__":
    script(simulate_cluster)
