"""A run, a task, a training or a ladder as a process of its own: it outlives the page or terminal that asked for it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from curation import files
from curation.engines import Cancelled
from curation.engines.config import EngineConfig
from curation.errors import CurationError
from curation.runs.folder import State, is_locked

Command = Literal["run", "task", "training", "climb"]

NICE = 10
"""What a detached job yields to the app by: who looks at a page waits for it, and a job has the time that is left."""


def start(path: Path, command: Command = "run") -> subprocess.Popen[bytes] | None:
    """Start the job of a run, a task, a training or a ladder, detached; None where one works on it already.

    Of two that start at the same moment the second ends at once, for the first holds the lock. It and all that it
    starts leave the processors to others, by `NICE`.
    """
    if is_locked(path):
        return None
    with (path / "output.txt").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "curation", command, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
    # somebody has to wait for it, or it stays a zombie until this process ends
    threading.Thread(target=process.wait, name=f"wait for {process.pid}", daemon=True).start()
    return process


def choose_engine(path: Path, config: EngineConfig) -> None:
    """Say where the units of a run are to run from the next start on; its results are the same everywhere."""
    files.write_json(path / "engine.json", asdict(config))


def engine_of(path: Path) -> EngineConfig:
    """Where the units of a run run; this machine where nobody said."""
    with suppress(CurationError, TypeError):
        return EngineConfig(**files.read_json(path / "engine.json"))
    return EngineConfig()


def cancel(path: Path) -> None:
    """Ask a job to stop; it gives up the units, or ends after the step, under way. Harmless where none runs."""
    (path / "cancel").touch()


@contextmanager
def told_in(path: Path, tell: Callable[[State, str | None], None]) -> Iterator[None]:
    """Around the work of a job that holds the lock of its folder: lets the folder tell how the work goes, and ended.

    tell: writes the state, and the one line of an error
    """
    (path / "cancel").unlink(missing_ok=True)  # of the job before, and so is progress.json
    with suppress(OSError):  # telling may fail without failing the work
        (path / "progress.json").unlink()
    files.remove_leftovers(path)
    try:
        tell("running", None)
        yield
        files.remove_leftovers(path)  # of a worker that was killed while the others went on
        tell("done", None)
    except Cancelled:
        tell("cancelled", None)
        raise
    except BaseException as error:
        with suppress(OSError, CurationError):  # a full disk: the lock is freed, so it reads as interrupted
            tell("failed", str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """A function that tells whether Ctrl-C or SIGTERM arrived; the second Ctrl-C ends the process the hard way."""
    arrived = []

    def note(number: int, frame: object) -> None:
        arrived.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(arrived)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
