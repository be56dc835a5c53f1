"""Functions of units for the tests of engines: workers find them by this module's name.

Each leaves a file an attempt in env["folder"], so that a test can tell how often a unit really ran.
"""

import os
import resource
import secrets
import signal
import time
from pathlib import Path

import numpy as np

from curation.engines.shared import on_this_node
from curation.errors import CurationError


def attempt(unit, env):
    folder = Path(env["folder"])
    (folder / f"{unit.index}-{os.getpid()}-{secrets.token_hex(4)}").touch()
    return len(list(folder.glob(f"{unit.index}-*")))


def multiply(unit, env):
    attempt(unit, env)
    return unit.index * env["by"]


def sleep(unit, env):
    attempt(unit, env)
    time.sleep(env["seconds"])
    return unit.index


def fail_first(unit, env):
    """Unit 5 fails at its first env["times"] attempts."""
    if attempt(unit, env) <= env["times"] and unit.index == 5:
        raise OSError("disk")
    return unit.index


def fail_always(unit, env):
    attempt(unit, env)
    raise OSError("disk")


def refuse(unit, env):
    attempt(unit, env)
    raise CurationError("damaged")


def crash(unit, env):
    """Unit 5 takes its worker with it, at its first env["times"] attempts."""
    if attempt(unit, env) <= env["times"] and unit.index == 5:
        os.kill(os.getpid(), env.get("signal", signal.SIGSEGV))
    return unit.index


def stay(unit, env):
    """Unit 5 takes long; the others do not."""
    attempt(unit, env)
    if unit.index == 5:
        time.sleep(env["seconds"])
    return unit.index


def slowly(unit, env):
    """Any function of units, with an attempt's file and time enough to be killed in."""
    fn, its_env, folder, seconds = env
    (Path(folder) / f"{fn.__name__}-{unit.index}-{os.getpid()}-{secrets.token_hex(4)}").touch()
    time.sleep(seconds)
    return fn(unit, its_env)


def map_array(unit, env):
    """Where this process maps the arrays from, and the sum of one of them."""
    place = on_this_node(Path(env["arrays"]))
    return str(place), int(np.load(place / "parts" / "counts.npy", mmap_mode="r").sum())


def hungry(unit, env):
    """Unit 5 asks for more memory than its worker may have, at its first env["times"] attempts."""
    if attempt(unit, env) <= env["times"] and unit.index == 5:
        limits = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (2**34, limits[1]))
        try:
            bytearray(2**35)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limits)
    return unit.index
