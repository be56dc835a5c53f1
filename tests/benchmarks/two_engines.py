"""The same run by the local engine and by Ray, on the two cores of this machine, in turns.

Not named after the engines: a module `engines` would hide the tests of that name.
"""

import tempfile
import time
from pathlib import Path

from engine_costs import Cpu, has_ray
from made_run import digest, planned
from measure import Measured, Times, peak_memory_mb, prove, ratios, script
from world import world

from curation.cli.curate import warm_up
from curation.engines import Engine
from curation.engines.local import LocalEngine
from curation.runs import curate
from curation.runs.folder import open_run


def two_engines(
    *,
    pairs: int = 20_000_000,
    files: int = 20,
    entries: int = 500_000,
    pool: Path | None = None,
    repeats: int = 2,
) -> Measured:
    """Two local workers against a Ray cluster of two nodes of one CPU, over a pool or the one in a folder."""
    if not has_ray():
        raise SystemExit("two_engines.py needs ray, and a network namespace of its own (root on Linux)")
    from curation.engines.ray import RayEngine
    from engines.cluster import ADDRESS, cluster

    its_world = world(entries)
    pool = pool or its_world.pool(pairs, files)
    warm_up()
    taken: dict[str, list[tuple[float, float]]] = {"local": [], "ray": []}
    digests = []
    with tempfile.TemporaryDirectory() as name, cluster(nodes=2) as its_cluster:
        for turn in range(repeats):
            for engine, made, cpu in (("local", LocalEngine(2), Cpu()), ("ray", RayEngine(ADDRESS), Cpu(its_cluster))):
                run = planned(its_world, pool, Path(name) / f"{engine}-{turn}")
                taken[engine].append(_timed(run.path, made, cpu))
                found = open_run(run.path)
                digests.append(digest(found))
    proven = [prove("digests of entries and of (uid, t_min) of all runs", *digests)]
    times = {name: Times([wall for wall, _ in rows], [cpu for _, cpu in rows]) for name, rows in taken.items()}
    rows = found.info["totals"]["pairs"]
    return Measured(
        parameters={"pairs": rows, "world": its_world.name, "units": len(found.info["plan"]["units"])},
        proven=proven,
        figures={
            "seconds": {name: one.summary for name, one in times.items()},
            "pairs_per_s": {name: rows / min(one.wall) for name, one in times.items()},
            "cpu_us_per_pair": {name: min(one.cpu) / rows * 1e6 for name, one in times.items()},
            "ratio_ray_cpu": ratios(times["local"], times["ray"]),
            "ratio_ray_wall": {"best": min(times["ray"].wall) / min(times["local"].wall)},
        },
        peak_memory_mb=peak_memory_mb(),
    )


def _timed(run: Path, engine: Engine, cpu: Cpu) -> tuple[float, float]:
    wall, before = time.perf_counter(), cpu.seconds()
    curate.run(run, engine, on_progress=cpu.look)
    return time.perf_counter() - wall, cpu.seconds() - before


if __name__ == "__main__":
    script(two_engines)
