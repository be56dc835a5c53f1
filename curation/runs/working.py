"""Units through an engine: what stands already counts as done, and how far it is is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from curation.engines import Engine, Unit
from curation.runs.progress import Reporter
from curation.runs.receipts import receipts_in
from curation.runs.space import Room

Receipt = TypeVar("Receipt")


@dataclass(frozen=True)
class Work:
    """The units of a run and what does them. amount: how much work each is, see `plan.amounts`."""

    engine: Engine
    todo: list[Unit]
    amount: list[int]
    report: Reporter
    cancel: Callable[[], bool]

    def do(self, fn: Callable[[Unit, Any], Receipt], env: Any, folder: Path, phase: str | None = None) -> list[Receipt]:
        """The receipts of all units, in their order.

        fn:    gives a receipt that stands already in `folder` as it is: workers look whether it fits, not this process
        phase: begins with what has receipts; None to go on with the one under way
        """
        before = receipts_in(folder) & {unit.index for unit in self.todo}
        if phase:
            self.report.phase(phase, already_done=sum(self.amount[index] for index in before))
        receipts: dict[int, Receipt] = {}
        room = Room(folder, sum(self.amount[unit.index] for unit in self.todo if unit.index not in before))

        def on_done(unit: Unit, receipt: Receipt) -> None:
            receipts[unit.index] = receipt
            if unit.index not in before:
                self.report.add(self.amount[unit.index])
                room.check(unit, self.amount[unit.index])

        self.engine.map_units(fn, self.todo, env, on_done=on_done, cancel=self.cancelled)
        return [receipts[unit.index] for unit in self.todo]

    def cancelled(self) -> bool:
        """Whether to stop; asked while units are under way, it lets the report go on."""
        self.report.beat()
        return self.cancel()
