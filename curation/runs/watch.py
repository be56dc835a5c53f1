"""A run under way: what its units have met so far, from the receipts that they leave."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from curation import files
from curation.errors import CurationError
from curation.queries import Step
from curation.runs.filtered import filter_steps
from curation.runs.folder import Run


@dataclass(frozen=True)
class SoFar:
    """What is through, exact for the units that are.

    steps:    the funnel of the units that the first pass is through with; of a finished run the whole one
    matched:  units that the first pass is through with; balanced: those that the second is; units: of the run
    pairs:    pairs in the units that are balanced
    """

    steps: list[Step]
    matched: int
    balanced: int
    units: int
    pairs: int


class Tally:
    """Adds up the receipts of a run; each is read once, however often it is asked."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read: dict[str, set[str]] = {}
        self._sums: dict[str, Counter[str]] = {}

    def so_far(self, run: Run) -> SoFar:
        """What the units of a run have met until now."""
        units = len(run.info["plan"]["units"])
        if run.state == "done":
            steps = [_step(step) for step in run.info["funnel"]]
            return SoFar(steps, units, units, units, run.info["totals"]["pairs"])
        with self._lock:
            sums = {name: self._add(run, name) for name in ("filtered", "work", "pairs")}
            met = {name: len(self._read[name]) for name in sums}
        return SoFar(_steps(run, sums), met["work"], met["pairs"], units, sums["pairs"]["rows"])

    def _add(self, run: Run, name: str) -> Counter[str]:
        read, sums = self._read.setdefault(name, set()), self._sums.setdefault(name, Counter())
        folder = run.path / name
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.suffix == ".json" and path.name not in read:
                receipt = _receipt(path, run.info["plan_digest"])
                if receipt is not None:
                    read.add(path.name)
                    sums.update({key: receipt[key] for key in ("rows_in", "rows", "matched") if key in receipt})
                    sums.update({f"dropped {reason}": count for reason, count in receipt["dropped"].items()})
                    sums.update({f"noted {note}": count for note, count in receipt.get("notes", {}).items()})
        return Counter(sums)


def _receipt(path: Path, plan_digest: str) -> dict[str, Any] | None:
    with suppress(CurationError, KeyError, TypeError):
        receipt: dict[str, Any] = files.read_json(path)
        if receipt["plan_digest"] == plan_digest:
            return receipt
    return None


def _steps(run: Run, sums: dict[str, Counter[str]]) -> list[Step]:
    """The steps up to matching. While the filters work there is nothing but what they dropped."""
    active, match, filtered = run.config.active_filters, sums["work"], sums["filtered"]
    if not match["rows_in"] and filtered["rows_in"]:
        dropped = Counter({f"filter: {name}": count for name, count in _told(filtered, "dropped ").items()})
        rows = filtered["rows"] - dropped.total()
        steps, _, read = filter_steps(active, dropped, rows, _told(filtered, "noted "))
        return [_read(filtered["rows_in"], read, {}), *map(_step, steps)]
    notes = _told(filtered, "noted ") if match["rows_in"] == filtered["rows_in"] else {}
    steps, unreadable, read = filter_steps(active, Counter(_told(match, "dropped ")), match["rows"], notes)
    return [
        _read(match["rows_in"], read, dict(unreadable)),
        *map(_step, steps),
        Step("match", match["rows"], match["matched"], {"no entry matches": match["rows"] - match["matched"]}),
    ]


def _read(rows_in: int, rows_out: int, dropped: dict[str, int]) -> Step:
    return Step("read", rows_in, rows_out, dropped or {"not usable": rows_in - rows_out})


def _step(step: dict[str, Any]) -> Step:
    return Step(step["step"], step["in"], step["out"], step["dropped"], step.get("notes", {}))


def _told(sums: Counter[str], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): count for key, count in sums.items() if key.startswith(prefix)}
