"""A fault at the n-th system call of a kind, by strace; only calls that touch the folder count as fired.

strace counts the calls of a process wherever they go, and temporary names are random. So an undisturbed job is recorded
once, which tells the numbers at which calls touch the folder; that the fault fired there is then read off its trace.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Literal

from faults.driver import Job, Outcome, Subject, judge

CALLS = ("openat", "write", "fsync", "rename", "unlink", "mkdir", "pwrite64", "ftruncate")
What = Literal["SIGKILL", "ENOSPC", "EIO"]
_TRACE = ("strace", "-f", "-qq", "-y", "-e", "signal=none", "-s", "0")
_LINE = re.compile(r"^(\d+) +(\w+)\(")


@dataclass(frozen=True)
class Call:
    """The n-th call of this name by a process."""

    name: str
    n: int


@cache
def calls_of(subject: Subject) -> list[Call]:
    """The calls of an undisturbed job that touch its folder and change it."""
    path = subject.fresh()
    trace = path.with_name(f"{path.name}.trace")
    job = Job(subject, path, (*_TRACE, "-e", f"trace={','.join(CALLS)}", "-o", str(trace)))
    assert job.wait() == 0, job.said()
    counted: Counter[tuple[str, str]] = Counter()
    found: dict[Call, None] = {}
    for line in trace.read_text(errors="replace").splitlines():
        if match := _LINE.match(line):
            counted[match[1], match[2]] += 1
            if _touches(line, path):
                found[Call(match[2], counted[match[1], match[2]])] = None
    return list(found)


def at_a_call(what: What, subject: Subject, random: Random, call: Call | None = None) -> Outcome:
    """Let one call of a job fail, or kill the process that makes it."""
    call = call or random.choice(calls_of(subject))
    path = subject.fresh()
    trace = path.with_name(f"{path.name}.trace")
    fault = "signal=KILL" if what == "SIGKILL" else f"error={what}"
    under = (
        *_TRACE, "-e", f"trace={call.name}", "-e", f"inject={call.name}:{fault}:when={call.n}", "-o", str(trace),
    )  # fmt: skip
    job = Job(subject, path, under)
    job.wait()
    fired = _fired(what, trace, path, call)
    outcome = judge(f"{what} at a system call", subject, job, fired=fired)
    outcome.bad = [f"{call.name} {call.n} of {path.name}: {bad}" for bad in outcome.bad]
    return outcome


def _fired(what: What, trace: Path, path: Path, call: Call) -> bool:
    counted: Counter[str] = Counter()
    for line in trace.read_text(errors="replace").splitlines():
        if not (match := _LINE.match(line)):
            continue
        counted[match[1]] += 1
        injected = counted[match[1]] == call.n if what == "SIGKILL" else "(INJECTED)" in line
        if injected and str(path) in line:
            return True
    return False


def _touches(line: str, path: Path) -> bool:
    return f"{path}/" in line and not ("openat(" in line and "O_CREAT" not in line)
