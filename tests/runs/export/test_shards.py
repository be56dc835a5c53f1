import pyarrow as pa
import pytest

from curation.runs.export.shards import shards


def batches(*sizes: int):
    first = 0
    for size in sizes:
        yield pa.RecordBatch.from_pydict({"n": list(range(first, first + size))})
        first += size


@pytest.mark.parametrize(
    ("sizes", "rows", "expected"),
    [
        ((3, 4, 5), 100, [12]),
        ((3, 4, 5), 4, [4, 4, 4]),
        ((12,), 5, [5, 5, 2]),
        ((0, 2, 0, 2, 0), 3, [3, 1]),
        ((), 3, []),
        ((0,), 3, []),
    ],
)
def test_shards_hold_so_many_rows_and_lose_none(sizes, rows, expected):
    found = [[n for batch in shard for n in batch["n"].to_pylist()] for shard in shards(batches(*sizes), rows, 10**9)]
    assert [len(shard) for shard in found] == expected
    assert [n for shard in found for n in shard] == list(range(sum(sizes)))


def test_a_shard_closes_with_the_batch_that_brings_it_to_its_size():
    found = [sum(len(batch) for batch in shard) for shard in shards(batches(10, 10, 10), 1000, 81)]  # 8 bytes a row
    assert found == [20, 10]
