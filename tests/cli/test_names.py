"""Paths whose bytes are no UTF-8: one line, wherever they are given or found."""

import os
import shutil
from pathlib import Path

import pytest

from conftest import TEXTS, write_pool

BAD = os.fsdecode(b"s\xff")
LINE = "s\\udcff{}: this name is not UTF-8; rename the file, or the folder that it is in\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("curate", BAD, "--metadata", "entries.json", "-o", "run"),
        ("curate", "pool.parquet", "--metadata", "entries.json", "-o", BAD),
        ("curate", "pool.parquet", "--metadata", BAD, "--dry-run"),
        ("export", "run", "-o", BAD),
        ("metadata", "build", "-o", BAD),
        ("runs", BAD),
        ("app", BAD),
    ],
)
def test_a_path_that_is_given_is_refused_in_one_line(world, headtail, monkeypatch, arguments):
    monkeypatch.chdir(world)
    assert headtail(*arguments) == (2, "", f"headtail: {LINE.format('')}")
    assert not Path(BAD).exists()


@pytest.mark.parametrize("name", ["pool.parquet", "pool.jsonl"])
def test_a_shard_in_a_folder_is_refused_in_one_line_and_no_run_is_begun(tmp_path, world, headtail, name):
    folder = tmp_path / "folder"
    write_pool(folder / "whole.parquet", TEXTS)
    suffix = Path(name).suffix
    if suffix == ".jsonl":
        (folder / "whole.parquet").unlink()
        (folder / f"{BAD}.jsonl").write_text('{"text": "a dog"}\n')
    else:
        shutil.copy(folder / "whole.parquet", folder / f"{BAD}.parquet")
    code, out, err = headtail("curate", folder, "--metadata", world / "entries.json", "-o", world / "run")
    assert (code, out) == (2, "")
    assert err == f"headtail: {folder.resolve()}/{LINE.format(suffix)}"
    assert not (world / "run").exists()


def test_a_shard_that_is_checked_is_named_as_an_error_and_the_others_are_read(tmp_path, headtail):
    write_pool(tmp_path / "whole.parquet", TEXTS)
    shutil.copy(tmp_path / "whole.parquet", tmp_path / f"{BAD}.parquet")
    code, out, err = headtail("pool", "check", tmp_path)
    assert (code, err) == (1, "")
    assert f"/whole.parquet: {sum(text is not None for text in TEXTS)} pairs of" in out
    assert LINE.format(".parquet") in out


def test_a_folder_above_that_is_no_utf8_is_refused_too(world, headtail, monkeypatch):
    (world / BAD).mkdir()
    monkeypatch.chdir(world / BAD)
    for arguments in (
        ("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-o", "run"),
        ("app", "--no-browser"),
    ):
        code, out, err = headtail(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "this name is not UTF-8" in err
    assert list((world / BAD).iterdir()) == []
