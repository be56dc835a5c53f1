import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import write_damaged_pool, write_pool
from curation.errors import MissingColumn, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.parquet import look_at, scan, scan_texts
from curation.pool.uids import pair_uids


def scan_all(path, columns=None, groups=None):
    """All pairs of a file as rows, and what was left out."""
    file = pq.ParquetFile(path)
    found = list(scan(str(path), groups or range(file.num_row_groups), columns or Columns()))
    dropped = sum((batch.dropped for batch in found[1:]), start=found[0].dropped) if found else {}
    return [row for batch in found for row in batch.pairs.to_pylist()], dict(dropped)


def test_row_groups_are_streamed_with_the_number_of_each_row(tmp_path):
    path = write_pool(tmp_path / "pool.parquet", ["a", "b", "c", "d", "e"], row_group_size=2)
    rows, dropped = scan_all(path, groups=[1, 2])
    assert [(row["uid"], row["text"], row["row"]) for row in rows] == [
        ("pair-000002", "c", 2),
        ("pair-000003", "d", 3),
        ("pair-000004", "e", 4),
    ]
    assert dropped == {}


def test_a_null_text_is_left_out_and_counted_and_rows_keep_their_number(tmp_path):
    rows, dropped = scan_all(write_pool(tmp_path / "pool.parquet", ["a", None, "", None, "b"]))
    assert [(row["text"], row["row"]) for row in rows] == [("a", 0), ("", 2), ("b", 4)]
    assert dropped == {"text is null": 2}


def test_a_text_that_is_no_utf8_is_left_out_and_counted(tmp_path):
    texts = pa.array([b"ok", b"caf\xe9", None, b"\xed\xa0\xbd", "é".encode()], pa.binary())
    pq.write_table(pa.table({"text": texts}), tmp_path / "pool.parquet")
    rows, dropped = scan_all(tmp_path / "pool.parquet")
    assert [row["text"] for row in rows] == ["ok", "é"]
    assert dropped == {"text is null": 1, "text is not UTF-8": 2}


def test_a_string_column_with_bad_bytes_inside_is_checked_too(tmp_path):
    bad = pa.StringArray.from_buffers(2, pa.array([0, 2, 3], pa.int32()).buffers()[1], pa.py_buffer(b"ok\xff"))
    pq.write_table(pa.table({"text": bad}), tmp_path / "pool.parquet")
    rows, dropped = scan_all(tmp_path / "pool.parquet")
    assert ([row["text"] for row in rows], dropped) == (["ok"], {"text is not UTF-8": 1})


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]
)
def test_every_kind_of_text_column_is_read(tmp_path, kind):
    texts = pa.array(["a", None, "b", "a"]).cast(pa.string())
    column = texts.dictionary_encode() if pa.types.is_dictionary(kind) else texts.cast(kind)
    pq.write_table(pa.table({"text": column}), tmp_path / "pool.parquet")
    rows, dropped = scan_all(tmp_path / "pool.parquet")
    assert [row["text"] for row in rows] == ["a", "b", "a"]
    assert dropped == {"text is null": 1}


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.large_list(pa.string()), pa.list_(pa.large_string())])
def test_each_text_of_a_list_is_a_pair_with_the_number_of_its_row(tmp_path, kind):
    texts = pa.array([["a", "b"], None, [], ["c", None], ["d"]], kind)
    table = pa.table({"text": texts, "uid": ["u", "v", "w", "x", "y"], "url": list("klmno")})
    pq.write_table(table, tmp_path / "pool.parquet", row_group_size=4)
    rows, dropped = scan_all(tmp_path / "pool.parquet")
    assert [(row["uid"], row["text"], row["url"], row["row"]) for row in rows] == [
        ("u", "a", "k", 0),
        ("u", "b", "k", 0),
        ("x", "c", "n", 3),
        ("y", "d", "o", 4),
    ]
    assert dropped == {"text is null": 2, "list of texts is empty": 1}
    alone = list(scan_texts(str(tmp_path / "pool.parquet"), [0, 1], Columns()))
    assert [text for texts, _ in alone for text in texts.to_pylist()] == [row["text"] for row in rows]
    assert dict(sum((reasons for _, reasons in alone[1:]), start=alone[0][1])) == dropped


def test_texts_of_one_image_get_uids_of_their_own_where_the_pool_has_none(tmp_path):
    pq.write_table(pa.table({"text": [["a", "b"], ["a"]], "image": [b"1", b"2"]}), tmp_path / "pool.parquet")
    assert len({row["uid"] for row in scan_all(tmp_path / "pool.parquet")[0]}) == 3


def test_a_text_of_more_than_1_mb_is_left_out_and_counted(tmp_path):
    rows, dropped = scan_all(write_pool(tmp_path / "pool.parquet", ["é" * 500_000, "x" * 1_000_001, "a"]))
    assert ([len(row["text"]) for row in rows], dropped) == ([500_000, 1], {"text is longer than 1 MB": 1})


def test_columns_may_have_other_names_and_uids_may_be_numbers(tmp_path):
    table = pa.table({"caption": ["a", "b"], "key": [7, 8], "link": ["u", None]})
    pq.write_table(table, tmp_path / "pool.parquet")
    rows, _ = scan_all(tmp_path / "pool.parquet", Columns(text="caption", uid="key", url="link"))
    assert [(row["uid"], row["url"]) for row in rows] == [("7", "u"), ("8", None)]


def test_a_pair_without_uid_gets_one_from_url_and_text(tmp_path):
    table = pa.table({"text": ["a", "b", "a"], "url": ["u", "u", "u"], "uid": [None, "mine", None]})
    pq.write_table(table, tmp_path / "pool.parquet")
    rows, _ = scan_all(tmp_path / "pool.parquet")
    made = pair_uids(pa.array(["a"]), pa.array(["u"]), pa.nulls(1))[0].as_py()
    assert [row["uid"] for row in rows] == [made, "mine", made]


def test_without_url_the_image_tells_pairs_apart(tmp_path):
    table = pa.table({"text": ["a", "a", "a"], "image": [b"1", b"2", b"1"]})
    pq.write_table(table, tmp_path / "pool.parquet")
    uids = [row["uid"] for row in scan_all(tmp_path / "pool.parquet")[0]]
    assert uids[0] == uids[2] != uids[1]


def test_uids_of_pairs_do_not_run_together():
    text, url = pa.array(["bc", "c", "abc"]), pa.array(["a", "ab", None])
    uids = pair_uids(text, url, pa.nulls(3)).to_pylist()
    assert len(set(uids)) == 3
    assert all(len(uid) == 32 for uid in uids)


def test_a_missing_text_column_is_named_with_those_there_are(tmp_path):
    pq.write_table(pa.table({"caption": ["a"], "n": [1]}), tmp_path / "pool.parquet")
    with pytest.raises(MissingColumn, match=r"no column 'text' \(found: caption, n\); name it with --text-column"):
        look_at(tmp_path / "pool.parquet", Columns())
    with pytest.raises(MissingColumn, match="column 'n' holds int64, not text"):
        look_at(tmp_path / "pool.parquet", Columns(text="n"))


def test_a_file_cut_in_half_is_no_parquet(tmp_path):
    path = write_pool(tmp_path / "pool.parquet", ["a"] * 1000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableFile, match="not a whole Parquet file"):
        look_at(path, Columns())


def test_damage_inside_a_file_is_found_while_reading(tmp_path):
    path = write_damaged_pool(tmp_path / "pool.parquet")
    with pytest.raises(UnreadableFile, match="damaged near row 0"):
        scan_all(path)
