"""Where a job stands, read back from its folder by whoever sees it: a page, or a command on another machine."""

import re
from pathlib import Path
from typing import Any, TypeVar

from curation.engines import Node, Status, Trouble, UnderWay
from curation.errors import UnreadableFile
from curation.runs.progress import Progress, read_progress

Number = TypeVar("Number", int, float)

LARGEST = 2**63


def standing(path: Path) -> Progress | None:
    """The last progress of a job, or None before the first; raises UnreadableFile where the file holds no such thing.

    Engines tell more from version to version: what is not understood of one is passed over.
    """
    found = read_progress(path)
    if found is None:
        return None
    try:
        return Progress(
            phase=_word(found["phase"]),
            done=_number(int, found["done"]),
            total=_number(int, found["total"]),
            of=_word(found["of"]),
            rate=_number(float, found["rate"]),
            eta_s=None if found["eta_s"] is None else _number(float, found["eta_s"]),
            elapsed_s=_number(float, found["elapsed_s"]),
            engine=_status(found.get("engine")),
        )
    except (KeyError, TypeError, ValueError):
        raise UnreadableFile(f"{path / 'progress.json'}: not the progress of a job") from None


def in_words(progress: Progress, title: str) -> str:
    """How far a phase is, and how long it will take. title: of the phase

    >>> in_words(Progress("match", 4_000, 8_000, "rows", 200.0, 20.0, 25.0), "Matching")
    'Matching: 4,000 of 8,000 rows, 200 a second, about 20 s left in this step'
    """
    done = min(progress.done, progress.total)
    line = f"{title}: {done:,} of {max(progress.total, 1):,} {progress.of}"
    if progress.rate and progress.eta_s is not None and done < progress.total:
        line += f", {progress.rate:,.0f} a second, about {seconds(progress.eta_s)} left in this step"
    return line


def share(progress: Progress) -> float:
    """How far a phase is, from 0 to 1."""
    return min(progress.done / max(progress.total, 1), 1.0)


def seconds(value: float) -> str:
    """A duration in the words of people.

    >>> seconds(7.4), seconds(150), seconds(7300)
    ('7 s', '2 min 30 s', '2 h 1 min')
    """
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def _status(found: Any) -> Status | None:
    try:
        return Status(
            workers=_number(int, found["workers"]),
            nodes=tuple(
                Node(_text(one["name"]), _number(int, one["workers"]), _number(int, one["done"]), one["alive"] is True)
                for one in found["nodes"]
            ),
            retries=_number(int, found["retries"]),
            failed=_number(int, found["failed"]),
            under_way=tuple(
                UnderWay(_text(one["unit"]), _number(float, one["seconds"]), one["slow"] is True)
                for one in found["under_way"]
            ),
            troubles=tuple(
                Trouble(_number(int, one["number"]), _text(one["unit"]), _text(one["reason"]), one["again"] is True)
                for one in found.get("troubles", ())
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _number(kind: type[Number], value: Any) -> Number:
    """A number that counts something; of a whole one no other kind will do."""
    if type(value) not in (int, kind) or not 0 <= value < LARGEST:
        raise ValueError
    return kind(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _word(value: Any) -> str:
    """What we call a phase, or what is counted: nothing that a page would read as markup."""
    if re.fullmatch("[a-z ]{0,40}", value) is None:
        raise ValueError
    return str(value)
