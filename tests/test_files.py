import pytest

from curation import files
from curation.errors import UnreadableFile


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
