"""What a run over any number of pairs consists of, extrapolated from what `unit_costs.py` measured on one machine.

Costs of units grow with their pairs, and the number of units with the pool: both are measured. What is not is told
where it is assumed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from curation.rare import AT_ONCE, PLACE, SMALL_RUN
from curation.runs.parts import CURVES_FAN_IN, FAN_IN, RARE_SLOTS, curve_groups
from curation.runs.plan import UNIT_ROWS

ROWS_A_FILE = 1_000_000
"""Of a pool: so many rows are in a file."""

BYTES_A_CELL = 12
"""Of a part of the curves: the place and the count of a cell that is not 0."""

BYTES_A_POSTING = 20
PLACES_A_UNIT = AT_ONCE * RARE_SLOTS
"""Of the places of rare entries in a part: the entry, and the place."""

Figures = dict[str, Any]


@dataclass(frozen=True)
class Cost:
    """What a unit costs, or a step of the driver. files: that it writes, each synced"""

    cpu_s: float
    read_mb: float = 0.0
    written_mb: float = 0.0
    files: int = 0


@dataclass(frozen=True)
class Phase:
    """Units that can run at a time, each of the same cost; or, with none of them, a step of the driver alone."""

    name: str
    units: int
    cost: Cost
    spread: float = 0.0


@dataclass(frozen=True)
class Job:
    """A run over so many pairs.

    entries: that match; in a pool of billions all of the metadata. unit_rows: UNIT_ROWS where row groups are smaller;
    files: of the pool, 0 for ROWS_A_FILE each. What is not so yet: fan_in of parts of curves, and most_places, that a
    rare entry keeps; 0 for all of them
    """

    figures: Figures
    pairs: int
    entries: int
    thresholds: int = 260
    unit_rows: int = UNIT_ROWS
    files: int = 0
    fan_in: int = CURVES_FAN_IN
    most_places: int = 0

    @property
    def n_files(self) -> int:
        """Of the pool."""
        return self.files or math.ceil(self.pairs / ROWS_A_FILE)

    @property
    def units(self) -> int:
        """Of either pass."""
        return math.ceil(self.pairs / self.unit_rows)

    @property
    def array_mb(self) -> float:
        """The (T, E) array of kept pairs: in the memory of whoever makes or sums parts, and of the run's curves."""
        return self.thresholds * self.entries * 4 / 1e6

    @property
    def shared_mb(self) -> float:
        """The arrays that every node copies to a disk of its own."""
        return self._sizes["arrays_mb"] + self.entries * 8 / 1e6

    @property
    def _sizes(self) -> dict[str, float]:
        return self.figures["sizes"]

    @property
    def group_units(self) -> int:
        """Units in a part of the curves."""
        return len(curve_groups(self.units, None)[0].row_groups)  # type: ignore[arg-type]

    def part_mb(self, pairs: float) -> float:
        """A part of the curves of so many pairs: a power of them, fitted to the two sizes that were measured."""
        sizes = self._sizes
        one, other = sizes["part_pairs"], sizes["whole_part_pairs"]
        power = math.log(sizes["whole_part_bytes"] / sizes["part_bytes"]) / math.log(other / one) if other > one else 1
        return min(sizes["part_bytes"] / 1e6 * (pairs / one) ** power, self.array_mb / 4 * BYTES_A_CELL)

    def phases(self) -> list[Phase]:
        """In their order."""
        fixed, serial, sums = self.figures["fixed"], self.figures["serial"], self.figures["sums"]
        parts = math.ceil(self.units / self.group_units)
        looks = 2 * self.n_files * fixed["look_at_file_cpu_ms"] / 1e3  # when it is planned, and when it begins
        return [
            self._alone("plan", fixed["plan_cpu_s"] + looks),
            Phase("arrays", 1, Cost(fixed["matcher_cpu_s"], written_mb=self._sizes["arrays_mb"])),
            self._of_units("match", files=2),
            *self._count_sums(sums["counts"]),
            self._of_units("balance", files=3 if self.pairs > SMALL_RUN else 2),
            self._curve_parts(parts),
            *self._curve_sums(parts, sums["curves"]),
            self._alone("write_curves", serial["write_curves"]["cpu_s"] * self._grown, written=self.array_mb),
            *self._rare_places(),
            self._alone("the rest", sum(serial[name]["cpu_s"] for name in ("gather_drawn", "sketch", "rest"))),
        ]

    @property
    def _grown(self) -> float:
        """How much more entries match than in the pool that was measured."""
        return self.entries / self.figures["entries_matched"]

    @property
    def _rare(self) -> float:
        """Places of rare entries a pair; a small run has none."""
        return self._sizes["rare_places_per_pair"] if self.pairs > SMALL_RUN else 0.0

    def _rare_places(self) -> Iterator[Phase]:
        """Workers put them in order, some entries each, and the driver joins what they wrote."""
        each = self._rare
        if not each:
            return
        places = min(each * self.pairs, self.most_places * self.entries or math.inf)
        read, written = places * BYTES_A_POSTING / 1e6, places * PLACE.itemsize / 1e6
        units = math.ceil(places / PLACES_A_UNIT)
        of_units = self.figures["units"].get("rare places", {"cpu_s_per_million": 0.0})["cpu_s_per_million"]
        cpu_s = of_units * self.pairs / 1e6 * places / (each * self.pairs)
        yield Phase("rare places", units, Cost(cpu_s / units, read / units, written / units, 1))
        joined = self.figures["serial"]["gather_rare"]["cpu_s"] / (each * self.figures["pairs"]) * places
        yield self._alone("rare places joined", joined, written, written)

    def _alone(self, name: str, cpu_s: float, read: float = 0.0, written: float = 0.0) -> Phase:
        return Phase(name, 0, Cost(cpu_s, read, written))

    def _of_units(self, kind: str, files: int) -> Phase:
        of_kind, pairs = self.figures["units"][kind], self.pairs / self.units
        cost = Cost(
            of_kind["cpu_s_per_million"] * pairs / 1e6,
            of_kind["read_bytes_per_pair"] * pairs / 1e6,
            of_kind["written_bytes_per_pair"] * pairs / 1e6,
            files,
        )
        return Phase(kind, self.units, cost, self.figures["spread"][kind])

    def _count_sums(self, each: dict[str, float]) -> Iterator[Phase]:
        """Up the tree; where it becomes thin the parts are larger, which is left out."""
        count = self.units
        while count > 1:
            fan_in = min(FAN_IN, count)
            count = math.ceil(count / FAN_IN)
            read = fan_in * each["read_bytes"] / 1e6
            yield Phase("count sums", count, Cost(fan_in * each["cpu_s"], read, read / fan_in, 1))

    def _curve_parts(self, parts: int) -> Phase:
        pairs, each = self.pairs / parts, self.figures["curve_part"]
        cost = Cost(
            each["cpu_s"] * self._grown + each["cpu_s_per_million"] * pairs / 1e6,
            self.figures["units"]["curves"]["read_bytes_per_pair"] * pairs / 1e6,
            self.part_mb(pairs) + self._rare * BYTES_A_POSTING * pairs / 1e6,
            4,
        )
        return Phase("curves", parts, cost, self.figures["spread"]["curves"])

    def _curve_sums(self, parts: int, each: dict[str, float]) -> Iterator[Phase]:
        """Up the tree, then what is left by the driver. CPU goes with the bytes of the parts."""
        cpu_s_a_mb = each["cpu_s"] / (each["read_bytes"] / 1e6)
        count, pairs = parts, self.pairs / parts
        while count > self.fan_in:
            read = self.fan_in * self.part_mb(pairs)
            count, pairs = math.ceil(count / self.fan_in), pairs * self.fan_in
            yield Phase("curve sums", count, Cost(read * cpu_s_a_mb, read, self.part_mb(pairs), 1))
        read = count * self.part_mb(self.pairs / count)
        measured = self._sizes["part_bytes"] / 1e6 * self.figures["pairs"] / self._sizes["part_pairs"]
        finish = max(self.figures["serial"]["total_curves"]["cpu_s"] - measured * cpu_s_a_mb, 0.0) * self._grown
        yield self._alone("curve total", finish + read * cpu_s_a_mb, read=read)


def figures_of(line: dict[str, Any]) -> Figures:
    """What a recorded line of unit_costs holds, with the pairs and entries that it was measured on."""
    return {**line["figures"], **{name: line["parameters"][name] for name in ("pairs", "entries_matched")}}


def cpu_s(phases: list[Phase]) -> float:
    """CPU seconds of all of it."""
    return sum(max(phase.units, 1) * phase.cost.cpu_s for phase in phases)


def moved_mb(phases: list[Phase]) -> tuple[float, float]:
    """MB read from the pool and the run folder, and written to it."""
    counted = [(max(phase.units, 1), phase.cost) for phase in phases]
    return sum(n * cost.read_mb for n, cost in counted), sum(n * cost.written_mb for n, cost in counted)
