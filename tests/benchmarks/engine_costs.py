"""What an engine adds to a unit, in the driver and in its workers, and what the driver does once a file or a unit."""

import operator
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from measure import cpu_seconds

from curation import files
from curation.cli.curate import warm_up
from curation.engines import Engine, Unit
from curation.engines.local import LocalEngine
from curation.pool.columns import Columns
from curation.pool.inputs import look_at_all
from curation.runs.log import Log
from curation.runs.progress import Progress, Reporter
from curation.runs.receipts import receipts_in
from curation.runs.working import Work

FEW, MANY = 500, 4_000
"""Units that do nothing, to tell what an engine adds to each, and whether that grows with how many are done."""

LISTED = 10_000
SMALL_FILES = 50
LOOK_S = 0.5

nothing = operator.is_not
"""A unit that does nothing, out of a module that every worker has."""


def engines_cost(folder: Path, few: int, many: int, ray: bool) -> dict[str, dict[str, float]]:
    """Of each engine; few, many: units that do nothing; ray: also Ray, on two nodes of one CPU, if it is there."""
    found = {"local": _overhead(LocalEngine(2), folder / "local", few, many) | _start_of_a_worker()}
    if ray and has_ray():
        from curation.engines.ray import RayEngine
        from engines.cluster import ADDRESS, cluster

        with cluster(nodes=2):
            found["ray"] = _overhead(RayEngine(ADDRESS), folder / "ray", few, many)
            # all are handed over at once: what each of those that wait adds to a look at the cluster
            with RayEngine(ADDRESS, many) as engine:
                _do(engine, folder / "ahead", 2)
                waiting, _ = _do(engine, folder / "ahead", many)
        found["ray"] |= {"handed_over_at_once": many, "driver_us_handed_over_at_once": waiting / many * 1e6}
    return found


def has_ray() -> bool:
    """Whether there is Ray, and a cluster can be made here."""
    from engines.cluster import why_not

    return why_not() is None


class Cpu:
    """CPU seconds so far: of this process, of its children that have ended, and of all processes of a cluster.

    A worker of Ray ends with the job, and with it what it has spent: so it is looked at while it is there, as often as
    `look` is called. Nothing is counted for looking.
    """

    def __init__(self, its_cluster: Any = None) -> None:
        self._cluster = its_cluster
        self._seen: dict[int, int] = {}
        self._spent_looking = 0.0
        self._looked = 0.0

    def look(self, progress: Progress) -> None:
        """For `on_progress`: look twice a second, and when a phase is through."""
        if progress.done == progress.total or time.monotonic() - self._looked > LOOK_S:
            self.seconds()

    def seconds(self) -> float:
        """Look now."""
        started = time.process_time()
        if self._cluster is not None:
            for node in (self._cluster.head, *self._cluster.nodes.values()):
                self._seen |= {process: ticks_of(process) for process in _processes_of(node)}
        self._looked = time.monotonic()
        self._spent_looking += time.process_time() - started
        return cpu_seconds() - self._spent_looking + sum(self._seen.values()) / os.sysconf("SC_CLK_TCK")


def ticks_of(process: int) -> int:
    """CPU time of a process, in ticks; 0 if it is gone."""
    with suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0


def _processes_of(node: Any) -> Iterator[int]:
    """Those that are there; one that has gone in the meantime keeps what was seen of it."""
    from engines.cluster import processes_of

    return (process for process in processes_of(node) if ticks_of(process))


def _overhead(engine: Engine, folder: Path, few: int, many: int) -> dict[str, float]:
    """Microseconds a unit that does nothing: of the driver, of all else in CPU, and in wall time.

    driver_us: for the first; driver_us_when_done: how much more for each thousand that are done
    """
    with engine:
        _do(engine, folder, 2)  # workers are there
        of_few, wall = _do(engine, folder, few)
        of_many, _ = _do(engine, folder, many)
    growth = max(0.0, (of_many / many - of_few / few) / ((many - few) / 2))
    return {
        "driver_us": max(of_few / few - growth * few / 2, 0.0) * 1e6,
        "driver_us_when_done": growth * 1e9,
        "driver_us_on_average": of_many / many * 1e6,
        "wall_us": wall / few * 1e6,
    }


def _do(engine: Engine, folder: Path, count: int) -> tuple[float, float]:
    """CPU seconds of this process and wall seconds for units that do nothing, told as those of a run are."""
    folder.mkdir(exist_ok=True)
    todo = [Unit(index, "", ()) for index in range(count)]
    report = Reporter(folder, count, "rows", lambda progress: None, Log(folder, engine))
    wall, cpu = time.perf_counter(), time.process_time()
    Work(engine, todo, [1] * count, report, lambda: False).do(nothing, None, folder / "receipts", "match")
    return time.process_time() - cpu, time.perf_counter() - wall


def _start_of_a_worker() -> dict[str, float]:
    """Seconds until a new worker has imported what it needs; it is there from then on."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    with LocalEngine(1) as engine:
        engine.map_units(imports, [Unit(0, "", ())], None, on_done=lambda unit, receipt: None)
    return {"worker_start_s": time.perf_counter() - wall, "worker_start_cpu_s": cpu_seconds() - cpu}


def imports(unit: Unit, env: None) -> None:
    """A unit whose worker imports what those of a run import, and loads what is compiled."""
    warm_up()


def fixed_costs(pool: Path, folder: Path) -> dict[str, float]:
    """What is done once a file or a unit by the driver."""
    (listed := folder / "listed").mkdir()
    for number in range(LISTED):
        (listed / f"{number:05d}.json").touch()
    started = time.perf_counter()
    assert len(receipts_in(listed)) == LISTED
    listing = time.perf_counter() - started
    started = time.process_time()
    looked = len(look_at_all([str(pool)], Columns()))
    look = time.process_time() - started
    small = []
    for number in range(SMALL_FILES):
        started = time.perf_counter()
        files.write_json(folder / f"small-{number}.json", {})
        small.append(time.perf_counter() - started)
    return {
        "receipt_listed_us": listing / LISTED * 1e6,
        "look_at_file_cpu_ms": look / looked * 1e3,
        "small_file_ms": float(np.median(small)) * 1e3,
    }
