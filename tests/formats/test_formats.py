"""Runs of every format that ever was open, answer and verify; a stopped one is gone on with by the version it is of."""

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import curation
from curation import queries
from curation.errors import BadRun
from curation.rare import rare_places
from curation.runs import curate, job
from curation.runs.diff import open_set
from curation.runs.folder import FORMAT, list_runs, open_finished_run, open_run, write_info
from curation.runs.progress import read_progress
from curation.runs.verify import verify_run
from inline import INLINE

FIXTURES = Path(__file__).parent
FORMATS = sorted(int(path.name[1:]) for path in FIXTURES.glob("v*"))


@pytest.fixture(params=FORMATS)
def kept(request, tmp_path, monkeypatch):
    """A copy of a fixture; its plans name the pool by a path relative to it."""
    shutil.copytree(FIXTURES / f"v{request.param}", tmp_path / "kept")
    monkeypatch.chdir(tmp_path / "kept")
    return tmp_path / "kept"


def test_there_is_a_fixture_of_every_format():
    assert list(range(1, FORMAT + 1)) == FORMATS
    assert sum(path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file()) < 200_000


def test_the_runs_are_listed_by_name_and_state(kept):
    assert {(run.name, run.state) for run in list_runs(kept)} == {
        ("Finished, then renamed", "done"),
        ("Stopped", "cancelled"),
    }


def test_a_finished_run_answers_everything(kept):
    run = open_finished_run(kept / "done")
    assert (run.t, run.rows, run.info["totals"]["pairs"]) == (20.0, 480, 479)
    assert queries.size(run, 20.0).kept == run.info["totals"]["kept"]
    assert [step.step for step in queries.funnel(run, queries.size(run, 20.0))] == [
        "read", "filter: too many words", "match", "balance",
    ]  # fmt: skip
    assert int(run.curves.kept[run.curves.row(20.0)]) == run.info["totals"]["kept"]
    assert run.live is not None
    assert rare_places(run.path / "rare", 19).size == run.entry_count[19] == 23
    assert len(queries.samples(run, 20.0, limit=5)) == 5
    assert queries.with_uids(run, ["pair-0006"])["text"].to_pylist() == ["w0 w6"]
    assert queries.search_entries(run, text="w19").total == 1
    assert open_set(run.path) is not None
    assert read_progress(run.path)["phase"] == "curves"
    assert job.engine_of(run.path).workers == 1


def test_a_finished_run_is_verified_against_its_pool(kept):
    report = verify_run(open_finished_run(kept / "done"), sample=None)
    assert (report.findings, report.units) == ([], 4)


def test_without_its_pool_a_run_still_answers_and_verifying_says_what_is_missing(kept):
    shutil.rmtree(kept / "pool")
    run = open_finished_run(kept / "done")
    assert queries.size(run, 20.0).kept == run.info["totals"]["kept"]
    (finding,) = verify_run(run).findings
    assert "the input pool/0.parquet is gone" in finding


def test_a_stopped_run_is_gone_on_with_by_its_version_and_refused_by_others(kept):
    run = open_run(kept / "stopped")
    if run.info["plan"]["version"] == curation.__version__:
        assert curate.run(run.path, INLINE).state == "done"
        assert verify_run(open_finished_run(run.path), sample=None).findings == []
    else:
        with pytest.raises(BadRun, match="start a new run"):
            curate.run(run.path, INLINE)


def test_a_page_of_the_app_opens_a_kept_run(kept, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUNS", str(kept))
    app = AppTest.from_file(str(FIXTURES.parents[1] / "app.py"), default_timeout=60)
    app.query_params["run"] = "done"
    app.run()
    assert not app.exception


def test_a_run_without_digests_opens_and_verifies_as_before(kept):
    info = json.loads((kept / "done" / "run.json").read_text())
    older = {key: value for key, value in info.items() if key not in ("digests", "sha256")}
    (kept / "done" / "run.json").write_text(json.dumps(older))
    assert verify_run(open_finished_run(kept / "done"), sample=0).findings == []


def test_a_run_of_a_later_format_says_what_to_do(kept):
    write_info(kept / "done", {**open_run(kept / "done").info, "format": FORMAT + 1})
    with pytest.raises(BadRun, match=f"of format {FORMAT + 1}, this version reads .*; a later headtail wrote it"):
        open_run(kept / "done")
    assert [run.name for run in list_runs(kept)] == ["Stopped"]
