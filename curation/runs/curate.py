"""Curation as a job over a run folder: count, then t_min, then curves. Whatever is already done stays done.

Two passes over the pool, because t_min needs the counts of the whole pool. Both read and match, so that nothing but
small arrays of counts stands between them.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import files, queries
from curation.balancing import p_to_t, t_min
from curation.curves import CurveBuilder, threshold_grid
from curation.drawn import Draw, drawn_share, gather_draws
from curation.engines import Cancelled, Unit, threads
from curation.errors import BadRun
from curation.live import ranks, sketch
from curation.matching import Matcher, RoutedMatcher
from curation.pool.formats import FORMATS
from curation.pool.pairs import Scanned
from curation.rare import RareBuilder
from curation.runs.config import DEFAULT_TAIL_SHARE, CurateConfig
from curation.runs.filtered import filter_steps
from curation.runs.filtering import filter_pool
from curation.runs.folder import Run, State, lock, open_run, write_curves, write_info, write_sketch
from curation.runs.job import told_in
from curation.runs.plan import amounts, check_plan, units
from curation.runs.progress import Progress, Reporter
from curation.runs.reading import Reading
from curation.runs.receipts import read_receipt
from curation.runs.routing import on_scale, write_languages
from curation.scale import LanguageScale, one_language
from curation.uniform import entry_hashes, uniform

RUN_PAIR_SCHEMA = pa.schema(
    [
        ("uid", pa.string()),
        ("text", pa.string()),
        ("url", pa.string()),
        ("image", pa.string()),  # "<input>:<row>", where the pool holds the image bytes
        ("matched_entry_ids", pa.list_(pa.int32())),
        ("t_min", pa.float64()),
    ]
)
LANGUAGE_FIELD = pa.field("language", pa.string())
"""Behind these, where metadata knows languages: in which the text was matched."""

SORTED_ROWS = 2**18
"""So many pairs of a unit are sorted by t_min at a time: enough for narrow row groups, few enough to hold."""

ROW_GROUP_ROWS = 2**14
"""A question for a range of t_min reads the row groups that meet it, and one for a single pair reads one."""


@dataclass(frozen=True)
class Env:
    """What a unit of work needs besides itself; read-only and shared by all workers."""

    folder: Path
    plan_digest: str
    reading: Reading
    seed: int
    input_index: dict[str, int]
    matcher: Matcher | RoutedMatcher
    entry_hash: np.ndarray
    entry_count: np.ndarray
    scale: LanguageScale
    drawn_share: float = 0.0

    def match(self, texts: pa.Array, language: pa.Array | None) -> pa.ListArray:
        """The entries of each text, where there are languages those of its own."""
        return (
            self.matcher.match(texts, language)
            if isinstance(self.matcher, RoutedMatcher)
            else self.matcher.match(texts)
        )


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


def run(
    path: Path,
    *,
    workers: int,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Run:
    """Do what is left of a run, to its end.

    raises BadRun (another process works on it, or its inputs changed), Cancelled, CurationError; the folder says which
    """
    with lock(path):
        found = open_run(path)
        if found.state == "done":
            return found
        check_plan(found)
        with told_in(path, partial(_set_state, found)):
            _work(found, workers, on_progress, lambda: cancel() or (path / "cancel").exists())
    return open_run(path)


def _work(run: Run, workers: int, on_progress: Callable[[Progress], None], cancel: Callable[[], bool]) -> None:
    todo = units(run)
    amount, of = amounts(run)
    report = Reporter(run.path, sum(amount), of, on_progress)
    metadata = files.open_parquet(run.path / "work" / "metadata.parquet").read()
    config = run.config
    env = environment(run, metadata, np.zeros(len(metadata), np.int64), one_language(len(metadata)))
    do = partial(_do_units, todo, amount, workers, report, cancel)
    judged = (
        filter_pool(run, env.reading, todo, amount, workers, report, cancel) if config.active_filters else Counter()
    )

    receipts = do(env, "match", match_unit, run.path / "work")
    for unit in todo:
        table = files.open_parquet(run.path / "work" / f"{unit.index:05d}.parquet").read()
        env.entry_count[table["entry_id"].to_numpy()] += table["count"].to_numpy()
    files.write_parquet(run.path / "entries.parquet", entries_table(metadata, env.entry_count))

    pairs = sum(receipt.rows for receipt in receipts)
    env = replace(env, scale=run.scale, drawn_share=drawn_share(pairs))
    t = _known_t(config, env.scale.of_reference(env.entry_count))
    grid = threshold_grid(int(env.scale.top(env.entry_count)), more=t)
    builder = CurveBuilder(env.entry_count, grid, env.scale)
    rare = RareBuilder(env.entry_count, pairs, run.path / "work" / "rare")
    first_pass = receipts
    receipts = do(
        env, "balance", keep_unit, run.path / "pairs", then=partial(_read_back, run.path / "pairs", builder, rare)
    )
    _check_passes(run, first_pass, receipts)
    report.phase("curves", already_done=sum(amount))
    curves = builder.finish()
    write_curves(run.path, curves)
    rare.finish(run.path / "rare")
    if env.drawn_share:
        gather_draws(
            [run.path / "work" / f"{unit.index:05d}.drawn.parquet" for unit in todo], run.path / "drawn.parquet"
        )
    if not t:
        assert config.size is not None
        t = [queries.threshold_for_size(open_run(run.path), config.size).t]
        if curves.row(t[0]) is None:
            curves = curves.with_rows(queries.curves_at(run, t))
            write_curves(run.path, curves)
    write_sketch(run.path, sketch(curves, ranks(curves, env.scale)))
    report.end_phase()
    row = curves.row(t[0])
    assert row is not None
    _write_results(run, receipts, t[0], int(curves.kept[row]), report.seconds, judged)
    shutil.rmtree(run.path / "work")


def environment(run: Run, entries: pa.Table, entry_count: np.ndarray, scale: LanguageScale) -> Env:
    """What the units of a run need.

    entries:     entry string, and language string if metadata knows languages; entry_count: (M,) int64, of the whole
                 pool or still 0
    """
    entry = entries["entry"].combine_chunks()
    language = entries["language"].cast(pa.string()).combine_chunks() if "language" in entries.column_names else None
    config = run.config
    return Env(
        folder=run.path,
        plan_digest=run.info["plan_digest"],
        reading=Reading(
            columns=config.columns,
            formats={file.path: FORMATS[file.format] for file in run.inputs},
            config=config,
            languages=frozenset(language.to_pylist()) if language is not None else None,
            filtered=run.path / "filtered" if config.active_filters else None,
        ),
        seed=run.seed,
        input_index={file.path: at for at, file in enumerate(run.inputs)},
        matcher=Matcher(entry) if language is None else RoutedMatcher(entry, language),
        entry_hash=entry_hashes(entry, run.seed),
        entry_count=entry_count,
        scale=scale,
    )


def entries_table(metadata: pa.Table, entry_count: np.ndarray) -> pa.Table:
    """entries.parquet: the entries of a run with their counts. metadata: entry, source, and language if it is known."""
    columns = {
        "entry_id": pa.array(np.arange(len(metadata), dtype=np.int32)),
        "entry": metadata["entry"],
        "source": metadata["source"].dictionary_encode(),
        "count": pa.array(entry_count),
    }
    if "language" in metadata.column_names:
        columns["language"] = metadata["language"].dictionary_encode()
    return pa.table(columns)


def match_unit(unit: Unit, env: Env) -> Receipt:
    """First pass: how many texts of the unit each entry matches -> work/<unit>.parquet (entry_id, count)."""
    counts = np.zeros(env.entry_count.size, np.int64)
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
    path = env.folder / "work" / f"{unit.index:05d}.parquet"
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
    rows_in = rows = matched = matches = 0
    dropped: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    damage: list[str] = []
    draw = Draw(unit.index, env.drawn_share)
    with files.whole(path) as temporary:
        options = {**files.PARQUET_OPTIONS, "write_statistics": ["uid", "t_min"]}  # what queries look for; texts cost
        with pq.ParquetWriter(temporary, pair_schema(env), **options) as writer:
            waiting: list[pa.RecordBatch] = []
            for batch in derive(unit, env, env.folder / "work" / f"{unit.index:05d}.languages.parquet"):
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
    draw.write(env.folder / "work" / f"{unit.index:05d}.drawn.parquet")  # before the receipt, which vouches for it too
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


def derive(unit: Unit, env: Env, languages: Path | None = None) -> Iterator[Scanned]:
    """The pairs of a unit as a run holds them, out of the pool; with the counts of the whole pool.

    languages: where the first pass kept those of the texts; None to decide them again
    """
    for batch in env.reading.pairs(unit, languages):
        yield replace(batch, pairs=_balanced(batch.pairs, unit, env))


def _balanced(pairs: pa.RecordBatch, unit: Unit, env: Env) -> pa.RecordBatch:
    entry_ids = env.match(pairs["text"], pairs["language"])
    u = uniform(pairs["uid"], entry_ids, env.entry_hash, env.seed)
    image = pc.binary_join_element_wise(
        str(env.input_index[unit.path]), pairs["image"], ":"
    )  # null where there is none
    smallest = t_min(entry_ids, u, env.entry_count)
    if env.reading.languages is not None:
        smallest = on_scale(smallest, pairs["language"], env.scale)
    columns = [pairs["uid"], pairs["text"], pairs["url"], image, entry_ids, pa.array(smallest), pairs["language"]]
    schema = pair_schema(env)
    return pa.RecordBatch.from_arrays(columns[: len(schema)], schema=schema)


def pair_schema(env: Env) -> pa.Schema:
    """The columns of a run's pairs."""
    return RUN_PAIR_SCHEMA if env.reading.languages is None else RUN_PAIR_SCHEMA.append(LANGUAGE_FIELD)


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


def _do_units(
    todo: list[Unit],
    amount: list[int],
    workers: int,
    report: Reporter,
    cancel: Callable[[], bool],
    env: Env,
    phase: str,
    fn: Callable[[Unit, Env], Receipt],
    folder: Path,
    then: Callable[[Unit], None] = lambda unit: None,
) -> list[Receipt]:
    """Run `fn` over the units whose receipt is not there yet, and `then` over all; the receipts of all of them."""
    receipts = {
        unit.index: receipt for unit in todo if (receipt := read_receipt(Receipt, folder, unit, env.plan_digest))
    }
    report.phase(phase, already_done=sum(amount[index] for index in receipts))
    for unit in todo:
        if unit.index in receipts:
            then(unit)

    def on_done(unit: Unit, receipt: Receipt) -> None:
        receipts[unit.index] = receipt
        then(unit)
        report.add(amount[unit.index])

    left = [unit for unit in todo if unit.index not in receipts]
    if cancel():
        raise Cancelled
    threads.map_units(fn, left, env, on_done=on_done, cancel=cancel, max_retries=1, workers=workers)
    return [receipts[unit.index] for unit in todo]


def _known_t(config: CurateConfig, entry_count: np.ndarray) -> list[float]:
    """The threshold that the configuration asks for; none where it asks for a size, which only the pairs can tell."""
    if config.t is not None:
        return [config.t]
    if config.size is not None:
        return []
    return [p_to_t(entry_count, DEFAULT_TAIL_SHARE if config.tail_share is None else config.tail_share)]


def _read_back(folder: Path, curves: CurveBuilder, rare: RareBuilder, unit: Unit) -> None:
    """Add a finished unit while its file is still in memory: so it counts once, however often it ran."""
    row = 0
    for batch in queries.read_matches(folder / f"{unit.index:05d}.parquet"):
        entry_ids, t_min = batch["matched_entry_ids"], batch["t_min"].to_numpy()
        curves.add(entry_ids, t_min)
        rare.add(unit.index, row, entry_ids, t_min)
        row += len(batch)


def _check_passes(run: Run, first: list[Receipt], second: list[Receipt]) -> None:
    """BadRun unless both passes met the same pairs, and as many rows as the pool is known to have."""
    for unit, one, other in zip(units(run), first, second, strict=True):
        if _met(one) != _met(other):
            raise BadRun(f"{unit.path}: it changed while it was read; start a new run")
    met = sum(receipt.rows_in for receipt in second)
    if (rows := run.rows) is not None and met < rows:  # a row with a list of texts is as many
        raise BadRun(f"{run.path}: {met} rows were met of the {rows} that the pool has; start a new run")


def _met(receipt: Receipt) -> tuple[object, ...]:
    return receipt.rows_in, receipt.rows, receipt.matched, receipt.matches, receipt.dropped


def _write_results(
    run: Run, receipts: list[Receipt], t: float, kept: int, seconds: dict[str, float], judged: Counter[str]
) -> None:
    dropped, notes = Counter[str](), Counter[str]()
    for receipt in receipts:
        dropped.update(receipt.dropped)
        notes.update(receipt.notes)
    rows_in = sum(receipt.rows_in for receipt in receipts)
    rows, matched = sum(receipt.rows for receipt in receipts), sum(receipt.matched for receipt in receipts)
    run.info["totals"] = {
        "rows": rows_in,
        "pairs": rows,
        "matched": matched,
        "matches": sum(receipt.matches for receipt in receipts),
        "t": t,
        "kept": kept,
    }
    routed, language_steps = rows, []
    if languages := queries.by_language(run, t):
        run.info["totals"]["by_language"] = queries.totals_of(languages)
        language_steps = [queries.language_step(languages)]
        routed = language_steps[0]["out"]
    filters, unreadable, read = filter_steps(run.config.active_filters, dropped, rows, judged)
    run.info["funnel"] = [
        {"step": "read", "in": rows_in, "out": read, "dropped": dict(unreadable)},
        *filters,
        *language_steps,
        {"step": "match", "in": routed, "out": matched, "dropped": {"no entry matches": routed - matched}},
        {"step": "balance", "in": matched, "out": kept, "dropped": {"balanced away": matched - kept}},
    ]
    run.info["unit_pairs"] = [receipt.rows for receipt in receipts]
    run.info["notes"] = dict(notes)
    run.info["damage"] = [
        f"{unit.path}: {line}" for unit, receipt in zip(units(run), receipts, strict=True) for line in receipt.damage
    ]
    run.info["timings"] = seconds


def _set_state(run: Run, state: State, error: str | None) -> None:
    run.info.update(state=state, error=error)
    write_info(run.path, run.info)
    with suppress(OSError), (run.path / "log.txt").open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {state}{f': {error}' if error else ''}\n")
