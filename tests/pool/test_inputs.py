import json

import fsspec
import pytest

from conftest import write_pool
from curation.errors import BadArgument, CurationError, EmptyPool, MissingFile, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.formats import FORMATS
from curation.pool.inputs import find_files, guess_columns, look_at, look_at_all, unchanged

PARQUET = FORMATS["parquet"]


def found(*pool, **options):
    return [(path.name, its_format.name) for path, its_format in find_files([str(place) for place in pool], **options)]


def test_files_are_found_by_path_folder_and_pattern_each_once_in_order(tmp_path):
    b, a, deep = (write_pool(tmp_path / name, ["x"]) for name in ("b.parquet", "a.parquet", "sub/c.parquet"))
    (tmp_path / "notes.txt").write_text("no pool")
    assert find_files([str(b)]) == [(b, PARQUET)]
    assert [path for path, _ in find_files([str(tmp_path)])] == [a, b, deep]
    assert [path for path, _ in find_files([str(tmp_path / "*.parquet"), str(a)])] == [a, b]


def test_a_folder_may_hold_several_formats_and_notes_in_json_are_no_pool(tmp_path):
    write_pool(tmp_path / "a.parquet", ["x"])
    (tmp_path / "b.csv").write_text("text\nx\n")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "_manifest.jsonl").write_text("{}")
    assert found(tmp_path) == [("a.parquet", "parquet"), ("b.csv", "csv")]
    assert found(tmp_path, format="csv") == [("b.csv", "csv")]
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "a.json").write_text(json.dumps([{"text": "x"}]))
    assert found(tmp_path / "json") == [("a.json", "metaclip-json")]


def test_a_format_can_be_given_whatever_the_name(tmp_path):
    (tmp_path / "dump.bin").write_text("text\nx\n")
    assert found(tmp_path / "dump.bin", format="csv") == [("dump.bin", "csv")]
    with pytest.raises(UnreadableFile, match=r"dump\.bin: no format ends like this"):
        find_files([str(tmp_path / "dump.bin")])
    with pytest.raises(BadArgument, match="format 'xml': give one of parquet, csv"):
        find_files([str(tmp_path / "dump.bin")], "xml")


@pytest.mark.parametrize("place", ["missing.parquet", "nothing-*.parquet", "empty-folder"])
def test_a_place_without_files_is_named(tmp_path, place):
    (tmp_path / "empty-folder").mkdir()
    with pytest.raises(MissingFile, match=place.replace("*", r"\*")):
        find_files([str(tmp_path / place)])


def test_a_parquet_file_is_known_by_its_rows_and_digest(tmp_path):
    path = write_pool(tmp_path / "pool.parquet", ["a", "b", "c"], row_group_size=2)
    file = look_at(path, PARQUET, Columns())
    assert (file.rows, file.rows_in_group, file.bytes) == (3, (2, 1), path.stat().st_size)
    assert unchanged(file, Columns())
    write_pool(path, ["a", "b", "d"], row_group_size=2)
    assert not unchanged(file, Columns())


def test_another_file_is_known_by_its_size_and_its_ends(tmp_path):
    path = tmp_path / "pool.csv"
    path.write_bytes(b"text\n" + b"a dog\n" * 500_000)
    file = look_at(path, FORMATS["csv"], Columns())
    assert (file.rows, file.rows_in_group, file.format) == (None, (), "csv")
    assert unchanged(file, Columns())
    with path.open("r+b") as changed:
        changed.seek(-3, 2)
        changed.write(b"X")
    assert not unchanged(file, Columns())


def test_a_pool_without_a_row_is_refused(tmp_path):
    with pytest.raises(EmptyPool, match="not one row in 1 file"):
        look_at_all([str(write_pool(tmp_path / "pool.parquet", []))], Columns())


def test_columns_are_guessed_only_where_the_usual_name_is_missing():
    assert guess_columns(["text", "caption", "URL"], Columns()) == Columns(url="URL")
    assert guess_columns(["caption"], Columns(text="alt")).text == "alt"
    assert guess_columns(["nothing"], Columns()) == Columns()


def test_parquet_is_found_and_read_behind_a_uri(tmp_path):
    write_pool(tmp_path / "a.parquet", ["x", "y"])
    write_pool(tmp_path / "sub" / "b.parquet", ["z"])
    (tmp_path / "notes.csv").write_text("text\nx\n")
    uri = f"file://{tmp_path}"
    (a, _), (b, _) = find_files([uri])
    assert (a, b) == (f"{uri}/a.parquet", f"{uri}/sub/b.parquet")
    assert find_files([a]) == [(a, PARQUET)]
    known, found = look_at(tmp_path / "a.parquet", PARQUET, Columns()), look_at(a, PARQUET, Columns())
    assert (found.rows, found.bytes, found.digest) == (known.rows, known.bytes, known.digest)
    assert unchanged(found, Columns())


def test_parquet_is_read_from_a_filesystem_of_fsspec(tmp_path):
    write_pool(tmp_path / "a.parquet", ["x", "y"])
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/pool/a.parquet", (tmp_path / "a.parquet").read_bytes())
    (file,) = look_at_all(["fsspec+memory://pool"], Columns())
    assert (file.path, file.rows) == ("fsspec+memory://pool/a.parquet", 2)
    (batch,) = PARQUET.read(file.path, Columns())
    assert batch.pairs["text"].to_pylist() == ["x", "y"]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("nowhere://x/y", "no filesystem for this"),
        ("file:///no/such/folder", "no such file"),
        ("s3://key:secret@bucket/x", "a password in it would stand in the run"),
    ],
)
def test_a_uri_that_leads_nowhere_is_refused_in_one_line(uri, message):
    with pytest.raises(CurationError, match=message) as raised:
        find_files([uri])
    assert "secret" not in str(raised.value)
