import json

import pytest

from browser.hostile import hostile_texts
from curation.errors import BadArgument
from curation.runs.uploads import METADATA_SUFFIXES, POOL_SUFFIXES, keep_upload

NAMES = [*hostile_texts("http://x"), "../../evil", "/etc/passwd", "a/b", "..", "C:\\x", "\0", "\ud83d", "x" * 5000]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_name_gets_into_the_path_but_a_known_suffix(tmp_path, name):
    path = keep_upload(tmp_path, name + ".CSV.GZ", b"bytes", POOL_SUFFIXES)

    assert path.relative_to(tmp_path).parts[1:] == ("file.csv.gz",)
    assert path.read_bytes() == b"bytes"
    told = json.loads((path.parent / "upload.json").read_text())
    assert told["title"] == (name + ".CSV.GZ").encode("utf-8", "replace").decode()[:1000]
    assert told["bytes"] == 5
    assert sorted(found.name for found in path.parent.iterdir()) == ["file.csv.gz", "upload.json"]


@pytest.mark.parametrize("name", ["pool", "pool.exe", "pool.parquet.sh", "", ".."])
def test_a_file_of_no_known_format_is_refused(tmp_path, name):
    with pytest.raises(BadArgument, match="give a file that ends in one of"):
        keep_upload(tmp_path, name, b"bytes", POOL_SUFFIXES)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(BadArgument, match="empty"):
        keep_upload(tmp_path, "metadata.json", b"", METADATA_SUFFIXES)
