"""An engine that runs units in this process, one after another, and notes what each costs and each of its parts."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from measure import Watch

from curation.engines import Cancelled, Node, Status, Unit

COSTS = ("wall_s", "cpu_s", "read_bytes", "written_bytes")


@dataclass
class Spent:
    """What spans of one name cost: (4,) in the order of COSTS; own: without the spans inside; each: a row a span."""

    calls: int = 0
    total: np.ndarray = field(default_factory=lambda: np.zeros(4))
    own: np.ndarray = field(default_factory=lambda: np.zeros(4))
    each: list[np.ndarray] = field(default_factory=list)


class Meter:
    """An engine for `curate.run`. on_units: called with (fn, units, env) when all units of a call are done."""

    name = "meter"
    status = Status(workers=1, nodes=(Node("this process", 1),))

    def __init__(self, on_units: Callable[[Callable[..., Any], list[Unit], Any], None] = lambda fn, units, env: None):
        self.spent: dict[str, Spent] = defaultdict(Spent)
        self._on_units = on_units
        self._inside = [np.zeros(4)]

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def check(self, folder: Path, reads: Sequence[str]) -> None:
        """Nothing: units run here."""

    def map_units(
        self,
        fn: Callable[..., Any],
        units: Iterable[Unit],
        env: Any,
        *,
        on_done: Callable[..., None],
        cancel: Callable[[], bool] = lambda: False,
        max_retries: int = 0,
    ) -> None:
        """As `Engine.map_units`; an error of a unit is raised as it is."""
        todo = list(units)
        for unit in todo:
            if cancel():
                raise Cancelled
            with self.span(fn.__name__):
                receipt = fn(unit, env)
            on_done(unit, receipt)
        self._on_units(fn, todo, env)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """What is in it costs what `spent[name]` says then."""
        before = _so_far()
        self._inside.append(np.zeros(4))
        try:
            yield
        finally:
            total, inside = _so_far() - before, self._inside.pop()
            spent = self.spent[name]
            spent.calls += 1
            spent.total += total
            spent.own += total - inside
            spent.each.append(total)
            self._inside[-1] += total

    @contextmanager
    def spans(self, functions: dict[str, tuple[Any, str]]) -> Iterator[None]:
        """Each call of these functions is a span. functions: name of the span -> (module or class, attribute)"""
        with ExitStack() as patches:
            for name, (owner, attribute) in functions.items():
                patches.enter_context(patch.object(owner, attribute, self._measured(name, getattr(owner, attribute))))
            yield

    def _measured(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def measured(*arguments: Any, **named: Any) -> Any:
            with self.span(name):
                return function(*arguments, **named)

        return measured


def _so_far() -> np.ndarray:
    """Of this process: COSTS. Bytes are those that went through read and write, also where they came from memory."""
    told = dict(row.split(": ") for row in Path("/proc/self/io").read_text().splitlines())
    return np.array([time.perf_counter(), time.process_time(), int(told["rchar"]), int(told["wchar"])])


class MemoryOfEach(Watch):
    """The most that each kind of process held, in MB, phase by phase.

    private: in no other process; shared: the rest, such as mapped tables and libraries. `most[phase][who]` has both of
    the moment in which private was most; who is "driver" (this process) or "worker" (the largest of its children).
    """

    def __init__(self) -> None:
        super().__init__()
        self.phase = "start"
        self.most: dict[str, dict[str, dict[str, float]]] = {}

    def look(self, held: dict[str, dict[str, float]]) -> None:
        """Kept where it is more than before."""
        most = self.most.setdefault(self.phase, {})
        for process, one in held.items():
            who = "driver" if process == "self" else "worker"
            if one["private"] > most.get(who, {"private": 0.0})["private"]:
                most[who] = one
