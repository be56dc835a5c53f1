"""Where a job stands, read back from its folder by whoever sees it: a page, or a command on another machine."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from curation.engines import Node, Status, Trouble, UnderWay
from curation.errors import UnreadableFile
from curation.runs.form import count, misfit, number
from curation.runs.progress import Progress, read_progress

Made = TypeVar("Made")


def _amount(value: Any) -> bool:
    return number(value) and 0 <= value < 2**63


def _word(value: Any) -> bool:
    """What we call a phase, or what is counted: nothing that a page would read as markup."""
    return isinstance(value, str) and re.fullmatch("[a-z ]{0,40}", value) is not None


PROGRESS = {
    "phase": _word, "of": _word, "done": count, "total": count, "rate": _amount, "eta_s?": _amount,
    "elapsed_s": _amount,
}  # fmt: skip
STATUS = {
    "workers": count, "retries": count, "failed": count,
    "nodes": [{"name": str, "workers": count, "done": count, "alive": bool}],
    "under_way": [{"unit": str, "seconds": _amount, "slow": bool}],
    "troubles?": [{"number": count, "unit": str, "reason": str, "again": bool}],
}  # fmt: skip
PARTS = {"nodes": Node, "under_way": UnderWay, "troubles": Trouble}


def standing(path: Path) -> Progress | None:
    """The last progress of a job, or None before the first; raises UnreadableFile where the file holds no such thing.

    Engines tell more from version to version: what is not understood of one is passed over.
    """
    found = read_progress(path)
    if found is None:
        return None
    if misfit(found, PROGRESS) is not None:
        raise UnreadableFile(f"{path / 'progress.json'}: not the progress of a job")
    return _made(Progress, {**found, "engine": _status(found.get("engine"))})


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
    if misfit(found, STATUS) is not None:
        return None
    parts: dict[str, Any] = {
        name: tuple(_made(kind, one) for one in found.get(name, ())) for name, kind in PARTS.items()
    }
    return _made(Status, {**found, **parts})


def _made(kind: type[Made], found: dict[str, Any]) -> Made:
    """A dataclass of what is known of it; its defaults for what is not there."""
    return kind(**{f.name: found[f.name] for f in fields(kind) if f.name in found})  # type: ignore[arg-type]
