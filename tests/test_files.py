import io
import itertools

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from curation import files
from curation.errors import BadRun, UnreadableFile


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with files.whole(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_a_writer_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail() -> None:
        with files.whole(path) as temporary:
            temporary.write_text("new")
            raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_json_comes_back_as_it_went(tmp_path):
    files.write_json(tmp_path / "value.json", {"é": [1, None, "\n"]})
    assert files.read_json(tmp_path / "value.json") == {"é": [1, None, "\n"]}


def test_a_missing_json_file_is_named(tmp_path):
    with pytest.raises(UnreadableFile, match=r"value\.json: No such file"):
        files.read_json(tmp_path / "value.json")


def test_row_groups_do_not_depend_on_how_tables_are_cut(tmp_path):
    table = pa.table({"a": list(range(25))})
    for name, pieces in (("one", [25]), ("many", [1, 0, 13, 11])):
        cuts = [0, *itertools.accumulate(pieces)]
        tables = [table.slice(start, stop - start) for start, stop in itertools.pairwise(cuts)]
        files.write_row_groups(tmp_path / name, table.schema, tables, rows=10)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "many").read_bytes()
    metadata = pq.read_metadata(tmp_path / "one")
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [10, 10, 5]


def test_no_rows_are_a_file_too(tmp_path):
    files.write_row_groups(tmp_path / "none", pa.schema([("a", pa.int64())]), [], rows=10)
    assert len(pq.read_table(tmp_path / "none")) == 0


def test_a_folder_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "folder"
    with files.whole_folder(path) as unfinished:
        (unfinished / "a").write_text("a")
        assert not path.exists()
    assert [p.name for p in path.iterdir()] == ["a"]
    assert [p.name for p in path.parent.iterdir()] == ["folder"]


def test_a_folder_whose_writer_fails_leaves_nothing(tmp_path):
    def fail() -> None:
        with files.whole_folder(tmp_path / "folder") as unfinished:
            (unfinished / "sub").mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_of_a_folder_left_does_not_get_in(tmp_path):
    (tmp_path / ".folder.unfinished" / "sub").mkdir(parents=True)
    (tmp_path / ".folder.unfinished" / "half").write_text("half")
    with files.whole_folder(tmp_path / "folder"):
        pass
    assert list((tmp_path / "folder").iterdir()) == []


def test_two_writers_of_one_folder_are_one_writer(tmp_path):
    with files.whole_folder(tmp_path / "folder") as unfinished:
        (unfinished / "a").write_text("a")
        with pytest.raises(BadRun, match="another process writes there"), files.whole_folder(tmp_path / "folder"):
            pass
    assert (tmp_path / "folder" / "a").read_text() == "a"
    with pytest.raises(BadRun, match="exists already"), files.whole_folder(tmp_path / "folder"):
        pass


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tcell", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "'quoted"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_csv_is_a_formula_and_the_mark_comes_off_again(text):
    table = pa.table({"text": [text, "plain = text", None, ""], "n": [-1, 2, 3, 4]})

    written = files.csv_bytes(table)

    back = pyarrow.csv.read_csv(
        io.BytesIO(written),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False),
    )
    assert back["text"].to_pylist() == ["'" + text, "plain = text", None, ""]
    assert back["n"].to_pylist() == [-1, 2, 3, 4]


def test_a_table_comes_back_from_parquet_as_it_was():
    table = pa.table({"text": ["=1+1", None, ""], "source": pa.array(["a", "b", "a"]).dictionary_encode()})

    assert pq.read_table(io.BytesIO(files.parquet_bytes(table))).equals(table)
