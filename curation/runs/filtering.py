"""The phase before matching that decides which pairs are left out; only where a filter is on.

Each unit is read once: what one pair alone tells is decided, and keys are written down, work/filter/<unit>.parquet.
Over the keys of all units duplicates and counts are decided, and then each unit's reasons are put together in
filtered/<unit>.parquet, which stays in the run. Whatever is already done stays done.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation import files
from curation.engines import Cancelled, Unit
from curation.errors import UnreadableFile
from curation.pool.difference_hash import difference_hash
from curation.pool.filter_config import REASONS
from curation.pool.filters import per_row_reasons
from curation.pool.images import stream_images
from curation.pool.inputs import PoolFile
from curation.pool.keys import Key, bytes_key, image_keys, string_keys, word_hashes
from curation.pool.pairs import PAIR_SCHEMA
from curation.queries.filters import NEEDS, frequent_words, pool_drops
from curation.runs.config import CurateConfig
from curation.runs.filtered import (
    NO_IMAGE,
    NOT_DECODED,
    FilterReceipt,
    count_reasons,
    write_reasons,
    write_receipt,
)
from curation.runs.folder import Run
from curation.runs.reading import Reading
from curation.runs.receipts import read_receipt, receipts_in
from curation.runs.working import Work

IMAGE_ROWS = 2**18
"""So many pairs are in memory while their images are streamed: each stretch begins a new pass over its row groups."""

ROWS = 2**16


@dataclass(frozen=True)
class FilterEnv:
    """What filtering a unit needs besides itself."""

    folder: Path
    plan_digest: str
    reading: Reading
    config: CurateConfig
    inputs: list[PoolFile]

    @property
    def work(self) -> Path:
        """Where the keys are."""
        return self.folder / "work" / "filter"

    @property
    def filtered(self) -> Path:
        """Where the decisions are."""
        return self.folder / "filtered"

    @cached_property
    def needed(self) -> frozenset[str]:
        """The columns of keys that the active filters need."""
        return frozenset(column for name in self.config.active_filters for column in NEEDS.get(name, ()))

    @cached_property
    def input_index(self) -> dict[str, int]:
        """The number of each input."""
        return {file.path: at for at, file in enumerate(self.inputs)}


def filter_pool(run: Run, reading: Reading, work: Work) -> Counter[str]:
    """Do what is left of filtering; returns the notes on all units. Raises Cancelled, CurationError."""
    env = FilterEnv(run.path, run.info["plan_digest"], reading, run.config, run.inputs)
    if not receipts_in(env.filtered).issuperset(unit.index for unit in work.todo):
        work.do(filter_unit, env, env.work, "filter")
        _compare(env, work)
    decided = work.do(decide_unit, env, env.filtered, "compare")
    with suppress(FileNotFoundError):
        shutil.rmtree(env.work)
    return sum((Counter(receipt.notes) for receipt in decided), Counter())


def filter_unit(unit: Unit, env: FilterEnv) -> FilterReceipt:
    """Reasons that a pair gives alone, and the keys of each -> work/filter/<unit>.parquet, in the order of reading.

    Where rare words are asked for, also work/filter/<unit>.words.parquet, with the count of each word.
    """
    path = env.work / f"{unit.index:05d}.parquet"
    if (done := read_receipt(FilterReceipt, path, env.plan_digest)) is not None:
        return done
    dropped, notes, rows, rows_in = Counter[str](), Counter[str](), 0, 0
    with ExitStack() as still_open:
        write = still_open.enter_context(_writing(path))
        if rare := "rare words" in env.config.active_filters:
            write_words = still_open.enter_context(_writing(path.with_suffix(".words.parquet")))
        for pairs, left_out in _stretches(unit, env):
            reasons, told = per_row_reasons(pairs, env.config)
            table = _keys(pairs, reasons, rows, unit, env, notes)
            write(table)
            if rare:
                write_words(_counted(table["words"]))
            dropped.update(count_reasons(reasons))
            notes += told
            rows += len(pairs)
            rows_in += len(pairs) + left_out
    receipt = FilterReceipt(unit.index, env.plan_digest, files.sha256(path), rows_in, rows, dict(dropped), dict(notes))
    write_receipt(env.work, receipt)
    return receipt


def decide_unit(unit: Unit, env: FilterEnv) -> FilterReceipt:
    """Put together why each pair of a unit is dropped -> filtered/<unit>.parquet."""
    path, source = (folder / f"{unit.index:05d}.parquet" for folder in (env.filtered, env.work))
    if (done := read_receipt(FilterReceipt, path, env.plan_digest)) is not None:
        return done
    read = read_receipt(FilterReceipt, source, env.plan_digest)
    if read is None:
        path.with_suffix(".json").unlink(missing_ok=True)  # so that on resuming keys are made again
        raise UnreadableFile(f"{env.work}: the keys of unit {unit.index} are damaged; go on with --resume")
    reasons = np.zeros(read.rows, np.uint8)
    rare = "rare words" in env.config.active_filters
    known = np.load(env.work / "frequent.npy", mmap_mode="r") if rare else np.zeros(0, np.uint64)
    out = np.zeros(read.rows, np.bool_)
    row = 0
    for batch in files.read_batches(source, ["reason", "words"] if rare else ["reason"], ROWS):
        reasons[row : row + len(batch)] = batch["reason"].to_numpy()
        if rare:
            out[row : row + len(batch)] = _has_rare_word(batch["words"], known)
        row += len(batch)
    drops = env.work / f"{unit.index:05d}.drops.npy"
    if drops.is_file():
        found = np.load(drops)
        reasons[found["row"]] = found["reason"]
    reasons[(reasons == 0) & out] = REASONS["rare words"]
    write_reasons(path, reasons)
    receipt = FilterReceipt(
        unit.index, env.plan_digest, files.sha256(path), read.rows_in, read.rows, count_reasons(reasons), read.notes
    )
    write_receipt(env.filtered, receipt)
    return receipt


def _compare(env: FilterEnv, work: Work) -> None:
    """Decide what only the whole pool can tell -> work/filter/<unit>.drops.npy and frequent.npy."""
    work.report.phase("compare")
    mark = env.work / "compared.json"
    if mark.is_file():
        return
    threads = os.cpu_count() or 1
    scratch = env.work / "scratch"
    scratch.mkdir(exist_ok=True)
    keys = [env.work / f"{unit.index:05d}.parquet" for unit in work.todo]
    if env.needed:
        _write_drops(env.work, pool_drops(keys, env.config, scratch=scratch, threads=threads, cancel=work.cancel))
    if work.cancel():
        raise Cancelled
    if "rare words" in env.config.active_filters:
        words = [path.with_suffix(".words.parquet") for path in keys]
        most = env.config.frequent_words or 0
        found = [batch["word"].to_numpy() for batch in frequent_words(words, most, scratch=scratch, threads=threads)]
        files.write_array(env.work / "frequent.npy", np.concatenate([np.zeros(0, np.uint64), *found]))
    files.write_json(mark, {"plan_digest": env.plan_digest})


def _write_drops(folder: Path, batches: Iterable[pa.RecordBatch]) -> None:
    """The drops, which come by ascending place, to a file for each unit that has any."""
    for index, parts in groupby(_by_unit(batches), key=lambda part: part[0]):
        found = np.concatenate([drops for _, drops in parts])
        files.write_array(folder / f"{index:05d}.drops.npy", found)


def _by_unit(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, np.ndarray]]:
    for batch in filter(len, batches):
        place = batch["place"].to_numpy()
        drops = np.empty(len(batch), [("row", np.int64), ("reason", np.uint8)])
        drops["row"], drops["reason"] = place & (2**32 - 1), batch["reason"].to_numpy()
        of_unit = place >> 32
        starts = np.flatnonzero(np.diff(of_unit, prepend=-1))
        for part, index in zip(np.split(drops, starts[1:]), of_unit[starts].tolist(), strict=True):
            yield index, part


def _stretches(unit: Unit, env: FilterEnv) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The pairs of a unit and how many rows gave none; in long stretches if the images behind them are read."""
    rows = IMAGE_ROWS if env.needed & {"bytes_a", "looks"} else 0
    waiting, left_out = [pa.RecordBatch.from_pylist([], schema=PAIR_SCHEMA)], 0
    for batch in env.reading.everything(unit):
        waiting.append(batch.pairs)
        left_out += batch.dropped.total()
        if sum(map(len, waiting)) > rows:
            yield pa.concat_batches(waiting), left_out
            waiting, left_out = [batch.pairs.slice(0, 0)], 0
    yield pa.concat_batches(waiting), left_out


def _keys(
    pairs: pa.RecordBatch, reasons: np.ndarray, first: int, unit: Unit, env: FilterEnv, notes: Counter[str]
) -> pa.Table:
    """The columns that `queries.filters` wants of these pairs, and words if rare ones are asked for."""
    at = env.input_index[unit.path]
    columns: dict[str, object] = {
        "place": (unit.index << 32) + first + np.arange(len(pairs), dtype=np.int64),
        "instance": (at << 40) + pairs["row"].to_numpy(),
        "reason": reasons,
    }
    if "text_a" in env.needed:
        columns |= _halves("text", string_keys(pairs["text"]))
    if "image_a" in env.needed:
        columns |= _halves("image", image_keys(pairs, at))
    if env.needed & {"bytes_a", "looks"}:
        columns |= _image_columns(pairs["image"], reasons == 0, at, env, notes)
    if "rare words" in env.config.active_filters:
        columns["words"] = word_hashes(pairs["text"])
    return pa.table(columns)


def _halves(name: str, key: Key) -> dict[str, object]:
    return {f"{name}_a": key[0], f"{name}_b": key[1]}


def _image_columns(
    references: pa.Array, wanted: np.ndarray, at: int, env: FilterEnv, notes: Counter[str]
) -> dict[str, object]:
    """bytes_a, bytes_b and looks of the pairs that are left; each image is read once, however many texts it has."""
    encoded = references.filter(pa.array(wanted)).dictionary_encode()
    places = [f"{at}:{reference}" for reference in encoded.dictionary.to_pylist()]
    images = [_of_image(image, env) for image in stream_images(env.inputs, env.config.columns, places)]
    images.append((None, None, None, NO_IMAGE))  # of a pair without a reference
    of_pair = np.full(len(references), -1)
    of_pair[wanted] = encoded.indices.fill_null(len(images) - 1).to_numpy()
    notes.update(Counter(note for k in of_pair[wanted].tolist() if (note := images[k][3])))
    columns = {
        name: pa.array([None if k < 0 else images[k][part] for k in of_pair.tolist()], pa.uint64())
        for part, name in enumerate(("bytes_a", "bytes_b", "looks"))
    }
    return {name: column for name, column in columns.items() if name in env.needed}


def _of_image(image: bytes | None, env: FilterEnv) -> tuple[int | None, int | None, int | None, str | None]:
    """The halves of the key of its bytes, its difference hash, and a note if something is missing."""
    if image is None:
        return None, None, None, NO_IMAGE
    first, second = bytes_key(image)
    if "looks" not in env.needed:
        return first, second, None, None
    try:
        return first, second, difference_hash(image), None
    except UnreadableFile:
        return first, second, None, NOT_DECODED


def _counted(words: pa.ChunkedArray) -> pa.Table:
    word, count = np.unique(words.combine_chunks().flatten().to_numpy(), return_counts=True)
    return pa.table({"word": word, "count": count})


def _has_rare_word(words: pa.ListArray, known: np.ndarray) -> np.ndarray:
    """(N,) whether one of the words of each text is not among the known ones, which ascend."""
    flat = words.flatten().to_numpy()
    at = np.minimum(np.searchsorted(known, flat), max(known.size - 1, 0))
    rare = known[at] != flat if known.size else np.ones(flat.size, np.bool_)
    out = np.zeros(len(words), np.bool_)
    out[words.value_parent_indices().to_numpy()[rare]] = True
    return out


@contextmanager
def _writing(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Write a Parquet file table by table, at least one; it is there only when it is whole."""
    with files.whole(path) as temporary:
        with ExitStack() as still_open:
            writer: pq.ParquetWriter | None = None

            def write(table: pa.Table) -> None:
                nonlocal writer
                if writer is None:
                    made = pq.ParquetWriter(temporary, table.schema, **files.PARQUET_OPTIONS)
                    writer = still_open.enter_context(made)
                writer.write_table(table)

            yield write
        # a full disk can pass the writer's close unnoticed
        files.open_parquet(temporary).close()
