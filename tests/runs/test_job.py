import os
import signal
import time
from pathlib import Path

import pytest

from conftest import TEXTS, ZIPF_ENTRIES, write_pool, zipf_texts
from curation.engines.config import EngineConfig
from curation.metadata import from_entries
from curation.runs import job, plan, workspace
from curation.runs.config import CurateConfig
from curation.runs.folder import is_locked, open_run
from curation.runs.plan import create_run
from curation.runs.progress import read_progress


def wait_for(what, seconds=60.0):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def states_in_log(path):
    """The states that a run was in, by its log."""
    words = [line.split()[-1] for line in (path / "log.txt").read_text().splitlines()]
    return [word for word in words if word in ("running", "cancelled", "failed", "done")]


@pytest.fixture
def run(tmp_path):
    pool = write_pool(tmp_path / "pool.parquet", TEXTS)
    return create_run(tmp_path / "run", [str(pool)], from_entries(["dog"], source="test"), CurateConfig(t=2.0))


@pytest.fixture
def of_many_units(tmp_path, monkeypatch):
    """A run that takes some seconds."""
    monkeypatch.setattr(plan, "UNIT_ROWS", 100)
    pool = write_pool(tmp_path / "pool.parquet", zipf_texts(20_000), row_group_size=50)
    return create_run(tmp_path / "run", [str(pool)], from_entries(ZIPF_ENTRIES, source="test"), CurateConfig(t=20.0))


def test_a_started_job_runs_by_itself_to_the_end(run):
    job.start(run.path)
    wait_for(lambda: open_run(run.path).state == "done" and not is_locked(run.path))
    assert read_progress(run.path)["phase"] == "curves"
    assert (run.path / "output.txt").read_text() == ""


def test_a_job_and_its_workers_leave_the_processors_to_the_app_when_it_wants_them(of_many_units):
    run = of_many_units
    job.choose_engine(run.path, EngineConfig(workers=2))
    process = job.start(run.path)
    wait_for(lambda: list((run.path / "work").glob("*.json")))
    os.kill(process.pid, signal.SIGSTOP)
    workers = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (process.pid, *workers)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(nice) >= 3
    assert set(nice) == {job.NICE}


def test_starting_twice_gives_one_job(run):
    for _ in range(3):
        job.start(run.path)
    wait_for(lambda: open_run(run.path).state == "done" and not is_locked(run.path))
    assert states_in_log(run.path) == ["running", "done"]


def test_ctrl_c_and_sigterm_are_noted_and_the_handlers_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with job.stop_on_signal() as stopped:
        assert not stopped()
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(stopped, 5)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_killed_job_reads_as_interrupted_and_the_next_one_finishes_it(of_many_units):
    run = of_many_units
    process = job.start(run.path)
    wait_for(lambda: list((run.path / "pairs").glob("*.json")))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert open_run(run.path).state == "interrupted"
    (run.path / "pairs" / ".00001.parquet.0badcafe.tmp").write_bytes(b"left by the killed job")
    job.start(run.path)
    wait_for(lambda: open_run(run.path).state == "done")
    assert open_run(run.path).info["totals"]["pairs"] == 20_000
    assert not list(run.path.rglob("*.tmp"))


def test_the_sample_run_is_made_once_and_finishes(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path / "runs"))
    path = workspace.ensure_sample_run()
    assert workspace.ensure_sample_run() == path
    wait_for(lambda: open_run(path).state == "done", 120)
    run = open_run(path)
    assert run.info["totals"]["pairs"] == 8000
    assert "synthetic" in run.name


def test_without_sample_data_the_way_out_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(workspace, "SAMPLE_DATA", tmp_path / "nothing")
    with pytest.raises(workspace.MissingFile, match="headtail app RUN"):
        workspace.ensure_sample_run()


def test_where_a_run_works_is_kept_beside_it(tmp_path):
    assert job.engine_of(tmp_path) == EngineConfig()
    chosen = EngineConfig(engine="ray", address="10.0.0.1:6379", workers=3)
    job.choose_engine(tmp_path, chosen)
    assert job.engine_of(tmp_path) == chosen
    (tmp_path / "engine.json").write_text('{"engine": "spark"}')
    assert job.engine_of(tmp_path) == EngineConfig()
