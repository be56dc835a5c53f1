"""What lies in a folder with runs and is none."""

import os
import re
from pathlib import Path

from curation.runs import workspace
from curation.runs.folder import list_runs
from curation.runs.strangers import Stranger, in_words, list_strangers


def strangers(folder):
    return list_strangers(folder, list_runs(folder))


def test_what_is_no_run_is_listed_with_the_reason_and_runs_are_not(tmp_path, make_run):
    make_run(name="one")
    (tmp_path / "a.txt").write_bytes(b"\0garbage")
    (tmp_path / "hollow").mkdir()
    for name, text in (("broken", "{"), ("future", '{"format": 99}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    found = {one.name: one.reason for one in strangers(tmp_path)}
    (tmp_path / "one" / "run.json").unlink()
    assert found | {"a.txt": "a file", "hollow": "no run.json"} == found
    assert found["broken"].startswith("not JSON")
    assert found["future"].startswith("run folder of format 99")
    assert "one" not in found
    assert {"one": "no run.json"}.items() <= {one.name: one.reason for one in strangers(tmp_path)}.items()


def test_what_the_workspace_keeps_beside_its_runs_and_what_is_hidden_are_no_strangers(tmp_path):
    for name in (*workspace.OWN_NAMES, ".thumbnails"):
        (tmp_path / name).mkdir()
    assert strangers(tmp_path) == []
    assert strangers(tmp_path / "missing") == []


def test_the_names_that_the_workspace_keeps_are_those_of_its_functions_and_its_definition(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path))
    made = {getattr(workspace, name)() for name in dir(workspace) if name.endswith(("_folder", "_file"))}
    names = {path.name for path in made if path.parent == tmp_path and path.name != ".thumbnails"}
    names = {name for name in names if re.fullmatch("[0-9a-f]{16}", name) is None}  # a new run
    assert names | {"trash", "views"} == workspace.OWN_NAMES
    defined = (Path(__file__).parents[2] / "docs" / "run-folder.md").read_text().partition("# The workspace")[2]
    assert [name for name in workspace.OWN_NAMES if f"`{name}" not in defined] == []


def test_a_name_that_is_no_unicode_is_listed_too(tmp_path):
    (tmp_path / os.fsdecode(b"bad\xff")).touch()
    assert strangers(tmp_path) == [Stranger("bad\udcff", "a file")]


def test_of_many_the_first_are_named():
    many = [Stranger(f"{number:02d}", "a file") for number in range(12)]
    assert in_words(many) == "12 things here are no runs: 00, 01, 02, 03, 04, 05, 06, 07, 08, 09 and 2 more"
    assert in_words(many[:1]) == "1 thing here is no run: 00"
