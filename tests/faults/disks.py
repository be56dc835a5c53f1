"""Faults of the disk that a run lies on: a small one that is made larger, one that is read-only, and exports on it.

Each runs in a mount namespace of its own (`unshare -m`), in which `on_disk.py` mounts a tmpfs, does the work and prints
what came of it.
"""

import json
import subprocess
from pathlib import Path
from random import Random

from faults.driver import JOB_S, Outcome, python
from faults.subjects import Headtail

UNSHARE = ("unshare", "-m", "--propagation", "private")


def cannot() -> str:
    """Why no disk can be made here, in words; nothing where one can."""
    tried = subprocess.run(
        [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"no tmpfs can be mounted here: {tried.stderr.strip()}"


def small_disk(subject: Headtail, random: Random, kilobytes: int | None = None) -> Outcome:
    """A disk with room for part of a run only, that is then made larger."""
    return _on_disk(subject, "disk full, then larger", "small", kilobytes or random.randrange(24, 520, 4))


def read_only(subject: Headtail, random: Random) -> Outcome:
    """A disk that is read-only for a while."""
    return _on_disk(subject, "disk read-only for a while", "read-only", 4096)


def _on_disk(subject: Headtail, kind: str, how: str, kilobytes: int) -> Outcome:
    planned, mount = subject.fresh(), subject.fresh()
    command = [*UNSHARE, *python(Path(__file__).with_name("on_disk.py"), how, kilobytes, planned, mount)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=JOB_S, check=False)
    if done.returncode:
        return Outcome(kind, True, bad=[f"{kilobytes} kB: {done.stderr.strip()}"])
    found = json.loads(done.stdout.splitlines()[-1])
    bad = [f"{kilobytes} kB: {line}" for line in found["bad"]]
    expected = subject.expected
    bad += [f"{kilobytes} kB: {name} differs" for name in expected if found["contents"].get(name) != expected[name]]
    return Outcome(kind, found["fired"], found["said"], bad)
