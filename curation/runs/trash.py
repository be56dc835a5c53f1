"""The trash: a visible folder in the workspace. What is in there can be put back until it is deleted for good.

    trash/<time>-<id>/<folder of the run>

Moving is one rename, so it has happened or not; of two who try at once, one does it and the other is told.
"""

import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from curation.errors import BadRun, CurationError
from curation.runs.folder import Run, lock, open_run

TRASH = "trash"
_TIME = "%Y%m%dT%H%M%SZ"
_DELETING = ".deleting-"


@dataclass(frozen=True)
class Trashed:
    """A run in the trash; place: the folder in the trash that holds the run's own."""

    place: Path
    run: Run

    @property
    def trashed(self) -> datetime:
        """When it was moved there."""
        return datetime.strptime(self.place.name.split("-")[0], _TIME).replace(tzinfo=UTC)


def move_to_trash(path: Path) -> Path:
    """Move a run out of the workspace that it is in; returns its folder in the trash.

    raises BadRun where its job lives (it must be cancelled first), or where there is no run any more
    """
    open_run(path)
    place = path.parent / TRASH / f"{datetime.now(UTC).strftime(_TIME)}-{secrets.token_hex(4)}"
    with lock(path):
        place.mkdir(parents=True)
        try:
            path.rename(place / path.name)
        except FileNotFoundError:
            place.rmdir()
            raise _gone(path) from None
    return place / path.name


def list_trash(workspace: Path) -> list[Trashed]:
    """The runs in the trash of a workspace, the last one moved there first; other things are passed over."""
    found = []
    for place in (workspace / TRASH).iterdir() if (workspace / TRASH).is_dir() else ():
        if not place.name.startswith("."):
            with suppress(CurationError, OSError, ValueError):
                (inside,) = place.iterdir()
                trashed = Trashed(place, open_run(inside))
                found.append((trashed.trashed, trashed))
    return [trashed for _, trashed in sorted(found, key=lambda pair: (pair[0], pair[1].place.name), reverse=True)]


def restore(trashed: Trashed) -> Path:
    """Put a run back where it was; raises BadRun where something of its name is there, or it is not in the trash."""
    path = trashed.place.parent.parent / trashed.run.path.name
    if path.exists():
        raise BadRun(f"{path}: is there again; move that one to the trash first")
    try:
        trashed.run.path.rename(path)
    except FileNotFoundError:
        raise _gone(trashed.run.path) from None
    with suppress(OSError):
        trashed.place.rmdir()
    return path


def delete_for_good(trashed: Trashed) -> None:
    """Delete a run in the trash and free its disk; raises BadRun where somebody else did, or put it back."""
    if not trashed.run.path.exists():
        raise _gone(trashed.run.path)
    delete_folder(trashed.place)


def delete_folder(path: Path) -> None:
    """Delete a folder, which is gone at once for all who look; raises BadRun for all but one who do it."""
    try:
        path.rename(path.with_name(_DELETING + path.name))
    except FileNotFoundError:
        raise _gone(path) from None
    for leftover in path.parent.glob(f"{_DELETING}*"):  # also of one who was killed over it
        shutil.rmtree(leftover, ignore_errors=True)


def bytes_on_disk(folder: Path) -> int:
    """How much the files of a folder take."""
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(Path(inside) / name).st_size
    return total


def _gone(path: Path) -> BadRun:
    return BadRun(f"{path}: is not there any more; somebody moved or deleted it")
