import multiprocessing
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.clip.results import SCHEMA, Row, add_results, measured, read_results
from curation.errors import BadArgument, UnreadableFile

ROW = Row(
    checkpoint="small", checkpoint_digest="c0ffee", data="eval", data_digest="dada", protocol="zero-shot",
    templates="clip80@01234567", shots=0, seed=None, metric="top-1", value=0.5, low=0.4, high=0.6, n=100, dropped=2,
    reasons='{"no label": 2}', l2=None, seconds=1.5,
)  # fmt: skip


def test_rows_are_put_beside_each_other_and_known_by_their_keys(tmp_path):
    path = tmp_path / "new" / "results.parquet"
    assert (len(read_results(path)), measured(path)) == (0, set())
    add_results(path, [ROW, replace(ROW, metric="top-5", value=0.9)])
    probe = replace(ROW, protocol="probe", templates=None, shots=None, seed=1, l2=0.1)
    add_results(path, [probe])
    assert read_results(path).schema == SCHEMA
    assert read_results(path)["value"].to_pylist() == [0.5, 0.9, 0.5]
    keys = {(key.protocol, key.templates, key.shots, key.seed) for key in measured(path)}
    assert keys == {("zero-shot", "clip80@01234567", 0, None), ("probe", None, None, 1)}


def test_what_is_measured_again_takes_the_place_of_what_was_there(tmp_path):
    path = tmp_path / "results.parquet"
    add_results(path, [ROW, replace(ROW, metric="top-5")])
    add_results(path, [replace(ROW, data_digest="other")])
    add_results(path, [replace(ROW, value=0.7)])
    rows = read_results(path).to_pylist()
    assert [(row["data_digest"], row["metric"], row["value"]) for row in rows] == [
        ("other", "top-1", 0.5), ("dada", "top-1", 0.7),
    ]  # fmt: skip


def test_another_table_is_not_written_over(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"no Parquet")
    for name in ("a", "b"):
        before = (tmp_path / f"{name}.parquet").read_bytes()
        with pytest.raises(UnreadableFile):
            add_results(tmp_path / f"{name}.parquet", [ROW])
        assert (tmp_path / f"{name}.parquet").read_bytes() == before
    with pytest.raises(BadArgument, match=r"\.parquet"):
        read_results(tmp_path / "results.csv")


def add_ten(path, seed):
    for n in range(10):
        add_results(path, [replace(ROW, seed=100 * seed + n)])


def test_two_processes_that_write_at_once_lose_nothing(tmp_path):
    path, spawn = tmp_path / "results.parquet", multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=add_ten, args=(path, seed)) for seed in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(read_results(path)["seed"].to_pylist()) == [*range(100, 110), *range(200, 210)]
    assert [one.name for one in tmp_path.iterdir()] == ["results.parquet"]
