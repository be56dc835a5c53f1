"""What an engine is: one verb, and what it tells of its workers. It knows nothing of captions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from curation.engines.unit import Unit

Env = TypeVar("Env")
Receipt = TypeVar("Receipt")

MAX_RETRIES = 3
"""A unit is tried once, and so often again."""

MOST_FAILED = 16
"""When so many units have failed, the fault is not theirs: the others are not tried any more."""

POLL_S = 0.1
"""So often an engine asks whether it should stop."""

SLOW, SLOW_S = 3.0, 5.0
"""A unit that takes so many times the median of those that are done, and so many seconds, is a straggler."""


@dataclass(frozen=True)
class Node:
    """A machine.

    workers: units that it can run at a time; done: units that it did; alive: False once it is lost
    """

    name: str
    workers: int
    done: int = 0
    alive: bool = True


@dataclass(frozen=True)
class UnderWay:
    """A unit that is not done yet. seconds: since it was handed over; slow: far longer than the others took."""

    unit: str
    seconds: float
    slow: bool


@dataclass(frozen=True)
class Trouble:
    """A try of a unit that failed. number: from 1 up; reason: in one line; again: whether the unit is tried again."""

    number: int
    unit: str
    reason: str
    again: bool


@dataclass(frozen=True)
class Status:
    """How an engine stands.

    workers:   units that run at a time
    nodes:     the machines
    retries:   tries that had to be made again, in all calls
    failed:    units that failed at every try, in the last call
    under_way: those that are not done yet, the longest first
    troubles:  the last of the tries that failed, in their order
    """

    workers: int
    nodes: tuple[Node, ...]
    retries: int = 0
    failed: int = 0
    under_way: tuple[UnderWay, ...] = ()
    troubles: tuple[Trouble, ...] = ()


class Engine(Protocol):
    """Where units run. Used as a context, which ends its workers."""

    name: str

    def __enter__(self) -> "Engine":
        """Start workers, or meet them. raises CurationError where that cannot be"""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers, and units that are still under way."""

    def check(self, folder: Path, reads: Sequence[str]) -> None:
        """Make sure that all workers write into `folder` and read the files of `reads`; raises CurationError."""

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
        """Run fn(unit, env) for every unit, somewhere.

        fn is a function of a module, so that workers find it by its name. It is idempotent and writes its files by
        temporary name and rename, for it may run again for the same unit, and even twice at a time. What it returns is
        small; what is big goes through files. on_done is called in the caller's thread, in the order of completion.
        A unit that fails, or whose worker dies, is tried again `max_retries` times, and the others go on.

        raises Cancelled soon after `cancel()` turns true; units under way are given up. CurationError as fn raises it,
               at once. UnitsFailed when all other units are done.
        """

    @property
    def status(self) -> Status:
        """How it stands now."""


def told(error: BaseException) -> str:
    """An error of a unit in one line: what, and where."""
    lines = str(error).strip().splitlines()
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}{': ' + lines[0][:200] if lines else ''}{where}"
