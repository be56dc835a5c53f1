import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.pool.batches import BATCH_BYTES, STEPS, _growing, bounded, measured_batches

LARGE = "x" * 200_000


def sizes_of(texts, row_groups=None, read=measured_batches, **options):
    """Rows of each batch that a file of these texts is read in; the texts must be the same."""
    out = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), out, compression="zstd", **options)
    with pq.ParquetFile(out) as file:
        batches = list(read(file, row_groups or range(file.num_row_groups), ["text"]))
    if row_groups is None:
        assert pa.Table.from_batches(batches)["text"].to_pylist() == list(texts)
    return [len(batch) for batch in batches]


def test_few_rows_are_read_first_and_more_when_these_were_small():
    texts = [f"text {n}" for n in range(100_000)]
    assert sizes_of(texts, read=_growing) == [64, 1024 - 64, 65536 - 1024, 100_000 - 65536]


def test_what_is_read_by_and_by_comes_in_batches_of_the_usual_size():
    assert sizes_of([f"text {n}" for n in range(100_000)]) == [65_536, 34_464]


def test_rows_that_are_large_keep_coming_a_few_at_a_time():
    assert sizes_of([LARGE] * 300, read=_growing, store_schema=False) == [64, 64, 64, 64, 44]
    assert max(sizes_of([LARGE] * 1000, store_schema=False)) * len(LARGE) <= BATCH_BYTES


def test_large_rows_behind_small_ones_are_cut_into_parts():
    sizes = sizes_of(["a"] * 3000 + [LARGE] * 1000)
    assert sum(sizes) == 4000
    assert (sizes[0], sizes[-1]) == (3256, 186)
    assert max(sizes[1:]) * len(LARGE) <= BATCH_BYTES


def test_row_groups_are_read_in_the_order_given_however_small_they_are():
    texts = [f"text {n}" for n in range(500)]
    assert sizes_of(texts, row_group_size=7) == [500]
    assert sizes_of(texts, row_groups=[3, 4], row_group_size=7) == [14]


def test_a_dictionary_counts_by_what_its_rows_hold_when_they_are_written_out():
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array([LARGE]))
    parts = list(bounded(pa.record_batch({"text": column})))
    assert sum(len(part) for part in parts) == 1000
    assert max(len(part) for part in parts) * len(LARGE) <= BATCH_BYTES
    assert column.nbytes < 1_000_000


@pytest.mark.parametrize("kind", ["views", "list views"])
def test_views_count_by_what_they_name(kind):
    if kind == "views":
        stored = pa.array([LARGE, LARGE], pa.string_view())
        views = pa.py_buffer(stored.buffers()[1].to_pybytes()[:16] * 1000)
        column = pa.Array.from_buffers(pa.string_view(), 1000, [None, views, *stored.buffers()[2:]])
    else:
        starts = pa.array([0] * 1000, pa.int32())
        column = pa.ListViewArray.from_arrays(starts, pa.array([1] * 1000, pa.int32()), pa.array([LARGE]))
    parts = list(bounded(pa.record_batch({"text": column})))
    assert sum(len(part) for part in parts) == 1000
    assert max(len(part) for part in parts) * len(LARGE) <= BATCH_BYTES


def test_a_small_batch_stays_whole():
    batch = pa.record_batch({"text": ["a"] * STEPS[-1]})
    assert [part.equals(batch) for part in bounded(batch)] == [True]
