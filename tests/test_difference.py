import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.errors import UnreadableFile
from curation.queries.difference import Rows, row_difference


def written(path, rows) -> Rows:
    columns = pa.schema([("uid", pa.string()), ("ids", pa.list_(pa.int32())), ("t_min", pa.float64())])
    pq.write_table(pa.Table.from_pylist([dict(zip(columns.names, row, strict=True)) for row in rows], columns), path)
    return Rows(files=[path])


def test_rows_are_compared_by_all_their_columns_and_as_often_as_they_stand_there(tmp_path):
    a = written(tmp_path / "a", [("x", [1], 1.0), ("x", [1], 1.0), ("y", None, 2.0), ("z", [], float("inf"))])
    b = written(tmp_path / "b", [("x", [1], 1.0), ("y", None, 2.0), ("z", [2], float("inf"))])
    found = row_difference(a, b, ["uid", "ids", "t_min"], scratch=tmp_path, limit=10)
    assert (found.left, found.right) == (2, 1)
    assert found.examples.to_pylist() == [
        {"uid": "x", "ids": [1], "t_min": 1.0, "surplus": 1},
        {"uid": "z", "ids": [], "t_min": float("inf"), "surplus": 1},
        {"uid": "z", "ids": [2], "t_min": float("inf"), "surplus": -1},
    ]


def test_a_side_can_be_cut_at_a_threshold_or_made_distinct(tmp_path):
    a = written(tmp_path / "a", [("x", [1], 1.0), ("x", [1], 1.0), ("y", [1], 2.0)])
    b = written(tmp_path / "b", [("x", [1], 1.0)])
    below = Rows(files=a.files, below=2.0)
    assert row_difference(below, b, ["uid"], scratch=tmp_path, limit=10).left == 1
    distinct = Rows(files=a.files, below=2.0, distinct=True)
    assert row_difference(distinct, b, ["uid"], scratch=tmp_path, limit=10).left == 0


def test_examples_are_limited_on_each_side(tmp_path):
    a = written(tmp_path / "a", [(f"a{n}", None, None) for n in range(20)])
    b = written(tmp_path / "b", [(f"b{n}", None, None) for n in range(30)])
    found = row_difference(a, b, ["uid"], scratch=tmp_path, limit=2)
    assert (found.left, found.right) == (20, 30)
    assert found.examples["uid"].to_pylist() == ["a0", "a1", "b0", "b1"]


@settings(deadline=None)  # it writes files
@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd")))
def test_the_difference_is_that_of_multisets(tmp_path_factory, left, right):
    folder = tmp_path_factory.mktemp("multisets")
    a, b = (written(folder / side, [(uid, None, None) for uid in uids]) for side, uids in (("a", left), ("b", right)))
    found = row_difference(a, b, ["uid"], scratch=folder, limit=10)
    surplus = {uid: left.count(uid) - right.count(uid) for uid in "abcd"}
    assert {row["uid"]: row["surplus"] for row in found.examples.to_pylist()} == {u: n for u, n in surplus.items() if n}
    assert found.left - found.right == len(left) - len(right)


def test_folders_with_odd_names_are_read_and_damage_is_said_in_one_line(tmp_path):
    odd = tmp_path / "o'dd [a-z]* {x} 100%?"
    odd.mkdir()
    a = written(odd / "it's.parquet", [("x", None, None)])
    assert row_difference(a, a, ["uid"], scratch=odd, limit=1).left == 0
    (odd / "it's.parquet").write_bytes(b"PAR1 no longer")
    with pytest.raises(UnreadableFile, match=r"^pairs cannot be compared: .+$"):
        row_difference(a, a, ["uid"], scratch=odd, limit=1)


def test_random_examples_are_the_same_each_time_and_not_the_smallest(tmp_path):
    a = written(tmp_path / "a", [(f"a{n:04d}", None, None) for n in range(1000)])
    b = written(tmp_path / "b", [("b", None, None)])
    first, again = (
        row_difference(a, b, ["uid"], scratch=tmp_path, limit=20, order="random").examples["uid"].to_pylist()
        for _ in range(2)
    )
    assert first == again
    assert len(first) == 21
    assert "b" in first
    # of 20 out of 1,000, all below 500 has a chance of 1 in a million
    assert any(uid >= "a0500" for uid in first if uid != "b")
