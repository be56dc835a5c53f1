import json
import os
import signal

import pytest

from conftest import TEXTS, write_pool
from curation import queries
from curation.engines import Cancelled
from curation.errors import BadRun
from curation.metadata import from_entries
from curation.metadata_files import write_metadata
from curation.runs import job
from curation.runs.config import CurateConfig
from curation.runs.export.manifest import open_export
from curation.runs.folder import is_locked, lock, open_run
from curation.runs.progress import read_progress
from curation.runs.tasks import FORMAT, forget_task, list_tasks, open_task, run_task, start_task
from runs.test_job import wait_for


@pytest.fixture
def not_started(monkeypatch):
    """Tasks are written down, and done by hand."""
    monkeypatch.setattr(job, "start", lambda *_: None)


@pytest.fixture
def asked(tmp_path):
    """What asks for a curation."""
    write_metadata(from_entries(["dog", "a"], source="test"), tmp_path / "metadata.json")
    pool = write_pool(tmp_path / "pool.parquet", TEXTS)
    return {"pool": [str(pool)], "metadata": str(tmp_path / "metadata.json"), "config": {"t": 2.0}, "name": "mine"}


def export_of(run, output, **more):
    return {"run": str(run.path), "t": 2.0, "kind": "parquet", "images": True, "output": str(output)} | more


def test_a_run_is_planned_and_started_by_a_task(asked, tmp_path):
    path = tmp_path / "runs" / "0123"
    task = start_task(tmp_path / "tasks", "curate", {**asked, "run": str(path)}, about=path)
    wait_for(lambda: open_task(task.path).state == "done" and not is_locked(task.path))
    assert open_task(task.path).result == {"run": str(path)}
    wait_for(lambda: open_run(path).state == "done" and not is_locked(path))
    assert open_run(path).name == "mine"
    assert open_run(path).config == CurateConfig(t=2.0)


def test_a_plan_that_cannot_be_made_is_told_in_one_line(asked, tmp_path, not_started):
    path = tmp_path / "runs" / "0123"
    task = start_task(tmp_path / "tasks", "curate", {**asked, "pool": ["/nothing"], "run": str(path)}, about=path)
    with pytest.raises(Exception, match="no such file"):
        run_task(task.path)
    found = open_task(task.path)
    assert (found.state, found.about) == ("failed", str(path))
    assert "no such file" in found.error and "\n" not in found.error
    assert not path.exists()


def test_a_dry_run_is_a_task(asked, tmp_path, not_started):
    task = start_task(tmp_path / "tasks", "estimate", asked)
    run_task(task.path)
    result = open_task(task.path).result
    assert result["share"] == 1.0
    assert result["kept"].keys() == {"value", "low", "high"}
    assert [step["step"] for step in result["funnel"]] == ["read", "match", "balance"]
    assert sorted(path.name for path in task.path.iterdir()) == ["lock", "progress.json", "task.json"]


def test_exporting_and_verifying_are_tasks(make_run, tmp_path, not_started):
    run = make_run()
    task = start_task(tmp_path / "tasks", "export", export_of(run, tmp_path / "out"), about=run.path)
    assert open_task(task.path).state == "planned"
    run_task(task.path)
    done = open_task(task.path)
    kept = queries.size(run, 2.0).kept
    assert (done.state, done.result["pairs"], done.result["output"]) == ("done", kept, str(tmp_path / "out"))
    assert open_export(tmp_path / "out").manifest["pairs"] == kept
    assert read_progress(task.path)["total"] == 8

    for export, kind in ((None, "run"), (str(tmp_path / "out"), "parquet export")):
        arguments = {"run": str(run.path), "export": export, "sample": None}
        check = start_task(tmp_path / "tasks", "verify", arguments, about=run.path)
        run_task(check.path)
        result = open_task(check.path).result
        assert (result["findings"], result["kind"], result["units"]) == ([], kind, 1)

    assert [task.kind for task in list_tasks(tmp_path / "tasks")] == ["verify", "verify", "export"]
    assert [task.kind for task in list_tasks(tmp_path / "tasks", most=2)] == ["verify", "verify"]


def test_an_export_that_is_there_already_is_refused_and_the_task_can_be_done_again(make_run, tmp_path, not_started):
    run = make_run()
    (tmp_path / "out").mkdir()
    task = start_task(tmp_path / "tasks", "export", export_of(run, tmp_path / "out"), about=run.path)
    with pytest.raises(BadRun, match="exists already"):
        run_task(task.path)
    assert open_task(task.path).state == "failed"
    (tmp_path / "out").rmdir()
    run_task(task.path)
    assert open_task(task.path).state == "done"
    run_task(task.path)  # done is done


@pytest.mark.parametrize("kind", ["export", "verify", "estimate"])
def test_a_task_is_cancelled_by_a_file_and_leaves_nothing(make_run, asked, tmp_path, not_started, monkeypatch, kind):
    run = make_run()
    arguments = {
        "export": export_of(run, tmp_path / "out"),
        "verify": {"run": str(run.path), "export": None, "sample": None},
        "estimate": asked,
    }[kind]
    task = start_task(tmp_path / "tasks", kind, arguments)
    with pytest.raises(Cancelled):
        run_task(task.path, cancel=lambda: True)
    assert open_task(task.path).state == "cancelled"
    assert not (tmp_path / "out").exists()
    job.cancel(task.path)
    run_task(task.path)  # who asks again means it
    assert open_task(task.path).state == "done"


def test_a_killed_task_reads_as_interrupted(make_run, tmp_path, not_started):
    run = make_run()
    task = start_task(tmp_path / "tasks", "export", export_of(run, tmp_path / "out"))
    (task.path / "task.json").write_text(json.dumps({**task.info, "state": "running"}))
    assert open_task(task.path).state == "interrupted"
    with lock(task.path):
        assert open_task(task.path).state == "running"


def test_a_task_that_is_started_by_several_at_once_is_done_once(make_run, tmp_path):
    run = make_run()
    task = start_task(tmp_path / "tasks", "export", export_of(run, tmp_path / "out"))
    others = [job.start(task.path, "task") for _ in range(2)]
    wait_for(lambda: open_task(task.path).state == "done" and not is_locked(task.path))
    for process in filter(None, others):
        process.wait(60)
    # an export that is done twice fails: its folder is there
    assert (open_task(task.path).state, open_task(task.path).error) == ("done", None)


def test_sigterm_cancels_the_process_of_a_task(make_run, tmp_path):
    run = make_run()
    task = start_task(tmp_path / "tasks", "verify", {"run": str(run.path), "export": None, "sample": None})
    wait_for(lambda: open_task(task.path).state in ("running", "done"))
    wait_for(lambda: open_task(task.path).state == "done" and not is_locked(task.path))
    process = job.start(task.path, "task")  # it is done: the job ends at once
    os.kill(process.pid, signal.SIGTERM)
    process.wait(30)
    assert open_task(task.path).state == "done"


def test_a_task_is_forgotten_once_and_not_while_it_works(make_run, tmp_path, not_started):
    run = make_run()
    task = start_task(tmp_path / "tasks", "export", export_of(run, tmp_path / "out"))
    with lock(task.path), pytest.raises(BadRun, match="cancel it first"):
        forget_task(task.path)
    forget_task(task.path)
    assert list_tasks(tmp_path / "tasks") == []
    with pytest.raises(BadRun, match="not there any more"):
        forget_task(task.path)


def test_garbage_among_tasks_is_passed_over(tmp_path):
    for name, text in (("a", "{"), ("b", "[]"), ("c", json.dumps({"format": FORMAT})), ("d", '{"format": 99}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "task.json").write_text(text)
    (tmp_path / "file").write_text("x")
    assert list_tasks(tmp_path) == []
