"""A driver as a process of its own: python -m engines.drive ADDRESS FOLDER SECONDS runs 8 units that take so long.

It says `ready` when a unit has begun, and ends as a command does: an error in one line, and its exit code.
"""

import sys
from pathlib import Path

import engines.work as work
from curation.engines import Cancelled, Unit
from curation.engines.ray import RayEngine
from curation.errors import CurationError
from curation.runs.job import stop_on_signal


def say(word):
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def drive(address, folder, seconds):
    told = []

    def watch():
        if not told and any(Path(folder).iterdir()):
            told.append(True)
            say("ready")
        return stopped()

    try:
        with stop_on_signal() as stopped, RayEngine(address) as engine:
            engine.map_units(
                work.sleep,
                [Unit(index, "pool.parquet", (index,)) for index in range(8)],
                {"folder": folder, "seconds": float(seconds)},
                on_done=lambda unit, got: None,
                cancel=watch,
            )
    except Cancelled:
        say("cancelled")
        return 130
    except CurationError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(drive(*sys.argv[1:]))
