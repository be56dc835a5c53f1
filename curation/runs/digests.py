"""Digests of all that a finished run holds, so that a bit that flips later does not go unnoticed.

run.json carries its own digest, those of the files without a receipt, and one of all receipts; a receipt carries that
of its file. So run.json vouches for the whole folder, and whoever opens it looks at that first.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curation import files

_OWN = "sha256"
_UNKNOWN = "0" * 64
"""Stands in the place of run.json's own digest while that is taken."""


def with_digest(info: dict[str, Any]) -> str:
    """The text of run.json."""
    text = files.json_text({**info, _OWN: _UNKNOWN})
    return _digest(text).join(text.rsplit(_UNKNOWN, 1))


def is_unchanged(text: str, info: dict[str, Any]) -> bool:
    """Whether the text of run.json is as it was written; one without a digest is of an earlier version."""
    own = info.get(_OWN)
    if own is None:
        return "digests" not in info
    return isinstance(own, str) and own == _digest(_UNKNOWN.join(text.rsplit(own, 1)))


def file_digests(path: Path, units: int) -> dict[str, str]:
    """sha256 (hex) of each file of a run that has no receipt, by its name; and of all receipts, as "receipts"."""
    found = {one.relative_to(path).as_posix(): files.sha256(one) for one in _files(path)}
    return {**found, "receipts": _of_receipts(path, units)}


def changed_files(path: Path, info: dict[str, Any], units: int) -> list[str]:
    """A line for each of these files that is not as it was when the run ended; none for a run without digests."""
    if "digests" not in info:
        return []
    known, now = info["digests"], file_digests(path, units)
    lines = {True: "is gone", False: "is not what it was when the run ended"}
    return [
        f"{name}: {lines[name not in now]}" if name in known else f"{name}: not a file of this run"
        for name in sorted(known.keys() | now.keys())
        if known.get(name) != now.get(name)
    ]


def _files(path: Path) -> Iterator[Path]:
    for pattern in ("*.parquet", "curves/*.npy", "rare/*.npy"):
        yield from sorted(path.glob(pattern))


def _of_receipts(path: Path, units: int) -> str:
    digest = hashlib.sha256()
    for folder in ("pairs", "filtered"):
        for number in range(units):
            one = path / folder / f"{number:05d}.json"
            digest.update(one.read_bytes() if one.is_file() else b"")
            digest.update(b"\0")
    return digest.hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
