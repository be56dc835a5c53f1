"""What an engine keeps of the units of one call: which are under way, how long they take, which failed and why."""

import math
import statistics
import time
from collections import deque

from curation.engines.engine import MOST_FAILED, SLOW, SLOW_S, Node, Status, Trouble, UnderWay
from curation.engines.unit import Unit, UnitsFailed

SHOWN = 20
"""So many units under way are told of, and so many tries that failed."""

MEDIAN_OF = 1000
"""The median is that of the last so many: of ten thousand units, sorting all of them at each report takes its time."""

_LEAST = 5
"""With so many durations a median says something."""


class Ledger:
    """The units of one `map_units`."""

    def __init__(self, max_retries: int, before: "Ledger | None" = None) -> None:
        """before: that of the engine's last call, whose retries and troubles are told on"""
        self.retries: int = before.retries if before else 0
        self.troubles: deque[Trouble] = deque(before.troubles if before else (), SHOWN)
        self.done = 0
        self.failures: dict[Unit, str] = {}
        self._max_retries = max_retries
        self._tries: dict[Unit, int] = {}
        self._since: dict[Unit, float] = {}
        self._durations: deque[float] = deque(maxlen=MEDIAN_OF)

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
            self._try_again(unit, reason)
            return True
        self._note(unit, reason)
        return False

    def retried(self, unit: Unit, times: int, reason: str) -> None:
        """A unit was tried again so often by somebody who counts the tries himself."""
        for _ in range(times):
            self._try_again(unit, reason)

    def gave_up(self, unit: Unit, reason: str) -> None:
        """Somebody who counts the tries himself tries it no more. raises UnitsFailed as `failed`"""
        self._since.pop(unit, None)
        self.retried(unit, self._max_retries, reason)
        self._note(unit, reason)

    def _try_again(self, unit: Unit, reason: str) -> None:
        self.retries += 1
        self._tell(unit, reason, again=True)

    def _tell(self, unit: Unit, reason: str, again: bool) -> None:
        number = self.troubles[-1].number + 1 if self.troubles else 1
        self.troubles.append(Trouble(number, str(unit), reason, again))

    def _note(self, unit: Unit, reason: str) -> None:
        self._tell(unit, reason, again=False)
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

    def status(self, workers: int, nodes: tuple[Node, ...]) -> Status:
        """How an engine stands that has these workers."""
        return Status(
            workers=workers,
            nodes=nodes,
            retries=self.retries,
            failed=len(self.failures),
            under_way=self._under_way(),
            troubles=tuple(self.troubles),
        )

    def _under_way(self) -> tuple[UnderWay, ...]:
        now = time.monotonic()
        slow = max(SLOW * statistics.median(self._durations), SLOW_S) if len(self._durations) >= _LEAST else math.inf
        by_age = sorted(self._since.items(), key=lambda item: item[1])[:SHOWN]
        return tuple(UnderWay(str(unit), round(now - since, 1), now - since > slow) for unit, since in by_age)
