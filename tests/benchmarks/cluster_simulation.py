"""A run on a cluster, event by event: nodes and their cores, the driver, a file system that all share, and failures.

A unit reads, computes and writes. Whoever moves bytes waits its turn twice, at the link of its node and at the shared
file system. The driver hands units over ahead of the cores, looks at all that it handed over each time something is
done, and deals with what is. A node that fails takes its units with it; they are noticed missing and begun again.
"""

import random
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush

from cost_model import Phase

BUSY = 0.7


@dataclass(frozen=True)
class Driver:
    """The process that hands out units. ahead: units handed over, as a multiple of the cores.

    unit_s:       CPU seconds for each unit, half when it is handed over, half when it is done
    per_done_s:   what is added to that for each unit that was done before
    per_handed_s: what each unit that is handed over adds to a look at the cluster
    worker_s:     what the engine costs the worker for each unit
    """

    unit_s: float
    per_done_s: float = 0.0
    per_handed_s: float = 0.0
    worker_s: float = 0.0
    ahead: float = 1.0


@dataclass(frozen=True)
class Cluster:
    """The machines. *_mb_s: MB a second; fails_per_day: how often each node does; all of these are assumptions."""

    nodes: int
    cores: int
    node_mb_s: float = 1250.0
    shared_mb_s: float = 5000.0
    sync_s: float = 0.004
    start_s: float = 0.0
    copied_mb: float = 0.0
    fails_per_day: float = 0.0
    notice_s: float = 30.0
    back_s: float = 300.0


@dataclass
class Simulated:
    """What came of it, in seconds. busy: of cores, driver and file system; alone: wall time of the driver's own steps.

    tried:     units begun, those that a failure ended included
    by_phase:  wall seconds of each
    bound_by:  wall seconds of the phases that each resource bounds: one that is busy for BUSY of a phase; "driver
               alone" in steps that only it does, and "too few units" where nothing is busy
    """

    wall: float = 0.0
    cores_busy: float = 0.0
    driver_busy: float = 0.0
    shared_busy: float = 0.0
    alone: float = 0.0
    tried: int = 0
    by_phase: dict[str, float] = field(default_factory=dict)
    bound_by: dict[str, float] = field(default_factory=dict)

    @property
    def bound(self) -> str:
        """What bounds most of the wall time."""
        return max(self.bound_by, key=lambda one: self.bound_by[one])


def simulate(phases: list[Phase], cluster: Cluster, driver: Driver, seed: int = 0) -> Simulated:
    """A run through these phases, each after the other."""
    return _Run(cluster, driver, seed).through(phases)


class _Link:
    """What moves bytes one after another."""

    def __init__(self, mb_s: float) -> None:
        self._s_a_mb = 1 / mb_s
        self._free = 0.0

    def moved(self, now: float, mb: float) -> float:
        """When they are through."""
        self._free = max(self._free, now) + mb * self._s_a_mb
        return self._free


class _Run:
    """The state of a simulated run. Events are (time, number, kind, node, generation of the node)."""

    def __init__(self, cluster: Cluster, driver: Driver, seed: int) -> None:
        self._cluster, self._driver = cluster, driver
        self._random = random.Random(seed)
        self._shared = _Link(cluster.shared_mb_s)
        self._links = [_Link(cluster.node_mb_s) for _ in range(cluster.nodes)]
        self._generation = [0] * cluster.nodes
        self._under_way = [0] * cluster.nodes
        self._idle = deque((node, 0) for _ in range(cluster.cores) for node in range(cluster.nodes))
        self._events: list[tuple[float, int, str, int, int]] = []
        self._number = 0
        self._window = max(int(cluster.nodes * cluster.cores * driver.ahead), cluster.nodes * cluster.cores)
        self._found = Simulated()

    def through(self, phases: list[Phase]) -> Simulated:
        now = self._cluster.start_s
        for node in range(self._cluster.nodes):
            self._fail_later(now, node)
            if self._cluster.copied_mb:
                now = max(now, self._moved(0.0, node, self._cluster.copied_mb))
        self._add(self._found.by_phase, "start", now)
        for phase in phases:
            before, busy = now, self._busy()
            now = self._units(now, phase) if phase.units else self._alone(now, phase)
            self._add(self._found.by_phase, phase.name, now - before)
            self._add(self._found.bound_by, self._bound(phase, now - before, busy), now - before)
        self._found.wall = now
        return self._found

    def _busy(self) -> dict[str, float]:
        cores = self._cluster.nodes * self._cluster.cores
        found = self._found
        return {
            "cores": found.cores_busy / cores,
            "file system": found.shared_busy,
            "driver": found.driver_busy,
        }

    def _bound(self, phase: Phase, seconds: float, before: dict[str, float]) -> str:
        if not phase.units:
            return "driver alone"
        busy = {name: value - before[name] for name, value in self._busy().items()}
        most = max(busy, key=lambda name: busy[name])
        return most if busy[most] >= BUSY * seconds else "too few units"

    @staticmethod
    def _add(seconds: dict[str, float], name: str, more: float) -> None:
        seconds[name] = seconds.get(name, 0.0) + more

    def _alone(self, now: float, phase: Phase) -> float:
        """The driver works and moves bytes, one after the other."""
        mb = phase.cost.read_mb + phase.cost.written_mb
        self._found.shared_busy += mb / self._cluster.shared_mb_s
        end = now + phase.cost.cpu_s + mb / min(self._cluster.node_mb_s, self._cluster.shared_mb_s)
        self._found.alone += end - now
        return end

    def _units(self, now: float, phase: Phase) -> float:
        """All units of a phase."""
        self._phase = phase
        self._left, self._handed, self._queue, self._ended, self._done = phase.units, 0, 0, 0, 0
        self._busy_driver = False
        self._turn(now)
        while self._done < phase.units:
            time, _, kind, node, generation = heappop(self._events)
            now = max(now, time)  # a node may have failed while the driver was alone
            getattr(self, f"_on_{kind}")(now, node, generation)
        return now

    def _turn(self, now: float) -> None:
        """The driver takes what has ended and hands over as much as its window holds."""
        driver, given = self._driver, min(self._left, self._window - self._handed + self._ended)
        each = driver.unit_s + driver.per_done_s * self._done
        spent = driver.per_handed_s * self._handed + each * (self._ended + given) / 2
        self._turning = (self._ended, given)
        self._ended, self._busy_driver = 0, True
        self._found.driver_busy += spent
        self._push(now + spent, "turned", 0, 0)

    def _on_turned(self, now: float, node: int, generation: int) -> None:
        ended, given = self._turning
        self._done += ended
        self._handed += given - ended
        self._left -= given
        self._queue += given
        self._busy_driver = False
        self._start(now)
        if self._ended:
            self._turn(now)

    def _start(self, now: float) -> None:
        """Units that wait begin on cores that are idle."""
        cost, spread = self._phase.cost, self._phase.spread
        while self._queue and self._idle:
            node, generation = self._idle.popleft()
            if generation != self._generation[node]:
                continue
            self._queue -= 1
            self._under_way[node] += 1
            self._found.tried += 1
            seconds = self._driver.worker_s + cost.cpu_s * self._random.lognormvariate(-(spread**2) / 2, spread)
            self._found.cores_busy += seconds
            self._push(self._moved(now, node, cost.read_mb) + seconds, "computed", node, generation)

    def _on_computed(self, now: float, node: int, generation: int) -> None:
        if generation != self._generation[node]:
            return  # its node failed
        cost = self._phase.cost
        end = self._moved(now, node, cost.written_mb) + cost.files * self._cluster.sync_s
        self._push(end, "ended", node, generation)

    def _on_ended(self, now: float, node: int, generation: int) -> None:
        if generation != self._generation[node]:
            return
        self._under_way[node] -= 1
        self._idle.append((node, generation))
        self._ended += 1
        self._start(now)
        if not self._busy_driver:
            self._turn(now)

    def _on_failed(self, now: float, node: int, generation: int) -> None:
        self._generation[node] += 1
        for _ in range(self._under_way[node]):
            self._push(now + self._cluster.notice_s, "missed", node, 0)
        self._under_way[node] = 0
        self._push(now + self._cluster.back_s, "back", node, 0)

    def _on_missed(self, now: float, node: int, generation: int) -> None:
        self._queue += 1
        self._start(now)

    def _on_back(self, now: float, node: int, generation: int) -> None:
        self._idle.extend([(node, self._generation[node])] * self._cluster.cores)
        self._fail_later(now, node)
        self._start(now)

    def _fail_later(self, now: float, node: int) -> None:
        if self._cluster.fails_per_day:
            self._push(now + self._random.expovariate(self._cluster.fails_per_day / 86400), "failed", node, 0)

    def _moved(self, now: float, node: int, mb: float) -> float:
        """When so many MB are through both the link of a node and the shared file system."""
        if not mb:
            return now
        self._found.shared_busy += mb / self._cluster.shared_mb_s
        return max(self._links[node].moved(now, mb), self._shared.moved(now, mb))

    def _push(self, time: float, kind: str, node: int, generation: int) -> None:
        self._number += 1
        heappush(self._events, (time, self._number, kind, node, generation))
