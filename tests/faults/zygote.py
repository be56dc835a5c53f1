"""A process that has imported everything already, and forks a job whenever it is told to: a tenth of a second each.

Reads lines of JSON: {"command", "output", "stop"} starts a command of headtail, {"wait"} waits for a pid; each is
answered with a line. `headtail run` is in all else what it is, but its workers are forked, so that they import nothing.
"""

import json
import multiprocessing
import os
import signal
import sys

from curation import cli
from curation.engines import local
from curation.runs import curate  # noqa: F401  # imported here, once for all jobs
from curation.runs.export import write  # noqa: F401


def main() -> None:
    cli.app(["warm-up"], result_action="return_none")
    for line in sys.stdin:
        asked = json.loads(line)
        answer = _ended(asked["wait"]) if "wait" in asked else _started(**asked)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _started(command: list[str], output: str, stop: bool) -> int:
    if pid := os.fork():
        return pid
    os.setsid()
    nothing, told = os.open(os.devnull, os.O_RDONLY), os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, descriptor in enumerate((nothing, told, told)):
        os.dup2(descriptor, number)
    sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
    local._CONTEXT = multiprocessing.get_context("fork")
    if stop:
        os.kill(os.getpid(), signal.SIGSTOP)
    try:
        cli.main(command)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stderr.flush()
    os._exit(code)


def _ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
