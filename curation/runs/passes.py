"""The two passes over a pool, a unit at a time: which entries match, then t_min with the counts of the whole pool.

Each function writes the files of its unit, then the receipt that commits them, and gives a receipt that stands already
as it is. So a unit may run again wherever and whenever: on resuming, after a worker died, or twice at a time.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation import files
from curation.drawn import Draw
from curation.engines import Unit
from curation.runs.env import Env, derive, pair_schema
from curation.runs.receipts import read_receipt
from curation.runs.routing import write_languages

SORTED_ROWS = 2**18
"""So many pairs of a unit are sorted by t_min at a time: enough for narrow row groups, few enough to hold."""

ROW_GROUP_ROWS = 2**14
"""A question for a range of t_min reads the row groups that meet it, and one for a single pair reads one."""


@dataclass(frozen=True)
class Receipt:
    """The commit mark of a unit: it stands beside the unit's file, and only a file that fits it counts."""

    unit: int
    plan_digest: str
    sha256: str
    rows_in: int
    rows: int
    matched: int
    matches: int
    dropped: dict[str, int]
    notes: dict[str, int] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)


def match_unit(unit: Unit, env: Env) -> Receipt:
    """First pass: how many texts of the unit each entry matches -> work/<unit>.parquet (entry_id, count)."""
    path = env.work / f"{unit.index:05d}.parquet"
    beside = [path.with_suffix(".languages.parquet")] if env.reading.languages is not None else []
    if (done := read_receipt(Receipt, path, env.plan_digest, beside)) is not None:
        return done
    counts = np.zeros(env.arrays.entry_hash.size, np.int64)
    rows_in = rows = matched = 0
    dropped: Counter[str] = Counter()
    languages = []
    for texts, language, left_out in env.reading.texts(unit):
        entry_ids = env.match(texts, language)
        if language is not None:
            languages.append(language)
        np.add.at(counts, entry_ids.values.to_numpy(), 1)
        rows_in += len(texts) + left_out.total()
        rows += len(texts)
        matched += int(np.count_nonzero(np.diff(entry_ids.offsets.to_numpy())))
        dropped += left_out
    if env.reading.languages is not None:
        write_languages(path.with_suffix(".languages.parquet"), languages)
    matching = np.flatnonzero(counts).astype(np.int32)
    files.write_parquet(path, pa.table({"entry_id": matching, "count": counts[matching]}))
    receipt = Receipt(
        unit=unit.index,
        plan_digest=env.plan_digest,
        sha256=files.sha256(path),
        rows_in=rows_in,
        rows=rows,
        matched=matched,
        matches=int(counts.sum()),
        dropped=dict(dropped),
    )
    files.write_json(path.with_suffix(".json"), asdict(receipt))
    return receipt


def keep_unit(unit: Unit, env: Env) -> Receipt:
    """Second pass, with the counts of the whole pool: t_min of every pair of the unit -> pairs/<unit>.parquet.

    The pairs are written by ascending t_min, SORTED_ROWS at a time, so that those with t_min in some range, such as all
    that a small t keeps or the few between two t, stand in few row groups.
    """
    path = env.folder / "pairs" / f"{unit.index:05d}.parquet"
    beside = [env.work / f"{unit.index:05d}.drawn.parquet"] if env.drawn_share else []
    if (done := read_receipt(Receipt, path, env.plan_digest, beside)) is not None:
        return done
    rows_in = rows = matched = matches = 0
    dropped: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    damage: list[str] = []
    draw = Draw(unit.index, env.drawn_share)
    with files.whole(path) as temporary:
        options = {**files.PARQUET_OPTIONS, "write_statistics": ["uid", "t_min"]}  # what queries look for; texts cost
        with pq.ParquetWriter(temporary, pair_schema(env), **options) as writer:
            waiting: list[pa.RecordBatch] = []
            for batch in derive(unit, env, env.work / f"{unit.index:05d}.languages.parquet"):
                pairs = batch.pairs
                if waiting and sum(map(len, waiting)) + len(pairs) > SORTED_ROWS:
                    _write_sorted(writer, waiting, draw)
                waiting.append(pairs)
                rows_in += len(pairs) + batch.dropped.total()
                rows += len(pairs)
                matched += int(np.isfinite(pairs["t_min"].to_numpy()).sum())
                matches += len(pairs["matched_entry_ids"].flatten())
                dropped += batch.dropped
                notes += batch.notes
                damage += [batch.damage] if batch.damage else []
            _write_sorted(writer, waiting, draw)
        # a full disk can pass the writer's close unnoticed
        files.open_parquet(temporary).close()
        sha256 = files.sha256(temporary)
    draw.write(env.work / f"{unit.index:05d}.drawn.parquet")  # before the receipt, which vouches for it too
    receipt = Receipt(
        unit=unit.index,
        plan_digest=env.plan_digest,
        sha256=sha256,
        rows_in=rows_in,
        rows=rows,
        matched=matched,
        matches=matches,
        dropped=dict(dropped),
        notes=dict(notes),
        damage=damage,
    )
    files.write_json(path.with_suffix(".json"), asdict(receipt))
    return receipt


def _write_sorted(writer: pq.ParquetWriter, waiting: list[pa.RecordBatch], draw: Draw) -> None:
    """Write the waiting pairs by ascending t_min to within 5 %, draw from them, and forget them."""
    if waiting:
        pairs = pa.Table.from_batches(waiting).combine_chunks()
        # the upper bits of a positive float ascend with it, 16 steps to a doubling; and 16 bits sort without comparing
        steps = (pairs["t_min"].to_numpy().view(np.uint64) >> 48).astype(np.uint16)
        pairs = pairs.take(pa.array(np.argsort(steps, kind="stable")))
        writer.write_table(pairs, ROW_GROUP_ROWS)
        draw.add(pairs)
        waiting.clear()
