"""Which run is looked at: the chooser, the address, and runs that are not done or not whole."""

import json
import shutil

import pytest

from curation.errors import MissingFile
from curation.metadata import from_entries
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from curation.ui import frame
from inline import INLINE


@pytest.fixture
def two_runs(make_run, edit_run_json):
    first = make_run(["a dog", "a cat"], name="first", t=2.0)
    second = make_run(["a dog"], name="second", t=3.0)
    edit_run_json(first.path, created="2024-01-01T00:00:00+00:00", name="One")
    edit_run_json(second.path, created="2025-01-01T00:00:00+00:00", name="Two")
    return first, second


def chooser(page):
    return page.app.selectbox(key="run_choice")


def test_the_newest_run_comes_first(two_runs, open_page):
    page = open_page()

    assert chooser(page).options == ["Two", "One"]
    assert dict(page.app.query_params) == {"run": "second", "t": "3"}
    assert page.live["at"]["t"] == 3.0


def test_the_newest_run_that_is_done_comes_before_one_that_is_not(two_runs, open_page, edit_run_json):
    edit_run_json(two_runs[1].path, state="cancelled")

    assert open_page().app.query_params["run"] == "first"


def test_a_run_that_is_not_done_leads_to_where_it_is_watched(two_runs, open_page, edit_run_json):
    edit_run_json(two_runs[1].path, state="cancelled")

    (link,) = open_page(run="second").app.get("page_link")

    assert (link.proto.label, link.proto.query_string) == ("Watch, cancel or resume it", "watch=second")


def test_the_address_opens_run_and_t(two_runs, open_page):
    page = open_page(run="first", t="1.5")

    assert chooser(page).value == two_runs[0].path
    assert page.app.number_input(key="t_number").value == 1.5
    assert dict(page.app.query_params) == {"run": "first", "t": "1.5"}


def test_each_run_has_its_own_t(two_runs, open_page):
    page = open_page(run="first")
    page.set_t(1.5)

    chooser(page).select(two_runs[1].path).run()
    assert page.app.number_input(key="t_number").value == 3.0
    assert dict(page.app.query_params) == {"run": "second", "t": "3"}

    chooser(page).select(two_runs[0].path).run()
    assert page.app.number_input(key="t_number").value == 1.5


@pytest.mark.parametrize("t", ["0", "0.5", "-3", "nan", "inf", "x", "", "1e999", "<b>"])
def test_a_t_that_is_none_is_passed_over(two_runs, open_page, t):
    page = open_page(run="first", t=t)

    assert page.app.number_input(key="t_number").value == 2.0
    assert page.app.query_params["t"] == "2"


def test_the_address_opens_no_path_outside_the_workspace(two_runs, tmp_path, open_page, monkeypatch):
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.setenv("HEADTAIL_RUNS", str(inside))
    shutil.copytree(two_runs[0].path, inside / "here")

    for name in ("../second", str(two_runs[1].path), "second", "here/../../second", "..", ".", "/", "here/", "\0"):
        page = open_page(run=name)
        assert chooser(page).value == inside / "here"
        assert dict(page.app.query_params) == {"run": "here", "t": "2"}
        assert any(text.startswith("There is no run") for text in page.texts)


def test_a_run_from_elsewhere_is_opened_by_its_path(two_runs, tmp_path, open_page, monkeypatch):
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.setenv("HEADTAIL_RUNS", str(inside))
    shutil.copytree(two_runs[0].path, inside / "here")
    page = open_page()

    page.app.text_input(key="run_path").set_value(str(two_runs[1].path)).run()

    assert chooser(page).value == two_runs[1].path
    assert page.app.number_input(key="t_number").value == 3.0
    assert dict(page.app.query_params) == {"t": "3"}
    chooser(page).select(inside / "here").run()
    assert page.app.query_params["run"] == "here"


def test_a_path_that_is_no_run_is_answered_in_one_line(two_runs, tmp_path, open_page):
    page = open_page()

    for path in (str(tmp_path), "/nowhere", "\0", "~nobody-of-that-name/x"):
        page.app.text_input(key="run_path").set_value(path).run()
        assert not page.app.exception
        assert chooser(page).value == two_runs[1].path


def test_the_run_that_the_app_was_started_for_comes_first(two_runs, open_page, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUN", str(two_runs[0].path))

    assert dict(open_page().app.query_params) == {"run": "first", "t": "2"}


def test_garbage_in_the_workspace_is_passed_over(two_runs, tmp_path, open_page):
    (tmp_path / "empty").mkdir()
    for name, text in (("cut", '{"format": 1'), ("list", "[]"), ("future", '{"format": 99}'), ("binary", "\x00\xff")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    (tmp_path / "a file").write_text("x")

    page = open_page()

    assert chooser(page).options == ["Two", "One"]


@pytest.mark.parametrize("state", ["failed", "cancelled", "running"])
def test_a_run_that_stopped_says_so_and_how_to_go_on(two_runs, open_page, edit_run_json, state):
    edit_run_json(two_runs[0].path, state=state, error="disk full" if state == "failed" else None)

    page = open_page(run="first")

    shown = "interrupted" if state == "running" else state  # nobody holds its lock
    assert chooser(page).options == ["Two", f"One · {shown}"]
    assert frame.STATES[shown] in page.texts
    assert page.app.code[0].value == f"headtail curate --resume -o {two_runs[0].path}"
    assert ("disk full" in page.texts) == (state == "failed")
    assert not page.app.get("bidi_component")


def test_a_run_that_waits_shows_its_progress(make_run, tmp_path, open_page):
    pool = make_run().inputs[0].path
    path = tmp_path / "planned"
    create_run(path, [pool], from_entries(["dog"], source="test"), CurateConfig(t=2.0), name="planned")
    progress = {"sequence": 3, "phase": "balance", "done": 4, "total": 8, "rate": 2.0, "eta_s": 2.0, "elapsed_s": 9.0}
    (path / "progress.json").write_text(json.dumps(progress))

    page = open_page(run="planned")

    assert page.app.progress[0].value == 50
    assert page.app.progress[0].text == "Drawing what each entry keeps: 4 of 8 pairs, about 2 s left in step 2 of 3"

    (path / "progress.json").write_text("{")
    assert open_page(run="planned").app.header[0].value == "Not done yet"


@pytest.mark.parametrize("lost", ["entries.parquet", "curves/kept.npy", "pairs"])
@pytest.mark.parametrize("page", ["distribution", "samples"])
def test_a_run_that_lost_a_file_is_answered_in_one_line(two_runs, open_page, lost, page):
    gone = two_runs[0].path / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()

    opened = open_page(page, run="first", t="1.234")

    assert any(str(two_runs[0].path) in text and "\n" not in text for text in opened.texts)


def test_a_run_that_vanishes_is_answered_in_one_line(two_runs, open_page):
    page = open_page(run="first")
    shutil.rmtree(two_runs[0].path)

    page.app.run()

    assert not page.app.exception
    assert any("not a run folder" in text for text in page.texts)
    chooser(page).select(two_runs[1].path).run()
    assert page.app.query_params["run"] == "second"


def test_names_of_runs_are_only_data_and_always_tell_them_apart(make_run, open_page, edit_run_json):
    names = [
        "![x](http://127.0.0.1:9/x.png)",
        "same",
        "same",
        "",
        "\u202etxt.exe",
        "a\nb\0c",
        ":material/home: $x$ **b**",
    ]
    for at, name in enumerate(names):
        edit_run_json(make_run(["a dog"], name=f"run-{at}", t=2.0).path, name=name, created=f"2025-01-0{9 - at}")

    page = open_page()

    assert chooser(page).options == [
        "![x](http://127.0.0.1:9/x.png)",
        "same (run-1)",
        "same (run-2)",
        "(no name)",
        "txt.exe",
        "a b\ufffdc",
        ":material/home: $x$ **b**",
    ]
    for at in range(len(names)):
        chooser(page).select_index(at).run()
        assert page.app.query_params["run"] == f"run-{at}"


def test_without_a_run_the_sample_run_is_made_and_the_page_follows(tmp_path, open_page, monkeypatch):
    path = tmp_path / "sample-world"
    pool = tmp_path / "pool.parquet"

    def make_sample():
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not path.exists():
            pq.write_table(pa.table({"text": ["a dog"]}), pool)
            create_run(path, [str(pool)], from_entries(["dog"], source="test"), CurateConfig(t=2.0), name="Sample")
        return path

    monkeypatch.setattr(frame, "ensure_sample_run", make_sample)
    page = open_page()
    assert page.app.progress[0].text == "Starting"

    from curation.runs import curate

    curate.run(path, INLINE)
    page.app.run()
    assert page.live["at"]["kept"] == 1


def test_without_a_run_and_without_sample_data_the_app_says_what_to_do(open_page, monkeypatch):
    def no_sample():
        raise MissingFile("no sample data here; open a run of your own with 'headtail app RUN'")

    monkeypatch.setattr(frame, "ensure_sample_run", no_sample)

    page = open_page()

    assert page.texts == ["no sample data here; open a run of your own with 'headtail app RUN'"]
    assert page.app.text_input(key="run_path")


def test_two_browsers_do_not_share_what_they_look_at(two_runs, open_page):
    one, two = open_page(run="first"), open_page(run="second")

    one.set_t(1.5)
    two.app.run()

    assert two.app.number_input(key="t_number").value == 3.0
    assert one.app.number_input(key="t_number").value == 1.5
