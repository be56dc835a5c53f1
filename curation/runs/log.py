"""log.txt of a run: what happened, in words, a line each. That it cannot be written never stops a run."""

import time
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from types import TracebackType

from curation.engines import Engine, Node, Status
from curation.engines.words import counted, place

NAMED = 20
"""So many nodes are named at the start."""


def write_line(path: Path, line: str) -> None:
    """Add a line to the log of the run in a folder."""
    line = "".join(char if char.isprintable() else " " for char in line)  # the name of a file may hold anything
    with suppress(OSError), (path / "log.txt").open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")


class Log:
    """Writes down what becomes of an engine. Used as a context: in the end it looks once more, however that came."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self._path, self._engine = path, engine
        self._nodes: tuple[Node, ...] = ()
        self._retries = self._trouble = 0

    def __enter__(self) -> "Log":
        status = self._engine.status
        write_line(self._path, f"engine {self._engine.name}: {place(status)}{_named(status.nodes)}")
        self._nodes = status.nodes
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.look()

    def phase(self, name: str, seconds: float) -> None:
        """A phase is over."""
        write_line(self._path, f"{name} took {seconds:,.1f} s")

    def look(self) -> Status:
        """How the engine stands now; what is new is written down."""
        status = self._engine.status
        for before, now in zip_longest(self._nodes, status.nodes):
            if now is not None and now.alive != (before is not None and before.alive):
                joined = f"node {now.name} joined: {counted(now.workers, 'worker')}"
                write_line(self._path, joined if now.alive else f"node {now.name} is lost; its units go to the others")
        self._nodes = status.nodes
        self._look_at_tries(status)
        return status

    def _look_at_tries(self, status: Status) -> None:
        new = [trouble for trouble in status.troubles if trouble.number > self._trouble]
        for trouble in new:
            what = "was tried again" if trouble.again else "failed at every try"
            write_line(self._path, f"{trouble.unit} {what}: {trouble.reason}")
        # of those that came too fast to be kept there is only the number
        if (unnamed := status.retries - self._retries - sum(trouble.again for trouble in new)) > 0:
            write_line(self._path, f"{counted(unnamed, 'unit')} tried again")
        self._retries = status.retries
        self._trouble = new[-1].number if new else self._trouble


def _named(nodes: tuple[Node, ...]) -> str:
    if len(nodes) <= 1:
        return ""
    more = f" and {len(nodes) - NAMED:,} more" if len(nodes) > NAMED else ""
    return f": {', '.join(f'{node.name} ({node.workers})' for node in nodes[:NAMED])}{more}"
