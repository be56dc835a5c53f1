"""The rows of Parquet files in batches that fit into memory, whatever is in them.

A file of 46 KB can hold 20 GB of text, and say in its footer that it holds 1 MB. So a file is begun with few rows at a
time, and only what was measured decides how many come next.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.pool.pairs import BATCH_ROWS, is_text

BATCH_BYTES = 64_000_000
STEPS = (64, 1024, BATCH_ROWS)
"""Rows at a time: the first few, then more if those were small."""


class TooLarge(pa.ArrowInvalid):  # type: ignore[misc]  # pyarrow has no types
    """A few rows that need more memory than there is."""


def measured_batches(
    file: pq.ParquetFile, row_groups: Sequence[int], columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The rows of some row groups, in order; raises ArrowException, OSError where they are damaged.

    Batches have BATCH_ROWS rows, but for the last; or fewer, where these would have more than about BATCH_BYTES.
    """
    held: list[pa.RecordBatch] = []
    rows = size = 0
    try:
        for part in _growing(file, row_groups, columns):
            bytes_of_part = _bytes(part)
            if held and (rows + len(part) > BATCH_ROWS or size + bytes_of_part > BATCH_BYTES):
                yield _joined(held)
                held, rows, size = [], 0, 0
            held.append(part)
            rows, size = rows + len(part), size + bytes_of_part
    except (pa.ArrowException, OSError):
        if held:
            yield _joined(held)
        raise
    if held:
        yield _joined(held)


def _joined(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.concat_batches(parts) if len(parts) > 1 else parts[0]


def _growing(file: pq.ParquetFile, row_groups: Sequence[int], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows in parts: few at first, and more as long as they are small."""
    steps = [min(step, BATCH_ROWS) for step in STEPS]
    left = _Left(file, row_groups)
    at, may_grow = 0, True
    while left:
        skip = left.done
        batches = file.iter_batches(steps[at], row_groups=left.groups, columns=list(columns))
        while True:
            try:
                batch = next(batches, None)
            except MemoryError:
                if at == 0:
                    raise TooLarge(f"{steps[0]} rows need more memory than there is") from None
                at, may_grow = 0, False
                break
            if batch is None:
                return
            skipped = min(skip, len(batch))
            skip -= skipped
            if skipped == len(batch) and skipped:
                continue
            yield from bounded(batch.slice(skipped))
            left.take(len(batch) - skipped)
            fitting = _fitting(batch, steps, at, may_grow)
            if fitting != at:
                at, may_grow = fitting, fitting > at
                break


def bounded(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The rows of a batch in parts that have about BATCH_BYTES at most when their values are written out."""
    if len(batch) < 2 or _bytes(batch) <= BATCH_BYTES:
        yield batch
        return
    half = len(batch) // 2
    yield from bounded(batch.slice(0, half))
    yield from bounded(batch.slice(half))


def _bytes(batch: pa.RecordBatch) -> int:
    return sum(map(_decoded_bytes, batch.columns))


def _decoded_bytes(column: pa.Array) -> int:
    """Bytes of a column with each value written out: a dictionary or a view may name one of a megabyte in every row."""
    if pa.types.is_dictionary(column.type):
        lengths = _lengths(column.dictionary)
        written_out = int(pc.sum(pc.take(pa.array(lengths), column.indices)).as_py() or 0)
        # Arrow makes room for rows of the mean length before it looks at which they are
        return max(written_out, int(lengths.mean() * len(column)) if len(lengths) else 0)
    if pa.types.is_list_view(column.type) or pa.types.is_large_list_view(column.type):
        longest = max(_lengths(column.values), default=0)
        return int(pc.sum(pc.list_value_length(column)).as_py() or 0) * int(longest)
    if pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type):
        return int(_lengths(column).sum())
    return int(column.nbytes)


def _lengths(values: pa.Array) -> np.ndarray:
    """Bytes of each value, int64."""
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        views = np.frombuffer(values.buffers()[1], np.int32).reshape(-1, 4)  # the first of four words is the length
        return views[values.offset : values.offset + len(values), 0].astype(np.int64)
    if is_text(values.type) and not pa.types.is_dictionary(values.type):
        return pc.fill_null(pc.binary_length(values), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.full(len(values), values.nbytes // max(len(values), 1) + 1, np.int64)


def _fitting(batch: pa.RecordBatch, steps: Sequence[int], at: int, may_grow: bool) -> int:
    """Which step suits rows that are as large as these."""
    bytes_of_row = _bytes(batch) / max(len(batch), 1)
    if at and bytes_of_row * steps[at] > 4 * BATCH_BYTES:
        return 0
    larger = [step for step, (_, rows) in enumerate(pairwise(steps), 1) if rows * bytes_of_row <= BATCH_BYTES]
    return min(at + 1, max(larger, default=0)) if may_grow and max(larger, default=0) > at else at


class _Left:
    """The row groups that were not read to their end, by what the footer says of their rows.

    done: rows of the first of them that were read
    """

    def __init__(self, file: pq.ParquetFile, row_groups: Sequence[int]) -> None:
        self._groups = deque((group, file.metadata.row_group(group).num_rows) for group in row_groups)
        self.done = 0

    def __bool__(self) -> bool:
        return bool(self._groups)

    @property
    def groups(self) -> list[int]:
        return [group for group, _ in self._groups]

    def take(self, rows: int) -> None:
        self.done += rows
        while self._groups and self.done >= self._groups[0][1]:
            self.done -= max(self._groups.popleft()[1], 0)
