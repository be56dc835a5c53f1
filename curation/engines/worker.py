"""The process of a local worker: it is given a function and what all units share, then units, one at a time."""

import multiprocessing
import signal
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from curation import files
from curation.children import die_with_parent
from curation.engines.engine import told
from curation.engines.unit import Unit
from curation.errors import CurationError, DiskFull


class Outcome(NamedTuple):
    """What became of a unit: its receipt, an error that the user can mend, or why it failed, in one line."""

    receipt: Any = None
    error: CurationError | None = None
    failure: str | None = None


def serve(connection: Connection) -> None:
    """Do what comes through the connection until it is closed: a pair (fn, env), or a unit for the last of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is for the process that hands out units
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if (parent := multiprocessing.parent_process()) is not None and parent.pid is not None:
        die_with_parent(parent.pid)  # elsewhere than on Linux the closed connection ends it, a unit later
    task: tuple[Any, Any] = (None, None)
    broken: str | None = None
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return
        except Exception as error:  # fn or env cannot be had here: every unit of theirs says so
            broken = told(error)
            continue
        if isinstance(message, Unit):
            outcome = Outcome(failure=broken) if broken else outcome_of(*task, message)
            try:
                connection.send(outcome)
            except OSError:  # the process that handed out the unit has ended
                return
        else:
            task, broken = message, None


def outcome_of(fn: Any, env: Any, unit: Unit) -> Outcome:
    """Do a unit."""
    try:
        return Outcome(receipt=fn(unit, env))
    except CurationError as error:
        return Outcome(error=error)
    except OSError as error:
        if files.is_full(error):  # it is so for every unit, and at every try
            return Outcome(error=DiskFull("the disk is full"))
        return Outcome(failure=told(error))
    except Exception as error:
        return Outcome(failure=told(error))
