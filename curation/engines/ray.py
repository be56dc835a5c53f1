"""A cluster of Ray: scheduling, retries and the death of nodes are Ray's. The only file that imports ray.

Units are Ray's tasks of one CPU. What all units share goes to the cluster once, receipts come back as Ray's small
objects, and everything else goes through files.
"""

import logging
import math
import pickle
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from curation.engines import shared
from curation.engines.engine import MAX_RETRIES, POLL_S, Env, Node, Receipt, Status, told
from curation.engines.head import Head, Member, answers
from curation.engines.ledger import Ledger
from curation.engines.probe import Probe, expected
from curation.engines.ray_connection import host_and_port, undisturbed, why_no_connection
from curation.engines.unit import Cancelled, Unit
from curation.engines.worker import Outcome, outcome_of
from curation.errors import CurationError, MissingExtra

AHEAD = 1.25
"""Units handed over, as a multiple of the CPUs: no node waits for the next one, and an autoscaler sees that there are
more."""

CHECK_S = 120.0
"""So long a node may take to start a first worker and to look at the files."""

END_S = 10.0
"""So long the copies of arrays may take to be removed."""

TRIED_AGAIN = "it failed, or its worker or its node died"
"""Ray tries again by itself; of the tries before the one that came to an end it tells no more than their number."""


class RayEngine:
    """The workers of a Ray cluster that is there already."""

    name = "ray"

    def __init__(self, address: str, workers: int = 0) -> None:
        """address: HOST:PORT of the head, as `ray start --address` takes it

        workers: how many units run at a time at most; 0: as many as the cluster has CPUs
        raises BadArgument for another address
        """
        self._address = host_and_port(address)
        self._most = workers
        self._session = secrets.token_hex(8)
        self._head: Head | None = None
        self._ledger = Ledger(0)
        self._done: Counter[str] = Counter()
        self._seen: dict[str, Member] = {}
        self._with_copies: set[str] = set()

    def __enter__(self) -> "RayEngine":
        if find_spec("ray") is None:
            raise MissingExtra("--engine ray needs Ray; install it with: pip install 'headtail[ray]'")
        host, port = self._address
        why_not = answers(*self._address)
        if why_not is not None:
            raise CurationError(
                f"no Ray cluster at {host}:{port} ({why_not}); start one with "
                f"'ray start --head --port={port}', or give its address"
            )
        with undisturbed():
            _connect(f"{host}:{port}", f"headtail-{self._session}")
        self._head = Head(self._address, _own_node(), _members)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import ray

        if self._head is None:
            return
        self._head.close()
        if self._head.lost:  # leaving it would wait for it
            self._head = None
            return
        if self._with_copies:
            with suppress(Exception):  # best effort: what is left is removed by a later engine
                removals = [_on(node, shared.remove_copies).remote(self._session) for node in self._with_copies]
                ray.wait(removals, num_returns=len(removals), timeout=END_S)
        ray.shutdown()
        self._head = None

    def check(self, folder: Path, reads: Sequence[str]) -> None:
        """As `Engine.check`: every node with CPUs is asked, by a task of its own."""
        import ray

        assert self._head is not None
        members = self._head.members
        if not members:
            raise CurationError(
                f"the cluster at {self._head} has no CPUs; start workers with 'ray start --address={self._head}'"
            )
        with expected(folder, reads) as probe:
            asked = {_on(node.id, _probed).remote(probe): node for node in members}
            ray.wait(list(asked), num_returns=len(asked), timeout=CHECK_S)
            for ref, node in asked.items():
                try:
                    wrong = ray.get(ref, timeout=0)
                except ray.exceptions.GetTimeoutError:
                    wrong = f"started no worker in {CHECK_S:.0f} s; look at the logs of its raylet"
                except ray.exceptions.RayError as error:
                    wrong = f"cannot run headtail ({_reason(error)}); install headtail[ray] there"
                if wrong is not None:
                    raise CurationError(f"the node {node.name} {wrong}")

    @property
    def status(self) -> Status:
        """How it stands now."""
        alive = self._members()
        nodes = tuple(Node(node.name, node.cpus, self._done[node.id], node.id in alive) for node in self._seen.values())
        return self._ledger.status(self._cpus(), nodes)

    def map_units(
        self,
        fn: Callable[[Unit, Env], Receipt],
        units: Iterable[Unit],
        env: Env,
        *,
        on_done: Callable[[Unit, Receipt], None],
        cancel: Callable[[], bool] = lambda: False,
        max_retries: int = MAX_RETRIES,
    ) -> None:
        """As `Engine.map_units`."""
        import ray

        assert self._head is not None
        ledger = self._ledger = Ledger(max_retries, self._ledger)
        run = ray.remote(_run).options(num_cpus=1, max_retries=max_retries, retry_exceptions=True)
        task = ray.put(pickle.dumps((fn, env)))
        key = secrets.token_hex(8)
        waiting = iter(units)
        flying: dict[Any, Unit] = {}
        try:
            while True:
                if cancel():
                    raise Cancelled
                self._head.check()
                cpus = self._cpus()
                for unit in islice(waiting, max(self._window(cpus) - len(flying), 0)):
                    flying[run.remote(task, key, self._session, unit)] = unit
                if not flying:
                    break
                for unit in islice(flying.values(), cpus):  # Ray starts them in this order
                    ledger.started(unit)
                for ref in _ready(list(flying)):
                    unit = flying.pop(ref)
                    report = _received(ref)
                    if isinstance(report, str):
                        ledger.gave_up(unit, report)
                        continue
                    if report.outcome.error is not None:
                        raise report.outcome.error
                    self._note(unit, report)
                    ledger.finished(unit, report.seconds)
                    on_done(unit, report.outcome.receipt)
        except BaseException:
            if not self._head.lost:
                for ref in flying:
                    ray.cancel(ref, force=True)
            raise
        ledger.check()

    def _note(self, unit: Unit, report: "_Report") -> None:
        self._ledger.retried(unit, report.attempt, TRIED_AGAIN)
        self._done[report.node] += 1
        if report.copies:
            self._with_copies.add(report.node)

    def _members(self) -> dict[str, Member]:
        """The nodes that are alive, by id; those that were are remembered."""
        alive = {node.id: node for node in self._head.members} if self._head else {}
        self._seen.update(alive)
        return alive

    def _cpus(self) -> int:
        """So many units run at a time."""
        cpus = sum(node.cpus for node in self._members().values())
        return min(cpus, self._most or cpus)

    def _window(self, cpus: int) -> int:
        """So many units are handed over at a time."""
        return self._most or max(math.ceil(cpus * AHEAD), cpus + 2)


class _Report(NamedTuple):
    """What comes back of a unit.

    node: where it was done, by id; attempt: how often it was tried before; seconds: that it took; copies: whether the
    node has any
    """

    outcome: Outcome
    node: str
    attempt: int
    seconds: float
    copies: bool


class _Failed(Exception):
    """A unit failed; Ray tries it again. Its text is the one line that is told when it failed at every try."""


_unpacked: tuple[str, Any, Any] = ("", None, None)
"""The last task that this worker had: its key, and what is in it."""


def _run(task: bytes, key: str, session: str, unit: Unit) -> _Report:
    """Do a unit, in a worker."""
    import ray

    global _unpacked  # noqa: PLW0603
    shared.copy_for(session)
    if _unpacked[0] != key:
        try:
            _unpacked = (key, *pickle.loads(task))
        except Exception as error:
            raise _Failed(told(error)) from None
    since = time.monotonic()
    outcome = outcome_of(_unpacked[1], _unpacked[2], unit)
    seconds = time.monotonic() - since
    if outcome.failure is not None:
        raise _Failed(outcome.failure)
    node = ray.get_runtime_context().get_node_id()
    worker = ray._private.worker.global_worker.core_worker  # type: ignore[attr-defined]
    attempt = worker.get_current_task_attempt_number()
    return _Report(outcome, node, attempt, seconds, shared.has_copies())


def _probed(probe: Probe) -> str | None:
    """What is wrong on this node, in a worker of it."""
    return probe.wrong()


def _on(node: str, fn: Callable[..., Any]) -> Any:
    """A function as a task of a node, which waits for no CPU."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(node, soft=False)
    return ray.remote(fn).options(num_cpus=0, max_retries=0, scheduling_strategy=here)


def _ready(refs: list[Any]) -> list[Any]:
    """Those that are done, at the latest after POLL_S."""
    import ray

    done, _ = ray.wait(refs, timeout=POLL_S)
    if done:
        done, _ = ray.wait(refs, num_returns=len(refs), timeout=0)
    return done


def _received(ref: Any) -> _Report | str:
    """What a worker sent back, or why the unit failed at every try."""
    import ray

    try:
        return ray.get(ref)
    except ray.exceptions.RayError as error:
        return _reason(error)


def _reason(error: Exception) -> str:
    """An error of Ray in one line."""
    import ray

    if isinstance(error, ray.exceptions.WorkerCrashedError):
        return "its worker died"
    if isinstance(error, ray.exceptions.RayTaskError):
        return str(error.cause) if isinstance(error.cause, _Failed) else told(error.cause)
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"


def _own_node() -> tuple[str, int]:
    """Where the raylet of this machine listens."""
    import ray

    own = ray.get_runtime_context().get_node_id()
    (node,) = (node for node in ray.nodes() if node["NodeID"] == own)  # type: ignore[no-untyped-call]
    return node["NodeManagerAddress"], node["NodeManagerPort"]


def _members() -> list[Member]:
    """The nodes with CPUs that are alive."""
    import ray

    return [
        Member(node["NodeID"], node["NodeManagerAddress"], int(node["Resources"]["CPU"]))
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"] and node["Resources"].get("CPU", 0) >= 1
    ]


def _connect(address: str, namespace: str) -> None:
    import ray
    from ray._private.services import find_node_ids

    if not find_node_ids():  # type: ignore[no-untyped-call]  # Ray itself looks for one for a minute
        raise CurationError(
            "no Ray node on this machine; run this on a machine of the cluster, or make this one of them with "
            f"'ray start --address={address} --num-cpus=0'"
        )
    try:
        ray.init(address=address, namespace=namespace, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:
        with suppress(Exception):
            ray.shutdown()
        raise CurationError(why_no_connection(address, error)) from None
    ray._private.worker._worker_logs_enabled = False  # else it prints the last lines of any raylet that dies
