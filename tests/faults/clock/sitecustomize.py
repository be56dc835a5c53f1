"""Python reads this at its start where it is on the path: the clock of the process jumps after a second of work.

Durations are taken from the monotonic clock, which no setting of the clock moves, and neither does this.
"""

import os
import sys
import time
from pathlib import Path

JUMP_S = float(os.environ.get("JUMP", "0"))
_real, _strftime, _began = time.time, time.strftime, time.monotonic()


def _time() -> float:
    if time.monotonic() - _began < 1.0:
        return _real()
    if sys.argv[1:2] == ["run"]:
        (Path(sys.argv[2]) / "jumped").touch()
    return _real() + JUMP_S


def _local(form: str, moment: "time.struct_time | None" = None) -> str:
    return _strftime(form, time.localtime(_time()) if moment is None else moment)


time.time, time.strftime = _time, _local
