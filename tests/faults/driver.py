"""Runs that are disturbed: a real job over a small pool meets a fault, is resumed, and must come to what it comes to.

A subject is something that works in a folder and can be gone on with: headtail's own job, or the naive writer of
`naive.py`, on which the same faults must do harm. A fault is a function of a subject and a generator of random numbers.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

JOB_S = 300.0
GONE_S = 10.0
"""So long after a job its workers may take to be gone."""

RESUMES = 3


@dataclass
class Outcome:
    """What a fault came to. fired: whether it met the job at all; said: its last line; bad: what is not as promised."""

    kind: str
    fired: bool
    said: str = ""
    bad: list[str] = field(default_factory=list)


class Subject(Protocol):
    """What is disturbed. seconds: how long it works undisturbed, about."""

    name: str
    seconds: float

    def fresh(self) -> Path:
        """A folder of its own in which nothing is done yet."""

    def start(self, path: Path, output: Path, under: tuple[str, ...], **env: str) -> "Process":
        """The job, which also goes on with a stopped one, in a session of its own; under: strace or nothing."""

    def go_on(self, path: Path) -> str | None:
        """Do the rest in this process; the one line where that is refused."""

    def differs(self, path: Path) -> list[str]:
        """What is not as in an undisturbed folder."""


Fault = Callable[[Subject, Random], Outcome]


class Process(Protocol):
    """A job that was started. pid: of the job, which leads a session of its own"""

    pid: int

    def wait(self) -> int:
        """Wait for it; its exit code, negative for a signal."""


class Detached:
    """A job of another process: over when it is gone; that it printed nothing is the best there is for an exit code."""

    def __init__(self, pid: int, output: Path) -> None:
        self.pid = pid
        self._output = output

    def wait(self) -> int:
        while self.pid in processes_of(self.pid):
            time.sleep(0.02)
        return int(bool(self._output.is_file() and self._output.read_text()))


class Job:
    """A job in a process of its own, and all processes that come of it: they share its session."""

    def __init__(
        self, subject: Subject, path: Path, under: tuple[str, ...] = (), env: dict[str, str] | None = None
    ) -> None:
        """under: strace with its arguments; env: more of the environment, of a job that is not forked"""
        self.path = path
        self.hung = False
        self._output = path.with_name(f"{path.name}.output")
        self.process = subject.start(path, self._output, under, **(env or {}))
        self.pid = self.process.pid

    @classmethod
    def of(cls, path: Path, pid: int) -> "Job":
        """One that somebody else started, who may not be there any more to wait for it."""
        made = cls.__new__(cls)
        made.path, made.pid, made.hung = path, pid, False
        made._output, made.process = path / "output.txt", Detached(pid, path / "output.txt")
        return made

    def wait(self) -> int:
        """Its exit code; -9 where it hung."""
        timer = threading.Timer(JOB_S, self._end)
        timer.start()
        try:
            return self.process.wait()
        finally:
            timer.cancel()

    def _end(self) -> None:
        self.hung = True
        for pid in processes_of(self.pid):
            kill(pid)

    def said(self) -> str:
        """What it printed; a forked job that is killed at once has not come to where it opens the file."""
        return self._output.read_text(errors="replace") if self._output.is_file() else ""

    def workers(self) -> list[int]:
        """Its worker processes: all that is no strace and no tracker of resources."""
        others = (b"resource_tracker", b"strace")
        here = [pid for pid in processes_of(self.pid) if pid != self.pid]
        return [pid for pid in here if not any(other in _read(pid, "cmdline") for other in others)]

    def left_behind(self) -> list[str]:
        """Processes that outlive the job."""
        until = time.monotonic() + GONE_S
        while (left := processes_of(self.pid)) and time.monotonic() < until:
            time.sleep(0.02)
        for pid in left:
            kill(pid)
        return [f"process {pid} outlived its job" for pid in left]


def start(command: list[str], output: Path, under: tuple[str, ...] = (), **env: str) -> "subprocess.Popen[bytes]":
    """Start a job as the app does: a session of its own, and what it says into a file."""
    with output.open("ab") as file:
        return subprocess.Popen(
            [*under, *command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **env},
        )


def attach(under: tuple[str, ...], pid: int) -> None:
    """Have strace follow a stopped process, and let it go on."""
    while _stat(pid)[0] != b"T":
        time.sleep(0.002)
    tracer = subprocess.Popen([*under, "-p", str(pid)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while b"TracerPid:\t0" in _read(pid, "status"):
        assert tracer.poll() is None, "strace cannot follow a process here"
        time.sleep(0.005)
    threading.Thread(target=tracer.wait, daemon=True).start()
    kill(pid, signal.SIGCONT)


def judge(kind: str, subject: Subject, job: Job, *, fired: bool, may_refuse: str = "") -> Outcome:
    """Wait for a disturbed job, go on with it until it is done, and compare.

    may_refuse: a pattern of the line with which going on may be refused for good; what was kept is then not compared
    """
    code = job.wait()
    outcome = Outcome(kind, fired, last_line(job.said()))
    outcome.bad += ["hung"] * job.hung + job.left_behind() + told_badly(code, job.said())
    for _ in range(RESUMES):
        refused = subject.go_on(job.path)
        if refused is None:
            break
        outcome.said = refused
    if refused is None:
        outcome.bad += subject.differs(job.path)
    elif not may_refuse or not re.search(may_refuse, refused):
        outcome.bad.append(f"cannot be gone on with: {refused}")
    if not outcome.bad:
        shutil.rmtree(job.path, ignore_errors=True)
    return outcome


def told_badly(code: int, said: str) -> list[str]:
    """What is wrong with what a job printed: nothing, or one line where it failed, is right."""
    # what is started again after its end says once more that it is there
    lines = list(dict.fromkeys(line for line in said.splitlines() if line.strip()))
    if "Traceback" in said:
        return [f"a traceback: {lines[-1]}"]
    if code == 1 and len(lines) != 1:
        return [f"{len(lines)} lines where it failed: {' | '.join(lines[:3])}"]
    if code not in (0, 1, -signal.SIGKILL, 128 + signal.SIGKILL):
        return [f"exit code {code}"]
    return []


def last_line(said: str) -> str:
    return said.strip().splitlines()[-1] if said.strip() else ""


def processes_of(session: int) -> list[int]:
    """All processes of a session, zombies that nobody has waited for too."""
    return [pid for pid in _pids() if (stat := _stat(pid)) and int(stat[3]) == session]


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def has(*commands: str) -> str:
    """Why a fault cannot be made here, in words; nothing where it can."""
    missing = [command for command in commands if shutil.which(command) is None]
    return f"no {' and no '.join(missing)} here; install it with apt-get" if missing else ""


def python(*arguments: object) -> list[str]:
    return [sys.executable, *map(str, arguments)]


def _pids() -> list[int]:
    return [int(name.name) for name in Path("/proc").iterdir() if name.name.isdigit()]


def _stat(pid: int) -> list[bytes]:
    """State, parent, group, session and so on."""
    return _read(pid, "stat").rpartition(b")")[2].split()


def _read(pid: int, what: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{what}").read_bytes()
    return b""
