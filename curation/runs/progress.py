"""How far a run is: told to a callback and to progress.json, which pages read."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curation import files
from curation.engines import Status
from curation.runs.log import Log

WRITE_EVERY_S = 0.5
BEAT_S = 2.0
"""So often it is told anew, whether anything was done or not."""


@dataclass(frozen=True)
class Progress:
    """One moment of a run.

    phase:   "filter" and "compare" where filters are on; "match", "balance" and "curves"; of a training "decode" and
             "train"
    done:    rows of the pool that this phase is through with, or bytes; total: rows or bytes of the pool; of a
             training pairs of the run, and samples seen
    of:      "rows", or "bytes" where not every file tells its rows beforehand; "pairs" of a training
    rate:    of them a second in this phase, 0 where it is not known yet
    eta_s:   seconds to the end of this phase, None where the rate is not known
    elapsed_s: seconds since the job started (monotonic clock)
    engine:  how the engine stands that does the work; None where none is used
    """

    phase: str
    done: int
    total: int
    of: str
    rate: float
    eta_s: float | None
    elapsed_s: float
    engine: Status | None = None


class Reporter:
    """Turns counted rows into `Progress`. That a report cannot be written never stops a run."""

    def __init__(
        self,
        path: Path,
        total: int,
        of: str,
        on_progress: Callable[[Progress], None],
        log: Log | None = None,
    ) -> None:
        """log: of the run, which knows its engine; None where neither is"""
        self._path = path
        self._total = total
        self._of = of
        self._on_progress = on_progress
        self._log = log
        self._engine: Status | None = None
        self._phase = ""
        self._started = time.monotonic()
        self._sequence = 0
        self._written = -WRITE_EVERY_S
        self.seconds: dict[str, float] = {}

    def phase(self, name: str, already_done: int = 0, total: int | None = None) -> None:
        """A phase begins, `already_done` of its rows by an earlier job; `total` where it has one of its own."""
        if name != self._phase:
            self.end_phase()
            self._phase, self._phase_started = name, time.monotonic()
        self._total = self._total if total is None else total
        self._done, self._done_before, self._counted_from = already_done, already_done, time.monotonic()
        self._report(write=True)

    def add(self, rows: int) -> None:
        """So many more rows are done."""
        self._done += rows
        self._report(write=time.monotonic() - self._written >= WRITE_EVERY_S)

    def beat(self) -> None:
        """Nothing was done, but it goes on."""
        if time.monotonic() - self._written >= BEAT_S:
            self._report(write=True)

    def end_phase(self) -> None:
        """The phase under way is over; its seconds are noted."""
        if self._phase:
            self.seconds[self._phase] = round(time.monotonic() - self._phase_started, 3)
            self._report(write=True)
            if self._log is not None:
                self._log.phase(self._phase, self.seconds[self._phase])

    def _report(self, write: bool) -> None:
        now = time.monotonic()
        counted, seconds = self._done - self._done_before, now - self._counted_from
        rate = counted / seconds if counted and seconds > 0 else 0.0
        if write and self._log is not None:
            self._engine = self._log.look()
        progress = Progress(
            phase=self._phase,
            done=self._done,
            total=self._total,
            of=self._of,
            rate=rate,
            eta_s=(self._total - self._done) / rate if rate else None,
            elapsed_s=now - self._started,
            engine=self._engine,
        )
        self._on_progress(progress)
        if write:
            self._written = now
            self._sequence += 1
            with suppress(OSError):
                files.write_json(self._path / "progress.json", {"sequence": self._sequence, **asdict(progress)})


def read_progress(path: Path) -> dict[str, Any] | None:
    """The last progress of a run, or None before the first."""
    return files.read_json(path / "progress.json") if (path / "progress.json").is_file() else None
