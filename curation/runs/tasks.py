"""Tasks: what takes a while and is no run, such as an export. A task is a folder and a process, just as a run is.

    task.json      format, kind, about, arguments, state, created, error, result
    progress.json  while it works, as that of a run
    lock, cancel, output.txt   as those of a run

Who asks for a task writes its folder and starts its job; whoever looks reads the folder.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from curation import files
from curation.errors import BadRun, CurationError
from curation.runs import job
from curation.runs.folder import State, is_locked, lock
from curation.runs.trash import delete_folder

FORMAT = 1
Kind = Literal["curate", "estimate", "export", "verify"]
"""curate: plan a new run and start it; estimate: a dry run; export; verify."""

_KEYS = {"kind", "about", "arguments", "state", "created", "error", "result"}


@dataclass(frozen=True)
class Task:
    """A task that was read from its folder; its job is the one writer."""

    path: Path
    info: dict[str, Any]

    @property
    def kind(self) -> Kind:
        """What is done."""
        kind: Kind = self.info["kind"]
        return kind

    @property
    def about(self) -> str | None:
        """The path of the run that it is about, if there is one."""
        return None if self.info["about"] is None else str(self.info["about"])

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was asked for."""
        return dict(self.info["arguments"])

    @property
    def state(self) -> State:
        """As that of a run."""
        state: State = self.info["state"]
        return "interrupted" if state == "running" and not is_locked(self.path) else state

    @property
    def result(self) -> dict[str, Any] | None:
        """What it came to, once it is done."""
        return self.info["result"]

    @property
    def error(self) -> str | None:
        """Why it failed."""
        return self.info["error"]


def start_task(folder: Path, kind: Kind, arguments: dict[str, Any], about: Path | None = None) -> Task:
    """Write a task into a new folder below `folder`, and start its job; returns at once."""
    now = datetime.now(UTC)
    path = folder / f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
    path.mkdir(parents=True)
    info = {
        "format": FORMAT,
        "kind": kind,
        "about": None if about is None else str(about),
        "arguments": arguments,
        "state": "planned",
        "created": now.isoformat(timespec="seconds"),
        "error": None,
        "result": None,
    }
    files.write_json(path / "task.json", info)
    job.start(path, "task")
    return Task(path, info)


def run_task(path: Path, cancel: Callable[[], bool] = lambda: False) -> None:
    """Do a task, unless it is done; raises Cancelled, what the work raises, and BadRun where another process does it.

    It stops when `cancel()` turns true or the file `cancel` appears.
    """
    from curation.runs.task_kinds import KINDS

    with lock(path):
        task = open_task(path)
        if task.state == "done":
            return
        task.info["result"] = None
        with job.told_in(path, partial(_set_state, task)):
            task.info["result"] = KINDS[task.kind](task, lambda: cancel() or (path / "cancel").exists())


def open_task(path: Path) -> Task:
    """Read the folder of a task; raises BadRun, UnreadableFile."""
    info = files.read_json(path / "task.json")
    if not isinstance(info, dict) or info.get("format") != FORMAT or _KEYS - info.keys():
        raise BadRun(f"{path}: no task that this version reads")
    return Task(path, info)


def list_tasks(folder: Path, most: int = 100) -> list[Task]:
    """The newest tasks in a folder, the last one first; whatever else is in there is passed over."""
    found: list[Task] = []
    # their names ascend with time: old ones need not be opened
    for path in sorted(folder.iterdir(), reverse=True) if folder.is_dir() else ():
        with suppress(CurationError):
            found.append(open_task(path))
        if len(found) == most:
            break
    return found


def forget_task(path: Path) -> None:
    """Delete the folder of a task, not what it made; raises BadRun where its job lives, or somebody else did it."""
    with lock(path):
        delete_folder(path)


def _set_state(task: Task, state: State, error: str | None) -> None:
    task.info.update(state=state, error=error)
    files.write_json(task.path / "task.json", task.info)
