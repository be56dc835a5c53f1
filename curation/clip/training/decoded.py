"""The pictures of a run, decoded once: files that are mapped into memory, from which any batch is gathered at once.

    <unit>.pixels      (n, H, W, 3) uint8 and nothing else: the pictures of a unit of the run, at the size a model takes
    <unit>.rows.npy    (n,) int64: the pair of the unit that each belongs to
    <unit>.json        the receipt: pictures, and pairs left out by reason
    bpe-<size>.txt.gz  a vocabulary learnt from the texts of the run
    tokens-<key>.npy   (N, context_length) int32: the texts of all pairs with a picture

The folder belongs to one plan of a run and one way to make pictures ready, and is shared by all that train on it: of
two that begin at once, one decodes and the other waits for it.
"""

import hashlib
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from curation import files
from curation.clip.encode import Preprocess
from curation.clip.tokenizers import Tokenize, learn_merges
from curation.engines import Cancelled, Unit
from curation.errors import BadRun, CurationError
from curation.pool.decode import rgb
from curation.pool.images import stream_images
from curation.runs.export.kept import in_pool_order
from curation.runs.folder import Run, lock

LEARNT_FROM = 100_000
"""So many texts, evenly spaced, are enough to learn a vocabulary of a few thousand tokens from."""
TOKENIZED_AT_ONCE = 4096
TOLD_EVERY = 256
MOST_ASPECT = 100
"""Of a picture longer than that nearly all would be cropped away, once it was resized to hundreds of megabytes."""
_WAYS = ("size", "interpolation", "resize_mode", "fill_color")
"""What of a preprocess_cfg decides the pixels; mean and standard deviation come later."""


class DecodedPool:
    """The pairs of a run that have a picture: item k is pair `pair_row[k]` of the run. Made by `decode`."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.run, self.folder = run, folder
        names = [f"{index:05d}" for index in range(len(run.pair_files))]
        receipts = [files.read_json(folder / f"{name}.json") for name in names]
        self._pictures = [
            _mapped(folder / f"{name}.pixels", receipt["shape"]) for name, receipt in zip(names, receipts, strict=True)
        ]
        self._first = np.cumsum([0, *(len(pictures) for pictures in self._pictures)])  # of each unit, and the end
        pairs = np.cumsum([0, *run.info["unit_pairs"]])
        rows = [np.load(folder / f"{name}.rows.npy") for name in names]
        self.pair_row: np.ndarray = np.concatenate([first + at for first, at in zip(pairs[:-1], rows, strict=True)])
        self.dropped: Counter[str] = Counter()
        for receipt in receipts:
            self.dropped.update(receipt["dropped"])

    def __len__(self) -> int:
        return int(self._first[-1])

    def pixels(self, items: np.ndarray) -> np.ndarray:
        """(B,) int64 -> (B, H, W, 3) uint8"""
        out = np.empty((len(items), *self._pictures[0].shape[1:]), dtype=np.uint8)
        unit = np.searchsorted(self._first, items, side="right") - 1
        for index in np.unique(unit):
            ours = np.flatnonzero(unit == index)
            out[ours] = self._pictures[index][items[ours] - self._first[index]]
        return out

    @cached_property
    def pairs(self) -> pa.Table:
        """uid, text, matched_entry_ids, t_min, and language where the run has it, of the items, in their order."""
        names = files.open_parquet(self.run.pair_files[0]).schema_arrow.names
        columns = [name for name in names if name not in ("url", "image")]
        table = pa.concat_tables([files.open_parquet(path).read(columns) for path in self.run.pair_files])
        return table.take(pa.array(self.pair_row)).combine_chunks()

    def merges(self, vocab_size: int) -> bytes:
        """A vocabulary learnt from the texts of all items, kept beside them."""
        path = self.folder / f"bpe-{vocab_size}.txt.gz"
        if not path.is_file():
            texts = self.pairs["text"].take(pa.array(_evenly(len(self), LEARNT_FROM))).to_pylist()
            with files.whole(path) as temporary:
                temporary.write_bytes(learn_merges(texts, vocab_size))
        return path.read_bytes()

    def tokens(self, tokenizer: Tokenize, key: str) -> np.ndarray:
        """(N, context_length) int32, mapped into memory; `key` names the tokenizer and its context length."""
        path = self.folder / f"tokens-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
        if not path.is_file():
            texts = self.pairs["text"].to_pylist()
            parts = (texts[at : at + TOKENIZED_AT_ONCE] for at in range(0, len(texts), TOKENIZED_AT_ONCE))
            files.write_array(path, np.concatenate([tokenizer(part).numpy().astype(np.int32) for part in parts]))
        return np.load(path, mmap_mode="r")


def decode(
    run: Run,
    folder: Path,
    preprocess: Preprocess,
    *,
    workers: int = 2,
    on_rows: Callable[[int], None] = lambda rows: None,
    cancel: Callable[[], bool] = lambda: False,
) -> DecodedPool:
    """Decode the pictures of a run into a folder of its own below `folder`; what is there already is kept.

    A picture that cannot be decoded is left out and counted with its reason, and so is a pair without one.

    on_rows: told how many more pairs are through
    raises   BadRun where no pair has a picture, UnreadableFile where the pool is gone or has changed, CurationError
             where the disk has no room for all of them, Cancelled
    """
    own = folder / _key(run, preprocess)
    own.mkdir(parents=True, exist_ok=True)
    with _alone_in(own, cancel):
        units = [Unit(index, path.name, ()) for index, path in enumerate(run.pair_files)]
        missing = [unit for unit in units if not _is_whole(own / f"{unit.index:05d}")]
        _check_room(run, missing, own, preprocess)
        on_rows(sum(run.info["unit_pairs"]) - sum(run.info["unit_pairs"][unit.index] for unit in missing))
        counting = Lock()  # on_rows is told by the threads that decode

        def tell(rows: int) -> None:
            if cancel():
                raise Cancelled
            with counting:
                on_rows(rows)

        # threads, not an engine: decoding releases the GIL, and tells how far it is within a unit
        with ThreadPoolExecutor(workers) as threads:
            decoding = [
                threads.submit(_decode_unit, run, unit, own / f"{unit.index:05d}", preprocess, tell) for unit in missing
            ]
            try:
                for unit_done in as_completed(decoding):
                    unit_done.result()
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
    pool = DecodedPool(run, own)
    if not len(pool):
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in pool.dropped.items())
        raise BadRun(f"{run.path}: none of its pairs has a picture to train on ({reasons or 'it has no pairs'})")
    return pool


def _decode_unit(run: Run, unit: Unit, stem: Path, preprocess: Preprocess, tell: Callable[[int], None]) -> None:
    """Write the files of a unit, its receipt at last."""
    rows: list[int] = []
    dropped: Counter[str] = Counter()
    pairs = files.open_parquet(run.pair_files[unit.index]).read(["uid", "image"])
    # the pairs of a run are in the order of t_min; in that of the pool each of its files is read once
    pairs = in_pool_order(pairs.append_column("row", pa.array(np.arange(len(pairs)))))
    with files.whole(stem.with_suffix(".pixels")) as temporary, temporary.open("wb") as file:
        pictures = _pictures(run, pairs["image"].to_pylist())
        for done, (row, picture) in enumerate(zip(pairs["row"].to_pylist(), pictures, strict=True), start=1):
            if isinstance(picture, Image.Image):
                rows.append(row)
                file.write(preprocess.pixels(picture).data)
            else:
                dropped[picture] += 1
            if done % TOLD_EVERY == 0 or done == len(pairs):
                tell((done - 1) % TOLD_EVERY + 1)
    files.write_array(stem.with_suffix(".rows.npy"), np.array(rows, dtype=np.int64))
    files.write_json(stem.with_suffix(".json"), {"shape": [len(rows), *preprocess.size, 3], "dropped": dropped})


@contextmanager
def _alone_in(folder: Path, cancel: Callable[[], bool]) -> Iterator[None]:
    """Hold the folder, once nobody else does, and clear away what a killed one was writing."""
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock(folder))
                break
            except BadRun:  # another training decodes the same pictures
                if cancel():
                    raise Cancelled from None
        for leftover in folder.glob(".[0-9]*.tmp"):  # of units; vocabularies and tokens are written without the lock
            leftover.unlink(missing_ok=True)
        yield


def _is_whole(stem: Path) -> bool:
    """Whether a unit has its receipt, and files as long as that says."""
    try:
        shape = files.read_json(stem.with_suffix(".json"))["shape"]
        rows = np.load(stem.with_suffix(".rows.npy"), mmap_mode="r").shape
        return stem.with_suffix(".pixels").stat().st_size == math.prod(shape) and rows == (shape[0],)
    except (CurationError, OSError, ValueError, KeyError, TypeError):
        return False


def _check_room(run: Run, units: list[Unit], folder: Path, preprocess: Preprocess) -> None:
    """CurationError if what is to be decoded would not fit on the disk."""
    images = [files.open_parquet(run.pair_files[unit.index]).read(["image"])["image"] for unit in units]
    height, width = preprocess.size
    needed = sum(len(column) - column.null_count for column in images) * height * width * 3
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise CurationError(
            f"{folder}: the pictures of this run take {needed / 1e9:,.2f} GB at {width} x {height} pixels, and"
            f" {free / 1e9:,.2f} GB are free; make room, or choose a model of smaller pictures"
        )


def _pictures(run: Run, references: list[str | None]) -> Iterator[Image.Image | str]:
    """The picture of each pair, or why there is none."""
    for data in stream_images(run.inputs, run.config.columns, references):
        if data is None:
            yield "no picture"
            continue
        try:
            picture = rgb(data)
        except CurationError:
            yield "picture cannot be decoded"
            continue
        too_long = max(picture.size) > MOST_ASPECT * min(picture.size)
        yield f"picture more than {MOST_ASPECT} times as long as wide" if too_long else picture


def _mapped(path: Path, shape: list[int]) -> np.ndarray:
    """The pictures of a unit; nothing can be mapped where there is none."""
    return np.memmap(path, np.uint8, "r", shape=tuple(shape)) if shape[0] else np.empty(shape, dtype=np.uint8)


def _key(run: Run, preprocess: Preprocess) -> str:
    way: dict[str, Any] = {name: getattr(preprocess.cfg, name) for name in _WAYS}
    made = hashlib.sha256(json.dumps([run.info["plan_digest"], way], sort_keys=True).encode())
    return f"{preprocess.size[0]}px-{made.hexdigest()[:16]}"


def _evenly(count: int, most: int) -> np.ndarray:
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)
