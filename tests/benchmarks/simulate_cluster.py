"""Runs of many sizes on clusters of many sizes, simulated from measured costs, beside runs that were really made."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster_simulation import Cluster, Driver, Simulated, simulate
from cost_model import Cost, Figures, Job, Phase, cpu_s, figures_of, moved_mb
from measure import RECORD, Measured, cpu_seconds, peak_memory_mb, prove, script
from unit_costs import digest, has_ray, planned
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

SHARED_MB_S = {1: 1250.0, 10: 5000.0, 100: 10_000.0, 1000: 20_000.0}
"""What the file system of a cluster of so many nodes gives, in MB a second: an assumption."""


def simulate_cluster(
    *, pairs: int = 4_000_000, files: int = 4, entries: int = 500_000, pool: Path | None = None, costs: Path = RECORD
) -> Measured:
    """Runs over a pool on this machine, predicted and made; then those that cannot be made here.

    costs: file whose last line of unit_costs is taken
    """
    figures = newest_costs(costs)
    its_world = world(entries)
    pool = pool or its_world.pool(pairs, files)
    with tempfile.TemporaryDirectory() as name:
        made = {engine: _made(open_engine, its_world, pool, Path(name) / engine) for engine, open_engine in _engines()}
        found = open_run(Path(name) / "local x1")
        rows, n_files = found.rows or 1, len(found.inputs)
    proven = [
        _equal_to_the_sum(figures),
        prove("digests of entries and of (uid, t_min) of the runs that were made", *(one["digest"] for one in made.values())),
    ]
    job = Job(figures, rows, figures["entries_matched"], rows_a_file=-(-rows // n_files))
    return Measured(
        parameters={"pairs": rows, "world": its_world.name, "costs_of": figures["commit"], "cores_a_node": CORES},
        proven=proven,
        figures={
            "checked": {engine: _compared(job, engine, figures, one) for engine, one in made.items()},
            "simulated": {size: {str(nodes): simulated(figures, n, nodes) for nodes in NODES} for size, n in SIZES.items()},
            "needs": {size: needs(Job(figures, n, ENTRIES, THRESHOLDS)) for size, n in SIZES.items()},
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
    per_handed = max(of_engine.get("driver_us_handed_over_at_once", 0.0) - of_engine["driver_us"], 0.0)
    return Driver(
        unit_s=of_engine["driver_us"] / 1e6,
        per_done_s=of_engine["driver_us_when_done"] / 1e9,
        per_handed_s=per_handed / 1e6 / (of_engine.get("handed_over_at_once", 2) / 2),  # half of them wait on average
        worker_s=of_engine["wall_us"] * 2 / 1e6,  # by two workers
        ahead=1.25 if engine == "ray" else 1.0,
    )


def simulated(figures: Figures, pairs: int, nodes: int, driver: Driver | None = None) -> dict[str, float]:
    """A run over so many pairs on so many nodes: hours, and what part of them each resource was busy."""
    job = Job(figures, pairs, ENTRIES, THRESHOLDS)
    cluster = cluster_of(figures, job, nodes)
    found = simulate(job.phases(), cluster, driver or driver_of(figures, "ray"))
    return {
        "hours": found.wall / 3600,
        "tried": found.tried,
        **found.shares(cluster),
        "serial_hours": found.alone / 3600,
        "rare_hours": found.by_phase["rare places"] / 3600,
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


def needs(job: Job) -> dict[str, float]:
    """What a run takes whatever it runs on: core hours, MB, and GB moved and kept."""
    phases, sizes = job.phases(), job.figures["sizes"]
    read, written = moved_mb(phases)
    parts = [phase for phase in phases if phase.name in ("curves", "curve sums")]
    keys = job.figures["compare"]["keys_bytes_per_pair"]
    places = sizes["rare_bytes_per_pair"] * job.pairs / 1e9
    return {
        "core_hours": cpu_s(phases) / 3600,
        "units": job.units,
        "read_gb": read / 1e3,
        "written_gb": written / 1e3,
        "pool_gb": sizes["pool_bytes_per_pair"] * job.pairs / 1e9,
        "run_gb": sizes["pairs_bytes_per_pair"] * job.pairs / 1e9 + places + job.array_mb / 1e3,
        "rare_places_gb": places,
        "work_gb": (sum(one.units * one.cost.written_mb for one in parts) + job.units * sizes["counts_bytes_per_unit"] / 1e6) / 1e3,
        "largest_part_mb": max(phase.cost.written_mb for phase in parts),
        "shared_arrays_mb": job.shared_mb,
        "worker_mb": _most_private(job.figures, "balance"),
        "worker_of_curves_mb": curves_memory(job, max(phase.cost.written_mb for phase in parts)),
        "driver_mb": _most_private(job.figures, "match", "driver") + job.array_mb + max(p.cost.written_mb for p in parts),
        "env_mb": sizes["env_bytes_per_file"] * job.files / 1e6,
        "serial_hours": sum(phase.cost.cpu_s for phase in phases if not phase.units) / 3600,
        "compare_hours": job.figures["compare"]["cpu_s_per_million"] * job.pairs / 1e6 / 3600,
        "compare_gb": keys * job.pairs / 1e9,
        "most_frequent_matches": sizes["most_frequent_share"] * job.pairs,
    }


def curves_memory(job: Job, part_mb: float) -> float:
    """A worker at the curves: the array of its own, and the part while it is read or written."""
    return _most_private(job.figures, "match") + job.array_mb + part_mb


def _most_private(figures: Figures, phase: str, who: str = "worker") -> float:
    # a run may be through with a phase before anyone looks
    of_phases = figures["memory_mb"]
    return max((of_phases.get(phase) or next(iter(of_phases.values())))[who]["private"], 0.0)


def _engines() -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "local x1", lambda: LocalEngine(1)
    yield "local x2", lambda: LocalEngine(2)
    if has_ray():
        yield "ray x2", ray_on_two_nodes


@contextmanager
def ray_on_two_nodes() -> Iterator[Engine]:
    """Two nodes of one CPU each, on this machine."""
    from engines.cluster import ADDRESS, cluster

    from curation.engines.ray import RayEngine

    with cluster(nodes=2):
        yield RayEngine(ADDRESS)


def _made(open_engine: Callable[[], Any], its_world: World, pool: Path, folder: Path) -> dict[str, Any]:
    """A run: wall seconds from the first unit on, and CPU seconds of this process and its workers."""
    warm_up()
    with open_engine() as engine:
        wall, cpu = time.perf_counter(), cpu_seconds()
        run = planned(its_world, pool, folder)
        curate.run(run.path, engine)
        wall = time.perf_counter() - wall
    return {"wall_s": wall, "cpu_s": cpu_seconds() - cpu, "digest": digest(open_run(folder))}


def _compared(job: Job, engine: str, figures: Figures, made: dict[str, Any]) -> dict[str, float]:
    """Seconds that were predicted and measured. Of Ray's workers this process does not know the CPU seconds."""
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
    found = {
        "predicted_wall_s": simulate(phases, here, driver_of(figures, kind)).wall,
        "wall_s": made["wall_s"],
    }
    if kind == "local":
        found["predicted_cpu_s"] = cpu_s(phases) + int(count) * local["worker_start_cpu_s"]
        found["cpu_s"] = made["cpu_s"]
    return found


def _equal_to_the_sum(figures: Figures) -> str:
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
