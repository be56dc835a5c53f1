"""What is put together out of many units, so that no process goes through all of them: counts, and curves.

Consecutive units make a group, whose part a worker makes; sums of parts make fewer parts, until one process can add
the rest up. Which units make a group follows from their number alone, so sums of floats come out the same everywhere.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import files, queries
from curation.curves import CurveBuilder, CurvePart, Curves
from curation.drawn import gather_draws
from curation.engines import Engine, Unit
from curation.rare import RareBuilder, RareEntries, places_of, write_places
from curation.runs.env import Env
from curation.runs.receipts import read_receipt

FAN_IN = 32
"""So many counts are summed by one worker."""

CURVES_FAN_IN = 8
"""So many parts of curves: they are larger, and what is left is added up while all workers wait."""

RARE_SLOTS = 8
"""So many slots of rare entries make a unit: some 250 MB."""

Cancel = Callable[[], bool]


@dataclass(frozen=True)
class PartReceipt:
    """The commit mark of a part."""

    plan_digest: str
    sha256: str


@dataclass(frozen=True)
class CurveEnv:
    """What the curves need besides the pairs. grid: (T,) float64; pairs: of the whole run."""

    env: Env
    grid: np.ndarray
    pairs: int

    @property
    def folder(self) -> Path:
        """Where the parts are."""
        return self.env.work / "curves"

    def builder(self) -> CurveBuilder:
        """An empty one."""
        return CurveBuilder(self.env.arrays.entry_count, self.grid, self.env.scale)

    def rare(self) -> RareEntries:
        """The rare entries of the run."""
        return RareEntries(self.env.arrays.entry_count, self.pairs)


def groups(count: int, size: int, folder: Path) -> list[Unit]:
    """Things 0 to count - 1 of a folder, `size` of them a unit."""
    starts = range(0, count, size)
    return [Unit(at, str(folder), tuple(range(first, min(first + size, count)))) for at, first in enumerate(starts)]


def curve_groups(units: int, pairs: Path) -> list[Unit]:
    """The units of a run in groups: 64 of them at most, few enough to keep workers busy where there are few units."""
    return groups(units, min(max(units // 64, 4), 64), pairs)


def total_counts(engine: Engine, env: Env, units: int, cancel: Cancel) -> np.ndarray:
    """(M,) int64: how many texts of the pool each entry matches, out of what `match_unit` wrote of each unit."""
    source, count, level, entries = env.work, units, 0, env.arrays.entry_hash.size
    while count > 1:
        level += 1
        todo = groups(count, FAN_IN, source)
        target = env.work / "counts" / str(level)
        engine.map_units(sum_unit, todo, (target, entries), on_done=_nothing, cancel=cancel)
        source, count = target, len(todo)
    return _add_counts([source / f"{0:05d}.parquet"], entries)


def sum_unit(unit: Unit, env: tuple[Path, int]) -> None:
    """Add up the counts of a group -> <target>/<unit>.parquet (entry_id, count). env: target; how many entries"""
    target, entries = env
    counts = _add_counts([Path(unit.path) / f"{number:05d}.parquet" for number in unit.row_groups], entries)
    matching = np.flatnonzero(counts).astype(np.int32)
    files.write_parquet(
        target / f"{unit.index:05d}.parquet", pa.table({"entry_id": matching, "count": counts[matching]})
    )


def _add_counts(paths: list[Path], entries: int) -> np.ndarray:
    counts = np.zeros(entries, np.int64)
    for path in paths:
        table = files.read_table(path)
        counts[table["entry_id"].to_numpy()] += table["count"].to_numpy()
    return counts


def curve_unit(unit: Unit, env: CurveEnv) -> PartReceipt:
    """Go through the pairs of a group -> its part of the curves, of the places of rare entries, and of the draw."""
    path = env.folder / f"{unit.index:05d}.npz"
    beside = [path.with_suffix(suffix) for suffix in (".postings.npy", ".starts.npy")]
    if env.env.drawn_share:
        beside.append(path.with_suffix(".drawn.parquet"))
    if (done := read_receipt(PartReceipt, path, env.env.plan_digest, beside)) is not None:
        return done
    builder, rare = env.builder(), RareBuilder(env.rare())
    for number in unit.row_groups:
        row = 0
        for batch in queries.read_matches(Path(unit.path) / f"{number:05d}.parquet"):
            entry_ids, t_min = batch["matched_entry_ids"], batch["t_min"].to_numpy()
            builder.add(entry_ids, t_min)
            rare.add(number, row, entry_ids, t_min)
            row += len(batch)
    if env.env.drawn_share:
        drawn = [env.env.work / f"{number:05d}.drawn.parquet" for number in unit.row_groups]
        gather_draws(drawn, path.with_suffix(".drawn.parquet"))
    postings, starts = rare.postings()
    files.write_array(path.with_suffix(".postings.npy"), postings)
    files.write_array(path.with_suffix(".starts.npy"), starts)
    _write_part(path, builder.part())
    receipt = PartReceipt(env.env.plan_digest, files.sha256(path))
    files.write_json(path.with_suffix(".json"), asdict(receipt))
    return receipt


def sum_curves_unit(unit: Unit, env: tuple[Path, CurveEnv]) -> None:
    """Add up the parts of a group -> <target>/<unit>.npz. env: target, and what curves need"""
    target, curve_env = env
    builder = curve_env.builder()
    for number in unit.row_groups:
        builder.add_part(_read_part(Path(unit.path) / f"{number:05d}.npz"))
    _write_part(target / f"{unit.index:05d}.npz", builder.part())


def total_curves(engine: Engine, env: CurveEnv, parts: int, cancel: Cancel) -> Curves:
    """The curves of a run out of what `curve_unit` wrote of its groups."""
    source, count, level = env.folder, parts, 0
    while count > CURVES_FAN_IN:
        level += 1
        todo = groups(count, CURVES_FAN_IN, source)
        target = env.folder / str(level)
        engine.map_units(sum_curves_unit, todo, (target, env), on_done=_nothing, cancel=cancel)
        source, count = target, len(todo)
    builder = env.builder()
    for number in range(count):
        builder.add_part(_read_part(source / f"{number:05d}.npz"))
    return builder.finish()


def gather_rare(engine: Engine, env: CurveEnv, parts: int, folder: Path, cancel: Cancel) -> None:
    """The places of rare entries, out of the same parts; workers put them in order, some entries each."""
    rare = env.rare()
    todo = groups(rare.slots, RARE_SLOTS, env.folder)
    engine.map_units(rare_unit, todo, (env, parts), on_done=_nothing, cancel=cancel)
    write_places(rare, [env.folder / f"{unit.index:05d}.places" for unit in todo], folder)


def rare_unit(unit: Unit, env: tuple[CurveEnv, int]) -> None:
    """Put the places of the rare entries of some slots in order -> <unit>.places. env: and the number of parts"""
    curve_env, parts = env
    stems = [curve_env.folder / f"{number:05d}" for number in range(parts)]
    found = [(_mapped(f"{stem}.postings.npy"), _mapped(f"{stem}.starts.npy")) for stem in stems]
    with files.whole(curve_env.folder / f"{unit.index:05d}.places") as temporary:
        temporary.write_bytes(places_of(curve_env.rare(), unit.row_groups, found).data)


def gather_drawn(env: CurveEnv, parts: int, path: Path) -> None:
    """The draw of a run out of the same parts, where there is one."""
    if env.env.drawn_share:
        gather_draws([env.folder / f"{number:05d}.drawn.parquet" for number in range(parts)], path)


def _write_part(path: Path, part: CurvePart) -> None:
    with files.whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **{f.name: getattr(part, f.name) for f in fields(part)})


def _read_part(path: Path) -> CurvePart:
    with np.load(path) as found:
        return CurvePart(**{f.name: found[f.name] for f in fields(CurvePart)})


def _mapped(path: str) -> np.ndarray:
    found: np.ndarray = np.load(path, mmap_mode="r")
    return found


def _nothing(unit: Unit, receipt: None) -> None:
    pass
