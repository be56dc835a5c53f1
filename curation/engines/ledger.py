"""What an engine keeps of the units of one call: which are under way, how long they take, which failed and why."""

import math
import statistics
import time

from curation.engines.engine import MOST_FAILED, SLOW, SLOW_S, UnderWay
from curation.engines.unit import Unit, UnitsFailed

SHOWN = 20
"""So many units under way are told of."""

_LEAST = 5
"""With so many durations a median says something."""


class Ledger:
    """The units of one `map_units`."""

    def __init__(self, max_retries: int) -> None:
        self.retries = 0
        self.done = 0
        self.failures: dict[Unit, str] = {}
        self._max_retries = max_retries
        self._tries: dict[Unit, int] = {}
        self._since: dict[Unit, float] = {}
        self._durations: list[float] = []

    def started(self, unit: Unit) -> None:
        """A unit was handed to a worker; only the first word of it counts until it has failed or finished."""
        self._since.setdefault(unit, time.monotonic())

    def finished(self, unit: Unit, seconds: float | None = None) -> None:
        """Its receipt is there. seconds: that it took, where a worker has measured it; else since it was started"""
        now = time.monotonic()
        since = self._since.pop(unit, now)
        self._durations.append(now - since if seconds is None else seconds)
        self._tries.pop(unit, None)
        self.done += 1

    def failed(self, unit: Unit, reason: str) -> bool:
        """It failed, or its worker died; whether it is to be tried again.

        raises UnitsFailed when so many failed for good that the fault is not theirs
        """
        self._since.pop(unit)
        self._tries[unit] = self._tries.get(unit, 0) + 1
        if self._tries[unit] <= self._max_retries:
            self.retries += 1
            return True
        self._note(unit, reason)
        return False

    def retried(self, times: int) -> None:
        """A unit was tried again so often by somebody who counts the tries himself."""
        self.retries += times

    def gave_up(self, unit: Unit, reason: str) -> None:
        """Somebody who counts the tries himself tries it no more. raises UnitsFailed as `failed`"""
        self._since.pop(unit, None)
        self.retried(self._max_retries)
        self._note(unit, reason)

    def _note(self, unit: Unit, reason: str) -> None:
        self.failures[unit] = reason
        if len(self.failures) >= MOST_FAILED:
            self.check()

    def check(self) -> None:
        """Raises UnitsFailed if any did."""
        if not self.failures:
            return
        named = "; ".join(f"{unit}: {reason}" for unit, reason in list(self.failures.items())[:3])
        more = f"; and {len(self.failures) - 3} more" if len(self.failures) > 3 else ""
        units = "unit" if len(self.failures) == 1 else "units"
        raise UnitsFailed(
            f"{len(self.failures)} {units} failed at each of {self._max_retries + 1} tries, {self.done} are done: "
            f"{named}{more}; mend the cause and resume"
        )

    def under_way(self) -> tuple[UnderWay, ...]:
        """The units that are not done, the longest first."""
        now = time.monotonic()
        slow = max(SLOW * statistics.median(self._durations), SLOW_S) if len(self._durations) >= _LEAST else math.inf
        by_age = sorted(self._since.items(), key=lambda item: item[1])[:SHOWN]
        return tuple(UnderWay(str(unit), round(now - since, 1), now - since > slow) for unit, since in by_age)
