"""This machine: processes, each with one unit at a time, so that one that dies takes no other with it."""

import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection, get_context
from pathlib import Path
from types import ModuleType, TracebackType

from curation.engines.engine import MAX_RETRIES, POLL_S, Env, Node, Receipt, Status
from curation.engines.ledger import Ledger
from curation.engines.unit import Cancelled, Unit
from curation.engines.worker import Outcome, serve

_CONTEXT = get_context("spawn")  # a forked child would inherit open files and locks


class LocalEngine:
    """Worker processes of this machine. They stay from call to call, for starting one takes a second."""

    name = "local"

    def __init__(self, workers: int = 0) -> None:
        """workers: how many; 0: as many as there are cores"""
        self._count = workers or os.cpu_count() or 1
        self._workers: list[_Worker] = []
        self._ledger = Ledger(0)
        self._done = 0

    def __enter__(self) -> "LocalEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def check(self, folder: Path, reads: Sequence[str]) -> None:
        """Nothing: what this process sees, its workers see."""

    @property
    def status(self) -> Status:
        """How it stands now."""
        return self._ledger.status(self._count, (Node("this machine", self._count, self._done),))

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
        task = pickle.dumps((fn, env))
        waiting = deque(units)
        ledger = self._ledger = Ledger(max_retries, self._ledger)
        try:
            while waiting or self._busy():
                if cancel():
                    raise Cancelled
                while waiting and (worker := self._free()):
                    unit = waiting.popleft()
                    ledger.started(unit)
                    worker.start(task, unit)
                for worker in self._heard():
                    unit, outcome = worker.take()
                    if outcome.error is not None:
                        raise outcome.error
                    if outcome.failure is None:
                        ledger.finished(unit)
                        self._done += 1
                        on_done(unit, outcome.receipt)
                    elif ledger.failed(unit, outcome.failure):
                        waiting.append(unit)
        except BaseException:
            self.close()  # what is under way is given up
            raise
        ledger.check()

    def _busy(self) -> list["_Worker"]:
        return [worker for worker in self._workers if worker.unit is not None]

    def _free(self) -> "_Worker | None":
        """A worker without a unit, a new one while there may be more; None where all are busy."""
        self._workers = [worker for worker in self._workers if not worker.died]
        free = next((worker for worker in self._workers if worker.unit is None), None)
        if free is None and len(self._workers) < self._count:
            free = _Worker()
            self._workers.append(free)
        return free

    def _heard(self) -> list["_Worker"]:
        """The workers that have something to say, at the latest after POLL_S."""
        by_connection = {worker.connection: worker for worker in self._busy()}
        return [by_connection[ready] for ready in connection.wait(list(by_connection), POLL_S)]  # type: ignore[index]


class _Worker:
    """A worker process, seen from here."""

    def __init__(self) -> None:
        self.connection, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=serve, args=(theirs,), daemon=True)
        with _no_interrupts(), _no_script():
            self._process.start()
        theirs.close()
        self._task: bytes | None = None
        self.unit: Unit | None = None
        self.died = False

    def start(self, task: bytes, unit: Unit) -> None:
        """Hand it a unit, and before the first of a task the task."""
        self.unit = unit
        try:
            if self._task is not task:
                self.connection.send_bytes(task)
                self._task = task
            self.connection.send(unit)
        except OSError:
            self._process.kill()  # if it has not died already, it waits for what never comes; `take` says so

    def take(self) -> tuple[Unit, Outcome]:
        """What became of its unit; where the worker died, how."""
        assert self.unit is not None
        unit, self.unit = self.unit, None
        try:
            return unit, self.connection.recv()
        except (EOFError, OSError):
            self.died = True
            self._process.join()
            return unit, Outcome(failure=f"its worker ended by {_how(self._process.exitcode or 0)}")

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.connection.close()


def _how(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL:
        return "SIGKILL, which the system sends where memory runs out"
    return signal.Signals(-exit_code).name if exit_code < 0 else f"exit code {exit_code}"


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """A process that is started here does not see Ctrl-C before it is ready to ignore it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _no_script() -> Iterator[None]:
    """A process that is started here does not run the caller's script again, as multiprocessing has it otherwise."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
