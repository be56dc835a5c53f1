"""The commands that look at runs which others work on."""

import json
from dataclasses import asdict

import pytest

from curation.cli import runs as command
from curation.engines import Node, Status
from curation.runs.folder import lock, open_run, write_info
from curation.runs.progress import Progress

PROGRESS = Progress("match", 2, 8, "rows", 2.0, 3.0, 9.0, Status(6, (Node("a", 4), Node("b", 2)), retries=1))


@pytest.fixture
def under_way(run_folder, monkeypatch):
    """A run that another process works on; it ends as a test says, at the first or second look."""

    def say(state, error=None):
        write_info(run_folder, {**open_run(run_folder).info, "state": state, "error": error})

    (run_folder / "progress.json").write_text(json.dumps({"sequence": 1, **asdict(PROGRESS)}))
    say("running")
    with lock(run_folder):
        yield run_folder, lambda *end: monkeypatch.setattr(command.time, "sleep", lambda seconds: say(*end))


def test_runs_under_way_say_where_they_stand(under_way, headtail):
    folder, _ = under_way
    code, out, _ = headtail("runs", folder.parent)
    assert (code, out.splitlines()[0].endswith("match 25%")) == (0, True)
    (row,) = json.loads(headtail("runs", folder.parent, "--json")[1])["runs"]
    assert (row["state"], row["phase"], row["share"]) == ("running", "match", 0.25)


def test_a_run_that_is_done_says_what_it_kept_instead(run_folder, headtail):
    out = headtail("runs", run_folder.parent)[1]
    assert "kept at t = 2" in out and "%" not in out
    (row,) = json.loads(headtail("runs", run_folder.parent, "--json")[1])["runs"]
    assert (row["phase"], row["share"]) == (None, None)


def test_what_is_no_run_is_listed_below_the_runs_as_text(run_folder, headtail):
    (run_folder.parent / "a\x1b[31m.txt").touch()
    out = headtail("runs", run_folder.parent)[1]
    assert out.splitlines()[-1].startswith("3 things here are no runs: a [31m.txt, ")
    found = json.loads(headtail("runs", run_folder.parent, "--json")[1])
    assert found["strangers"][0] == {"name": "a\x1b[31m.txt", "reason": "a file"}


def test_where_a_run_stands_is_one_object_for_machines(under_way, headtail):
    folder, _ = under_way
    code, out, err = headtail("watch", folder, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found.keys() == {"folder", "name", "state", "phase", "share", "error", "progress"}
    assert (found["state"], found["share"], found["error"]) == ("running", 0.25, None)
    assert found["progress"]["engine"]["nodes"][1] == {"name": "b", "workers": 2, "done": 0, "alive": True}


def test_a_run_is_watched_until_it_is_done(under_way, headtail):
    folder, ends = under_way
    ends("done")
    code, out, err = headtail("watch", folder)
    assert (code, err) == (0, "")
    assert out == headtail("size", folder)[1]


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ("cancelled", None, "cancelled; go on with"),
        ("failed", "disk full", "failed (disk full); go on with"),
    ],
)
def test_a_run_that_ends_otherwise_is_an_exit_code_and_a_line(under_way, headtail, state, error, told):
    folder, ends = under_way
    ends(state, error)
    code, out, err = headtail("watch", folder)
    assert (code, out) == (1, "")
    assert err == f"headtail: {folder}: {told} 'headtail curate --resume -o {folder}'\n"


def test_a_run_whose_process_is_gone_is_not_waited_for(under_way, run_folder, headtail):
    folder, _ = under_way
    (folder / "lock").rename(folder / "another")  # nobody holds the lock of this folder now
    assert open_run(folder).state == "interrupted"
    code, _, err = headtail("watch", folder)
    assert code == 1 and "interrupted" in err


def test_what_is_no_run_is_not_watched(tmp_path, headtail):
    code, out, err = headtail("watch", tmp_path)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "not a run folder" in err
