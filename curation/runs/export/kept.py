"""The kept pairs of a run, complete with what an export needs of them: entries in words, and image bytes."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.errors import UnreadableFile
from curation.pool.images import stream_images
from curation.runs.export.format import PAIR_COLUMNS
from curation.runs.folder import Run
from curation.runs.passes import ROW_GROUP_ROWS, SORTED_ROWS
from curation.uniform import list_lengths

BATCH_ROWS = 2**16
TOGETHER = SORTED_ROWS // ROW_GROUP_ROWS
IMAGE_ROWS = 256
IMAGE_BYTES = 64_000_000
"""A batch with images closes at so many rows or bytes: a row may hold megabytes."""


def kept_pairs(
    run: Run, t: float, columns: Sequence[str], *, on_rows: Callable[[int], None] = lambda rows: None
) -> Iterator[pa.RecordBatch]:
    """The pairs with t_min < t, unit by unit, each unit in the order of the pool.

    columns: those of PAIR_COLUMNS that are wanted
    on_rows: told how many rows of the run were gone through
    memory holds the pairs that a run sorts together, and a batch of images
    """
    for path in run.pair_files:
        for rows, pairs in _kept_together(path, t):
            done = passed = 0
            for batch in complete(run, pairs, columns):
                yield batch
                done += len(batch)
                on_rows(rows * done // len(pairs) - passed)
                passed = rows * done // len(pairs)
            on_rows(rows - passed)


def _kept_together(path: Path, t: float) -> Iterator[tuple[int, pa.Table]]:
    """The kept pairs of a file of a run, those together that were sorted together, and of how many rows they are."""
    with files.open_parquet(path) as file:
        rows_in = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        # what was sorted together ends with a row group that is not full
        ends = [group + 1 for group, rows in enumerate(rows_in) if rows < ROW_GROUP_ROWS or (group + 1) % TOGETHER == 0]
        for first, stop in pairwise([0, *(end for end in ends if end < len(rows_in)), len(rows_in)]):
            try:
                batches = file.iter_batches(row_groups=list(range(first, stop)))
                kept = (batch.filter(pc.less(batch["t_min"], t)) for batch in batches)
                yield sum(rows_in[first:stop]), pa.Table.from_batches(kept, file.schema_arrow)
            except (pa.ArrowException, OSError) as error:
                raise UnreadableFile(f"{path}: damaged ({str(error).splitlines()[0]})") from None


def complete(run: Run, pairs: pa.Table, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Pairs of a run as batches of the wanted columns, in the order of the pool.

    pairs: in the columns of a run's pair files
    """
    pairs = in_pool_order(pairs.combine_chunks())
    schema = pa.schema([PAIR_COLUMNS.field(name) for name in columns])
    slices = _slices_with_images(run, pairs) if "image" in columns else _slices(pairs)
    for rows, images in slices:
        made = {name: rows[name] for name in columns if name not in ("image", "matched_entries")}
        if "image" in columns:
            made["image"] = images
        if "matched_entries" in columns:
            made["matched_entries"] = _in_words(run, rows["matched_entry_ids"])
        yield pa.RecordBatch.from_arrays([made[name] for name in columns], schema=schema)


def in_pool_order(pairs: pa.Table) -> pa.Table:
    """Pairs of a run, sorted by where their images stand in the pool, so that one pass reads them; without, by uid."""
    place = pc.extract_regex(pairs["image"], r"^(?P<input>\d{1,9}):(?P<at>\d{1,18})")
    number = {name: pc.cast(pc.struct_field(place, name), pa.int64()) for name in ("input", "at")}
    keys = pa.table({**number, "uid": pairs["uid"]})
    return pairs.take(pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names]))


def has_images(run: Run) -> bool:
    """Whether the pool holds the image of any pair of the run."""
    for path in run.pair_files:
        with files.open_parquet(path) as file:
            if any(batch["image"].null_count < len(batch) for batch in file.iter_batches(columns=["image"])):
                return True
    return False


def _slices(pairs: pa.Table) -> Iterator[tuple[pa.RecordBatch, None]]:
    for batch in pairs.combine_chunks().to_batches(max_chunksize=BATCH_ROWS):
        yield batch, None


def _slices_with_images(run: Run, pairs: pa.Table) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    rows = pairs.combine_chunks().to_batches()
    images: list[bytes | None] = []
    first = size = 0
    for row, image in enumerate(stream_images(run.inputs, run.config.columns, pairs["image"].to_pylist()), start=1):
        images.append(image)
        size += len(image or b"")
        if len(images) == IMAGE_ROWS or size >= IMAGE_BYTES or row == len(pairs):
            yield rows[0].slice(first, len(images)), pa.array(images, pa.binary())
            images, first, size = [], row, 0


def _in_words(run: Run, matched_entry_ids: pa.ListArray) -> pa.ListArray:
    """(N,) list<string>: the entries themselves."""
    words = run.entries["entry"].take(matched_entry_ids.flatten()).combine_chunks()
    offsets = np.concatenate([[0], np.cumsum(list_lengths(matched_entry_ids))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), words)
