"""Big read-only arrays: written once to a folder that all nodes see, copied once to each node, mapped by its processes.

The function of a unit asks `on_this_node` for the folder to map from. Where workers run on the machine that wrote it,
that is the folder itself; a worker of a cluster gets a copy on a disk of its own node, made by whichever process comes
first, so that a thousand processes do not page over the network.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curation import files
from curation.errors import CurationError, UnreadableFile

MANIFEST = "manifest.json"

LEFTOVER_S = 7 * 24 * 3600.0
"""Copies of a session that nobody asked for so long are those of a driver that was killed."""

_session: str | None = None
_checked: dict[Path, Path] = {}
"""Copies that this process has checked, by the folder they are of."""


def seal(folder: Path) -> None:
    """Write down what a folder holds, sub-folders included: sizes and sha256, by which each copy is checked."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    held = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": files.sha256(path)}
        for path in paths
    }
    files.write_json(folder / MANIFEST, {"files": held})


def copy_for(session: str) -> None:
    """From now on this process takes copies of its own node, those of this session."""
    global _session  # noqa: PLW0603
    if session != _session:
        _session = session
        _checked.clear()


def has_copies() -> bool:
    """Whether this process has taken a copy in this session."""
    return bool(_checked)


def on_this_node(folder: Path) -> Path:
    """Where to map the arrays of a sealed folder from: a copy on this node, or the folder itself.

    raises UnreadableFile where the folder is not what it was when it was sealed, or cannot be read
    """
    if _session is None:
        return folder
    known = _checked.get(folder)
    if known is None or not known.is_dir():
        _checked[folder] = known = _copied(folder, _session)
    return known


def remove_copies(session: str) -> None:
    """Remove from this node the copies of a session, and those that older drivers left. What is mapped stays mapped."""
    root = _root()
    oldest = time.time() - LEFTOVER_S
    for path in root.iterdir():
        if path.name == session or path.stat().st_mtime < oldest:
            shutil.rmtree(path, ignore_errors=True)


def _copied(folder: Path, session: str) -> Path:
    try:
        manifest = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{folder / MANIFEST}: {error.strerror}") from None
    parent = _root() / session
    parent.mkdir(mode=0o700, exist_ok=True)
    os.utime(parent)
    copy = parent / hashlib.sha256(manifest).hexdigest()
    with _locked(copy.with_suffix(".lock")):
        if _wrong_in(copy) is not None:
            _copy(folder, copy)
    return copy


def _copy(folder: Path, copy: Path) -> None:
    """Copy whole or not at all; only for who holds the lock."""
    for leftover in copy.parent.glob(f".{copy.name}.*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished = copy.with_name(f".{copy.name}.{secrets.token_hex(4)}")
    try:
        shutil.copytree(folder, unfinished)
        wrong = _wrong_in(unfinished)
        if wrong is not None:
            raise UnreadableFile(f"{folder / wrong}: not what it was when the work began; run that step again")
        if copy.exists():  # damaged
            copy.rename(copy.with_name(f".{copy.name}.damaged"))
        unfinished.rename(copy)
    except shutil.Error as error:
        raise UnreadableFile(f"{folder}: {error.args[0][0][2]}") from None
    finally:
        for leftover in copy.parent.glob(f".{copy.name}.*"):
            shutil.rmtree(leftover, ignore_errors=True)


def _wrong_in(copy: Path) -> str | None:
    """The first file of a copy that is not as its manifest says; None where all are."""
    if not (copy / MANIFEST).is_file():
        return MANIFEST
    for name, held in files.read_json(copy / MANIFEST)["files"].items():
        path = copy / name
        if not path.is_file() or path.stat().st_size != held["bytes"] or files.sha256(path) != held["sha256"]:
            return str(name)
    return None


def _root() -> Path:
    """The folder of this user on the node's own disk, closed to others."""
    root = Path(tempfile.gettempdir()) / f"headtail-{os.geteuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise CurationError(f"{root}: others can write there; remove it, or set TMPDIR to a folder of your own")
    return root


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process of this node at a time; one that is killed lets go."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
