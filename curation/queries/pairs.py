"""Pairs to look at: kept, dropped or between two thresholds, of an entry, with some words in their captions.

They come in a random but fixed order, the same for every t, so that moving t only adds and removes. Of a big run those
come first that were drawn from all of it (`curation.drawn`); then it is gone through group by group of its files, about
a million pairs each, so that a page costs one group. The pairs of a rare entry are found by their places.
"""

import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.balancing import check_t
from curation.errors import UnreadableFile
from curation.queries import database
from curation.queries.reasons import entry_id
from curation.queries.sizes import entry_kept_at, size
from curation.rare import rare_places
from curation.runs.folder import Run, open_run

Which = Literal["kept", "dropped", "both"]

GROUP_ROWS = 1_000_000
"""So many pairs are looked through for a page of samples, if they hold enough of them."""

MOST_GROUPS = 8
"""Groups that are looked through at a time, where one did not hold enough."""

MOST_SAMPLES = 200

ENOUGH_DRAWN = 1000
"""So many drawn pairs of an entry stand for all of its pairs; of fewer, more are drawn from all of the run."""

_DRAWN, _DRAWN_FILE = -1, "drawn.parquet"
"""The number that stands for the file with the drawn pairs among those of the units."""

_COLUMNS = ["uid", "text", "url", "image", "matched_entry_ids", "t_min"]
_OF_AN_ENTRY, _OF_ALL = ["uid", "matched_entry_ids", "t_min"], ["text", "language"]


@dataclass(frozen=True)
class Found:
    """What a search found.

    pairs:          as `samples` gives them
    looked_through: pairs of the run that were looked through; fewer than `pool` if the page is full, or time was up
    complete:       no pair was missed: the page is full, or all of the run was looked through
    """

    pairs: pa.Table
    looked_through: int
    pool: int
    complete: bool


@dataclass(frozen=True)
class Amount:
    """How many pairs answer a question; with a standard deviation where that is an estimate from the drawn ones."""

    pairs: int
    sigma: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether all pairs of the run were counted."""
        return self.sigma == 0.0


@dataclass(frozen=True)
class Drawn:
    """Pairs drawn at random, or all there are.

    pairs: uid, matched_entry_ids, t_min; of a draw of all pairs also text, and language if there is one
    of:    how many pairs they were drawn from; all of these are here if it is as many
    """

    pairs: pa.Table
    of: int


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """Which pairs: since <= t_min < below, and further ones where they are not None.

    entry_id: with this entry; source, ranks: with one of these, see `entries_among`; contains: a text of the caption
    """

    since: float
    below: float
    entry_id: int | None = None
    source: str | None = None
    ranks: tuple[int, int] | None = None
    contains: str | None = None

    @property
    def condition(self) -> str:
        parts = ["t_min >= $since", "(t_min < $below OR $below = 'inf'::DOUBLE)"]
        if self.entry_id is not None:
            parts.append("list_contains(matched_entry_ids, $entry_id)")
        if self.source is not None or self.ranks is not None:
            # a bit an entry: looking it up costs the same for one entry and for half of them all
            parts.append("list_bool_or(list_transform(matched_entry_ids, lambda id: get_bit($among::BIT, id) = 1))")
        if self.contains is not None:
            parts.append("contains(lower(text), lower($contains))")
        return " AND ".join(parts)

    def parameters(self, run: Run) -> dict[str, Any]:
        given = {"since": self.since, "below": self.below, "entry_id": self.entry_id, "contains": self.contains}
        if self.source is not None or self.ranks is not None:
            among = entries_among(run, self.source, self.ranks)
            given["among"] = (among.astype(np.uint8) + ord("0")).tobytes().decode()
        return {name: value for name, value in given.items() if value is not None}


def samples(
    run: Run,
    t: float,
    *,
    which: Which = "both",
    entry: str | int | None = None,
    source: str | None = None,
    ranks: tuple[int, int] | None = None,
    since: float = 0.0,
    limit: int = 24,
    offset: int = 0,
) -> pa.Table:
    """A page of pairs.

    which:  those with t_min < t, the others, or both; entry: only pairs that match it (or its id); limit: at most 200
    source, ranks: only pairs that match an entry of this source, and of these ranks, see `entries_among`
    since:  only pairs with t_min >= since: with `which="kept"`, what t adds to that lower threshold
    returns uid, text, url, image, matched_entry_ids, t_min, kept (bool)
    raises  UnknownEntry
    """
    asked: dict[str, Any] = {"which": which, "entry": entry, "source": source, "ranks": ranks, "since": since}
    return search(run, t, **asked, limit=limit, offset=offset).pairs


def search(
    run: Run,
    t: float,
    *,
    which: Which = "both",
    entry: str | int | None = None,
    source: str | None = None,
    ranks: tuple[int, int] | None = None,
    contains: str | None = None,
    since: float = 0.0,
    limit: int = 24,
    offset: int = 0,
    seconds: float = math.inf,
) -> Found:
    """Like `samples`, for a text anywhere in the captions, upper and lower case being one; ends when time is up.

    seconds: begin no further part of the run after so long; what was not looked through is told
    """
    wanted = _wanted(run, t, which, since, entry, source=source, ranks=ranks, contains=contains or None)
    limit = min(limit, MOST_SAMPLES)
    places = None
    if wanted.entry_id is not None and source is None and ranks is None:
        places = rare_places(run.path / "rare", wanted.entry_id)
    until = time.monotonic() + seconds
    pairs, looked_through, complete = (
        _through_groups(run, wanted, limit, offset, until)
        if places is None
        else _among(run, places, wanted, limit, offset, until)
    )
    pairs = pairs.append_column("kept", pc.less(pairs["t_min"], t))
    return Found(pairs, looked_through, run.info["totals"]["pairs"], complete)


def with_uids(run: Run, uids: Sequence[str]) -> pa.Table:
    """The pairs with these uids, in their order, as `samples` gives them without `kept`; of a shared uid the first.

    Goes through the uids of the whole run once.
    """
    places = database.rows(
        run,
        f"""
        SELECT min((file_index, file_row_number)) FROM {database.files_as_table(run.pair_files)}
        WHERE uid IN (SELECT unnest($uids)) GROUP BY uid ORDER BY list_position($uids, uid)
        """,
        {"uids": list(uids)},
    )
    return _fetch(run, [place for (place,) in places])


def count_samples(run: Run, t: float, *, which: Which = "both", entry: str | int | None = None) -> int:
    """How many pairs `samples` can show without a limit."""
    if entry is None:
        kept, everything = size(run, t).kept, run.info["totals"]["pairs"]
    else:
        wanted = entry_id(run, entry)
        everything = int(run.entry_count[wanted])
        kept = int(entry_kept_at(run, t)[run.curves.ranked_entry_id == wanted].sum())  # no rank, no pair
    return {"kept": kept, "dropped": everything - kept, "both": everything}[which]


def estimate_samples(
    run: Run,
    t: float,
    *,
    which: Which = "both",
    entry: str | int | None = None,
    source: str | None = None,
    ranks: tuple[int, int] | None = None,
) -> Amount:
    """How many pairs `samples` can show: counted, or in a big run estimated from the drawn pairs, as `Amount` says."""
    if source is None and ranks is None:
        return Amount(count_samples(run, t, which=which, entry=entry))
    wanted = _wanted(run, t, which, 0.0, entry, source=source, ranks=ranks)
    drawn, pool = len(_drawn_places(run.path, run.info["plan_digest"])), run.info["totals"]["pairs"]
    units = (_DRAWN,) if drawn else tuple(range(len(run.pair_files)))
    found = _count(run.path, run.info["plan_digest"], units, wanted)
    if not drawn:
        return Amount(found)
    share = found / drawn
    # at the ends too the number of the pool is not known: as if half a pair more had been found
    spread = max(share * (1 - share), 0.5 / drawn)
    return Amount(round(pool * share), pool * math.sqrt(spread / drawn))


def entries_among(run: Run, source: str | None = None, ranks: tuple[int, int] | None = None) -> np.ndarray:
    """(M,) bool, by entry id: the entries that match, of a source, and with first <= rank <= last.

    ranks: by descending count, from 1, as the charts over ranks show them: with languages, in the reference language
    """
    ranked = run.curves.ranked_entry_id
    if ranks is not None:
        ranked = ranked[run.ranks.column[max(ranks[0], 1) - 1 : max(ranks[1], 0)]]
    among = np.zeros(run.entry_count.size, np.bool_)
    among[ranked] = True
    if source is not None:
        of_it = pc.equal(run.entries["source"].cast(pa.string()), source)
        among &= of_it.combine_chunks().to_numpy(zero_copy_only=False)
    return among


def _wanted(run: Run, t: float, which: Which, since: float, entry: str | int | None, **more: Any) -> _Wanted:
    return _Wanted(
        **more,
        since=max(since, t) if which == "dropped" else since,
        below={"kept": check_t(t), "dropped": math.inf, "both": math.inf}[which],
        entry_id=None if entry is None else entry_id(run, entry),
    )


def draw(run: Run, limit: int, *, entry_id: int | None = None) -> Drawn:
    """About `limit` pairs of a run, or of those that match an entry; all of them, if there are no more.

    Each is as likely as any other to be drawn; at every call it is the same ones.
    """
    return _draw(run.path, run.info["plan_digest"], limit, entry_id)


@lru_cache(maxsize=8)
def _draw(path: Path, plan_digest: str, limit: int, entry_id: int | None) -> Drawn:
    run = open_run(path)
    names = _OF_AN_ENTRY + [name for name in _OF_ALL if entry_id is None and name in _schema(run).names]
    of = run.info["totals"]["pairs"] if entry_id is None else int(run.entry_count[entry_id])
    places = None if entry_id is None or of > limit else rare_places(path / "rare", entry_id)
    if not of:
        return Drawn(_schema(run).empty_table().select(names), 0)
    if of > limit and (drawn := _out_of_the_drawn(run, names, limit, entry_id)) is not None:
        return Drawn(drawn, of)
    if places is not None:
        return Drawn(_fetch(run, [(int(unit), int(row)) for unit, row in places[["unit", "row"]].tolist()], names), of)
    conditions = ["true"]
    if entry_id is not None:
        conditions.append("list_contains(matched_entry_ids, $entry_id)")
    if of > limit:
        conditions.append("hash(uid) < $below")
    given = {"entry_id": entry_id, "below": 2**64 * limit // of if of > limit else None}
    pairs = database.table(
        run,
        f"SELECT {', '.join(names)} FROM pairs WHERE {' AND '.join(conditions)} ORDER BY hash(uid), uid",
        {name: value for name, value in given.items() if value is not None},
    )
    return Drawn(pairs, of)


def _out_of_the_drawn(run: Run, names: list[str], limit: int, entry_id: int | None) -> pa.Table | None:
    """The pairs that were drawn when the run was made, up to `limit` of them, if there are enough to tell something."""
    if not (run.path / _DRAWN_FILE).is_file():
        return None
    condition, given = ("true", {}) if entry_id is None else ("list_contains(matched_entry_ids, $id)", {"id": entry_id})
    sql = f"""
        SELECT {", ".join(names)} FROM {database.files_as_table([run.path / _DRAWN_FILE])}
        WHERE {condition} ORDER BY file_row_number LIMIT {int(limit)}
    """
    found = database.table(run, sql, given)
    return found if len(found) >= min(limit, ENOUGH_DRAWN) else None


def _through_groups(run: Run, wanted: _Wanted, limit: int, offset: int, until: float) -> tuple[pa.Table, int, bool]:
    """A page of what is wanted, pairs looked through, and whether none was missed."""
    groups = _groups_in_fixed_order(run)
    found: list[tuple[int, int]] = []
    looked_through, at, at_a_time = 0, 0, 1
    while at < len(groups) and len(found) < limit:
        began = time.monotonic()
        if at and began >= until:
            break
        part = groups[at : at + at_a_time]
        at += len(part)
        looked_through += sum(rows for _, rows in part)
        if offset:
            units = tuple(unit for in_group, _ in part for unit in in_group)
            passed = _count(run.path, run.info["plan_digest"], units, wanted)
            if passed <= offset:
                offset -= passed
                continue
        found += _places(run, part, wanted, limit - len(found), offset)
        offset = 0
        # where one group did not do, more at a time, as far as they are sure to end in time
        left = (until - time.monotonic()) / max(time.monotonic() - began, 1e-6) * len(part)
        at_a_time = max(1, min(2 * at_a_time, MOST_GROUPS, int(min(left, MOST_GROUPS))))
    return _fetch(run, found), looked_through, len(found) == limit or at == len(groups)


def _places(
    run: Run, groups: Sequence[tuple[list[int], int]], wanted: _Wanted, limit: int, offset: int
) -> list[tuple[int, int]]:
    """(unit, row) of a page of the pairs in some groups, group by group, at random within each."""
    units = [unit for in_group, _ in groups for unit in in_group]
    group = [number for number, (in_group, _) in enumerate(groups) for _ in in_group]
    # those that were drawn stand in their order already
    order = "file_row_number" if units == [_DRAWN] else "hash(uid), uid, file_index, file_row_number"
    found = database.rows(
        run,
        f"""
        SELECT file_index, file_row_number FROM {_source(run, units)}
        WHERE {wanted.condition}
        ORDER BY $group[file_index::BIGINT + 1], {order} LIMIT $limit OFFSET $offset
        """,
        {**wanted.parameters(run), "group": group, "limit": limit, "offset": offset},
    )
    return [(units[file], row) for file, row in found]


def _source(run: Run, units: Sequence[int]) -> str:
    """The pairs of some units as an SQL table; without those that were drawn, for they came before."""
    table = database.files_as_table([_file(run, unit) for unit in units])
    if _DRAWN in units or not (run.path / _DRAWN_FILE).is_file():
        return table
    drawn = database.files_as_table([run.path / _DRAWN_FILE])
    return f"""{table} AS found ANTI JOIN (SELECT unit, row FROM {drawn}) AS drawn
        ON drawn.row = found.file_row_number AND drawn.unit = {list(units)}[found.file_index::BIGINT + 1]"""


def _file(run: Run, unit: int) -> Path:
    return run.path / _DRAWN_FILE if unit == _DRAWN else run.pair_files[unit]


@lru_cache(maxsize=32)
def _drawn_places(path: Path, plan_digest: str) -> np.ndarray:
    """(N,) int32, the unit of each drawn pair; none in a run without a draw."""
    if not (path / _DRAWN_FILE).is_file():
        return np.empty(0, np.int32)
    return files.open_parquet(path / _DRAWN_FILE).read(["unit"])["unit"].to_numpy()


@lru_cache(maxsize=10_000)
def _count(path: Path, plan_digest: str, units: tuple[int, ...], wanted: _Wanted) -> int:
    """How many pairs of some units are wanted; kept, because every page after them has to pass them."""
    run = open_run(path)
    sql = f"SELECT count(*) FROM {_source(run, units)} WHERE {wanted.condition}"
    found = database.rows(run, sql, wanted.parameters(run))
    return int(found[0][0])


def _among(
    run: Run, places: np.ndarray, wanted: _Wanted, limit: int, offset: int, until: float
) -> tuple[pa.Table, int, bool]:
    """Like `_through_groups`, of the pairs at some places."""
    # the same order for every t: first all of them, then those that are wanted
    places = np.random.default_rng(0).permutation(np.sort(places, order=("unit", "row")))
    inside = (places["t_min"] >= wanted.since) & ((places["t_min"] < wanted.below) | (wanted.below == math.inf))
    left = [(int(unit), int(row)) for unit, row in places[inside][["unit", "row"]].tolist()]
    pool = run.info["totals"]["pairs"]
    if wanted.contains is None:
        return _fetch(run, left[offset : offset + limit]), pool, True
    text, found, done = wanted.contains.lower(), [_fetch(run, [])], 0
    while done < len(left) and sum(map(len, found)) < offset + limit and (not done or time.monotonic() < until):
        pairs = _fetch(run, left[done : done + MOST_SAMPLES])
        found.append(pairs.filter(pc.match_substring(pc.utf8_lower(pairs["text"]), text)))
        done += MOST_SAMPLES
    complete = done >= len(left) or sum(map(len, found)) >= offset + limit
    return pa.concat_tables(found).slice(offset, limit), pool if complete else pool * done // len(left), complete


def _fetch(run: Run, places: Sequence[tuple[int, int]], columns: Sequence[str] = _COLUMNS) -> pa.Table:
    """The pairs at (unit, row), in that order."""
    by_unit: dict[int, list[int]] = {}
    for unit, row in places:
        by_unit.setdefault(unit, []).append(row)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tables = list(pool.map(lambda unit: _read_rows(_file(run, unit), by_unit[unit], columns), by_unit))
    if not tables:
        return _schema(run).empty_table().select(columns)
    position = {
        (unit, row): at for at, (unit, row) in enumerate((unit, row) for unit, rows in by_unit.items() for row in rows)
    }
    return pa.concat_tables(tables).take(pa.array([position[place] for place in places]))


def _read_rows(path: Path, rows: Sequence[int], columns: Sequence[str]) -> pa.Table:
    """Some rows of a file, in their order: of each row group that holds any, all is read."""
    with files.open_parquet(path) as file:
        ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)])
        groups = np.searchsorted(ends, rows, side="right")
        found: dict[int, pa.Table] = {}
        try:
            for group in np.unique(groups).tolist():
                first = int(ends[group - 1]) if group else 0
                wanted = [row for row, its_group in zip(rows, groups, strict=True) if its_group == group]
                table = file.read_row_group(group, columns=list(columns))
                found.update((row, table.slice(row - first, 1)) for row in wanted)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFile(f"{path}: damaged ({str(error).splitlines()[0]})") from None
    return pa.concat_tables([found[row] for row in rows])


def _schema(run: Run) -> pa.Schema:
    """The columns of the pairs."""
    return files.open_parquet(run.pair_files[0]).schema_arrow


def _groups_in_fixed_order(run: Run) -> list[tuple[list[int], int]]:
    """Units, and how many rows they have together: all in one, or for a big run groups in a random but fixed order.

    Where pairs were drawn, those are the first group, and the others have what is left.
    """
    rows = np.array(run.info["unit_pairs"])
    drawn = _drawn_places(run.path, run.info["plan_digest"])
    first: list[tuple[list[int], int]] = [([_DRAWN], drawn.size)] if drawn.size else []
    rows -= np.bincount(drawn, minlength=rows.size)
    if rows.sum() <= 2 * GROUP_ROWS:
        return [*first, (list(range(rows.size)), int(rows.sum()))]
    groups: list[tuple[list[int], int]] = []
    units: list[int] = []
    for unit in np.random.default_rng(0).permutation(rows.size).tolist():
        units.append(unit)
        if (in_group := int(rows[units].sum())) >= GROUP_ROWS:
            groups.append((units, in_group))
            units = []
    if units:
        groups.append((units, int(rows[units].sum())))
    return first + groups
