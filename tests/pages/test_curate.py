"""The page Curate without a browser; jobs are written down, and done by hand where a test says so."""

import json
import os
from pathlib import Path

import pytest

from conftest import TEXTS, write_pool
from curation.engines.config import EngineConfig
from curation.metadata import from_entries
from curation.metadata_files import save_metadata, write_metadata
from curation.runs import curate, job
from curation.runs.config import CurateConfig
from curation.runs.folder import list_runs, lock, open_run
from curation.runs.plan import create_run
from curation.runs.tasks import list_tasks, open_task, run_task
from curation.runs.trash import list_trash
from curation.ui import form, where
from curation.ui.dry_run import rounded
from inline import INLINE

pytestmark = pytest.mark.usefixtures("started")


@pytest.fixture
def inputs(tmp_path_factory):
    """A pool and metadata outside the workspace."""
    folder = tmp_path_factory.mktemp("inputs")
    write_metadata(from_entries(["dog", "cat", "a"], source="test"), folder / "entries.parquet")
    return write_pool(folder / "pool.parquet", TEXTS), folder / "entries.parquet"


def fill(page, inputs):
    app = page.app
    app.text_area(key="pool").set_value(str(inputs[0])).run()
    app.selectbox(key="metadata_from").select("On this machine ...").run()
    app.text_input(key="metadata_path").set_value(str(inputs[1])).run()


def tasks(workspace):
    return list_tasks(workspace / "tasks")


def plan_of(workspace, page):
    """Press Start and do what its task does; the run is planned then."""
    page.app.button(key="start").click().run()
    (task,) = [task for task in tasks(workspace) if task.kind == "curate" and task.state == "planned"]
    run_task(task.path)
    return open_run(Path(task.arguments["run"]))


def button(page, title, run):
    return page.app.button(key=f"{title}_{run.path.name}".replace(" ", "_"))


def test_a_run_is_started_from_the_form_and_watched(make_run, inputs, workspace, open_page, started):
    make_run()
    page = open_page("curate")
    assert page.app.button(key="start").disabled
    fill(page, inputs)
    page.app.text_input(key="new_name").set_value("Mine").run()
    page.app.segmented_control(key="set_by").set_value("t").run()
    page.app.number_input(key="set_t").set_value(3.0).run()
    page.app.number_input(key="set_min_words").set_value(2).run()
    assert not page.app.button(key="start").disabled

    run = plan_of(workspace, page)

    assert run.config == CurateConfig(t=3.0, min_words=2)
    assert (run.name, run.state, run.path.parent) == ("Mine", "planned", workspace)
    assert page.app.query_params["watch"] == run.path.name
    assert [command for command, _ in started] == ["task", "run"]
    page.app.run()
    assert "Mine · about to start" in page.texts

    curate.run(run.path, INLINE)
    page.app.run()
    assert "Mine · done" in page.texts
    totals = open_run(run.path).info["totals"]
    assert f"All {totals['pairs']} pairs; {totals['kept']} kept at t = 3." in page.captions


def test_every_field_of_the_configuration_is_in_the_form_with_its_default(make_run, open_page):
    make_run()
    page = open_page("curate")
    keys = {
        element.key
        for kind in ("number_input", "text_input", "checkbox", "selectbox")
        for element in page.app.get(kind)
    }
    assert {f"set_{name}" for name in form.OPTIONS} - keys == {"set_t", "set_size"}
    for by in ("t", "size"):
        page.app.segmented_control(key="set_by").set_value(by).run()
        assert page.app.number_input(key=f"set_{by}").value == form.FIRST_VALUES[by]


def test_what_the_configuration_refuses_is_one_line_and_nothing_starts(make_run, inputs, open_page):
    make_run()
    page = open_page("curate")
    fill(page, inputs)
    page.app.text_input(key="set_text_matches").set_value("(").run()
    assert any(text.startswith("text matches '(': no regular expression") for text in page.texts)
    assert page.app.button(key="start").disabled
    assert page.app.button(key="dry_run").disabled


def test_a_pool_that_is_none_fails_in_one_line_where_it_is_watched(make_run, inputs, workspace, open_page):
    make_run()
    page = open_page("curate")
    fill(page, inputs)
    page.app.text_area(key="pool").set_value("/nowhere/![x](http://127.0.0.1:9/).parquet").run()
    page.app.button(key="preview").click().run()
    assert any("no such file" in text for text in page.texts)
    page.app.button(key="start").click().run()
    with pytest.raises(Exception, match="no such file"):
        run_task(tasks(workspace)[0].path)
    page.app.run()
    assert sum("no such file" in text and "\n" not in text for text in page.texts) >= 1
    assert [run.name for run in list_runs(workspace)] == ["run"]


def test_an_address_with_a_key_is_refused_before_anything_of_it_is_written_down(make_run, inputs, workspace, open_page):
    make_run()
    page = open_page("curate")
    fill(page, inputs)
    page.app.text_area(key="pool").set_value("s3://pools/pool?access_key=k&secret_key=abc123").run()
    assert any("a key or a password in it would stand in the run" in text for text in page.texts)
    assert page.app.button(key="start").disabled and page.app.button(key="dry_run").disabled
    assert tasks(workspace) == []


def test_a_run_of_a_pool_in_a_bucket_is_named_without_the_options_of_its_address(
    make_run, inputs, workspace, open_page
):
    make_run()
    page = open_page("curate")
    fill(page, inputs)
    page.app.text_area(key="pool").set_value("s3://pools/laion?region=eu-central-1").run()
    page.app.button(key="start").click().run()
    assert [task.arguments["name"] for task in tasks(workspace)] == ["laion"]


def test_the_preview_shows_the_first_pairs_and_what_is_guessed(make_run, inputs, open_page, tmp_path_factory):
    make_run()
    pool = tmp_path_factory.mktemp("csv") / "pool.csv"
    pool.write_text("id,caption\n1,a dog\n2,a cat\n")
    page = open_page("curate")
    page.app.text_area(key="pool").set_value(str(pool)).run()
    page.app.button(key="preview").click().run()
    assert page.app.dataframe[0].value["text"].tolist() == ["a dog", "a cat"]
    assert "Fields: id, caption. Read as, by a guess: text: caption, uid: id" in page.texts
    assert any("1 file (csv)" in text for text in page.texts)


def test_a_dry_run_shows_the_ranges_of_the_library(make_run, inputs, workspace, open_page):
    make_run()
    page = open_page("curate")
    fill(page, inputs)
    page.app.button(key="dry_run").click().run()
    (task,) = tasks(workspace)
    run_task(task.path)
    page.app.run()
    found = open_task(task.path).result
    numbers = {metric.label: metric.value for metric in page.app.metric}
    assert numbers["Pairs kept"] == f"≈ {rounded(round(found['kept']['value']))}"
    assert numbers["Threshold t"] == f"{found['t']['value']:,.15g}"
    assert "An estimate: 8 rows, 100.0 % of the pool" in page.captions


def test_a_second_click_on_start_starts_nothing(make_run, inputs, workspace, open_page):
    make_run()
    page = open_page("curate")
    fill(page, inputs)
    draft = page.app.session_state["draft"]
    page.app.session_state["started"] = draft
    page.app.button(key="start").click().run()
    assert tasks(workspace) == []
    assert any("started already" in text for text in page.texts)


def test_a_run_can_be_resumed_renamed_and_thrown_away_and_put_back(
    make_run, workspace, open_page, edit_run_json, started
):
    run = make_run(name="first")
    edit_run_json(make_run(name="second").path, created="2030-01-01T00:00:00+00:00")
    edit_run_json(run.path, state="cancelled")
    page = open_page("curate")
    assert "first · cancelled" in page.texts

    button(page, "Resume", run).click().run()
    assert started == [("run", run.path)]

    button(page, "To the trash", run).click().run()
    assert [run.name for run in list_runs(workspace)] == ["second"]
    (trashed,) = list_trash(workspace)
    assert "first" in page.texts and "first · cancelled" not in page.texts

    page.app.button(key=f"Put_back_{trashed.place.name}").click().run()
    assert "first · cancelled" in page.texts
    assert list_trash(workspace) == []


def test_a_run_whose_job_lives_is_cancelled_before_it_is_thrown_away(make_run, workspace, open_page, edit_run_json):
    run = make_run()
    edit_run_json(run.path, state="running")
    with lock(run.path):
        page = open_page("curate")
        assert "run · running" in page.texts
        button(page, "To the trash", run).click().run()
        assert any("cancel it first" in text for text in page.texts)
        button(page, "Cancel", run).click().run()
    assert (run.path / "cancel").exists()
    assert list_trash(workspace) == []


def test_deleting_for_good_is_asked_once_more(make_run, workspace, open_page):
    run = make_run(name="first")
    make_run(name="second")
    page = open_page("curate")
    button(page, "To the trash", run).click().run()
    (trashed,) = list_trash(workspace)
    page.app.button(key=f"Delete_for_good_{trashed.place.name}").click().run()
    assert list_trash(workspace)
    page.app.button(key="delete_yes").click().run()
    assert list_trash(workspace) == []
    assert not (workspace / "trash" / trashed.place.name).exists()


def test_the_settings_of_a_run_fill_the_form(make_run, workspace, open_page):
    run = make_run(t=7.0, min_words=1, text_lacks="x+")
    page = open_page("curate")
    button(page, "Use settings", run).click().run()
    assert page.app.text_area(key="pool").value == run.inputs[0].path
    again = plan_of(workspace, page)
    assert again.config == run.config
    assert again.info["plan"]["metadata"]["digest"] == run.info["plan"]["metadata"]["digest"]
    assert again.info["plan"]["inputs"] == run.info["plan"]["inputs"]


def test_a_run_works_on_this_machine_unless_a_cluster_is_asked_for(make_run, inputs, workspace, open_page):
    make_run()
    page = open_page("curate")
    fill(page, inputs)
    run = plan_of(workspace, page)
    assert json.loads((run.path / "engine.json").read_text()) == {"engine": "local", "address": None, "workers": 0}

    page.app.segmented_control(key="where_engine").set_value("ray").run()
    assert "give the address of the Ray cluster: HOST:PORT of its head" in page.texts
    assert page.app.button(key="start").disabled and page.app.button(key="dry_run").disabled

    page.app.text_input(key="where_address").set_value("head.lab").run()
    assert any(text.startswith("'head.lab' is not an address of a Ray cluster") for text in page.texts)
    assert page.app.button(key="start").disabled

    page.app.text_input(key="where_address").set_value("10.0.0.5:6379").run()
    page.app.number_input(key="where_workers").set_value(6).run()
    page.app.button(key="dry_run").click().run()
    asked = {"engine": "ray", "address": "10.0.0.5:6379", "workers": 6}
    assert tasks(workspace)[0].arguments["engine"] == asked
    run = plan_of(workspace, page)
    assert job.engine_of(run.path) == EngineConfig(**asked)
    page.app.run()
    assert "On the Ray cluster at 10.0.0.5:6379" in page.texts


def test_that_ray_is_not_installed_is_said_before_anything_starts(make_run, inputs, open_page, monkeypatch):
    monkeypatch.setattr(where, "find_spec", lambda name: None)
    make_run()
    page = open_page("curate")
    fill(page, inputs)
    assert not page.app.button(key="start").disabled
    page.app.segmented_control(key="where_engine").set_value("ray").run()
    assert "a Ray cluster needs Ray, which is not installed here: pip install 'headtail[ray]'" in page.texts
    assert page.app.button(key="start").disabled


@pytest.mark.parametrize("place", ["run", "watch"])
def test_a_run_goes_on_where_it_was_or_elsewhere(make_run, open_page, edit_run_json, started, place):
    run = make_run()
    there = EngineConfig(engine="ray", address="10.0.0.5:6379")
    job.choose_engine(run.path, there)
    edit_run_json(run.path, state="cancelled")
    page = open_page("curate", watch=run.path.name)
    page.app.button(key="watch_play_arrow" if place == "watch" else "Resume_run").click().run()
    assert started == [("run", run.path)]
    assert job.engine_of(run.path) == there

    page.open(f"elsewhere_{place}")
    assert page.app.text_input(key=f"elsewhere_{place}_address").value == "10.0.0.5:6379"
    page.app.text_input(key=f"elsewhere_{place}_address").set_value("").run()
    assert page.app.button(key=f"elsewhere_{place}_go").disabled
    page.app.segmented_control(key=f"elsewhere_{place}_engine").set_value("local").run()
    page.app.number_input(key=f"elsewhere_{place}_workers").set_value(3).run()
    page.app.button(key=f"elsewhere_{place}_go").click().run()
    assert started == [("run", run.path)] * 2
    assert job.engine_of(run.path) == EngineConfig(workers=3)


def test_where_a_job_works_that_is_under_way_is_not_said_anew(make_run, open_page, edit_run_json, started):
    run = make_run()
    edit_run_json(run.path, state="cancelled")
    page = open_page("curate")
    page.open("elsewhere_run")
    with lock(run.path):  # somebody else resumed it
        page.app.button(key="elsewhere_run_go").click().run()
    assert any("another process works on this run" in text for text in page.texts)
    assert started == [] and not (run.path / "engine.json").exists()


def test_the_settings_of_a_run_say_where_it_ran(make_run, open_page):
    run = make_run()
    job.choose_engine(run.path, EngineConfig(engine="ray", address="10.0.0.5:6379", workers=2))
    page = open_page("curate")
    button(page, "Use settings", run).click().run()
    assert page.app.segmented_control(key="where_engine").value == "ray"
    assert page.app.text_input(key="where_address").value == "10.0.0.5:6379"
    assert page.app.number_input(key="where_workers").value == 2


def test_a_seed_that_no_browser_can_hold_is_refused(make_run, open_page):
    run = make_run(t=7.0, seed=2**60)
    page = open_page("curate")
    button(page, "Use settings", run).click().run()
    assert any("no browser can hold it" in text for text in page.texts)
    assert page.app.number_input(key="set_seed").value == 0


def test_an_empty_number_is_the_default_or_what_the_preset_says(make_run, inputs, workspace, open_page):
    make_run()
    page = open_page("curate")
    fill(page, inputs)
    page.app.number_input(key="set_seed").set_value(None).run()
    page.app.selectbox(key="set_filter").select("align").run()
    assert page.app.number_input(key="set_max_words").placeholder == "20"
    run = plan_of(workspace, page)
    assert (run.seed, run.config.max_words, run.config.filter) == (0, 20, "align")


def test_an_export_is_a_task_with_a_place_of_its_own(make_run, workspace, open_page):
    run = make_run()
    page = open_page("curate")
    page.app.session_state[f"export_{run.path.name}"] = True
    page.app.run()
    page.app.number_input(key="export_t_run").set_value(1.0).run()
    for place, told in (("../up", "give a name of letters"), (str(workspace), "exists already"), ("", "give a name")):
        page.app.text_input(key="export_to_run_parquet_1").set_value(place).run()
        page.app.button(key="Start_the_export_run").click().run()
        assert any(told in text for text in page.texts), place
    assert tasks(workspace) == []
    page.app.text_input(key="export_to_run_parquet_1").set_value("mine").run()
    page.app.button(key="Start_the_export_run").click().run()
    (task,) = tasks(workspace)
    output = workspace / "exports" / "mine"
    assert task.arguments == {
        "run": str(run.path), "t": 1.0, "kind": "parquet", "images": True, "output": str(output),
    }  # fmt: skip
    run_task(task.path)
    page.app.run()
    assert str(output) in page.texts


def test_verifying_is_a_task_that_everybody_sees(make_run, workspace, open_page):
    run = make_run()
    page, other = open_page("curate"), open_page("curate")
    button(page, "Verify", run).click().run()
    (task,) = tasks(workspace)
    assert task.arguments == {"run": str(run.path), "export": None, "sample": 8}
    run_task(task.path)
    for each in (page, other):
        each.app.run()
        assert "Verify · run · done" in each.texts
        assert any("no finding(s)" in text for text in each.texts)


def test_an_empty_workspace_has_the_page_all_the_same(workspace, open_page, monkeypatch):
    from curation.errors import MissingFile
    from curation.ui import frame

    def no_sample():
        raise MissingFile("no sample data here")

    monkeypatch.setattr(frame, "ensure_sample_run", no_sample)
    page = open_page("curate")
    assert page.app.header[0].value == "Curate"
    assert "no sample data here" in [text.value for text in page.app.sidebar.text]
    assert "There is no run yet. Start one above." in page.captions


def test_the_page_is_there_while_the_chosen_run_is_not_done(make_run, inputs, workspace, open_page):
    make_run()
    path = workspace / "planned"
    create_run(path, [str(inputs[0])], from_entries(["dog"], source="test"), CurateConfig(t=2.0), name="waits")
    page = open_page("curate", run="planned")
    assert page.app.header[0].value == "Curate"
    assert "waits · planned" in page.texts


@pytest.mark.parametrize(
    "name", ["../second", "..", ".", "/", "\0", ".hidden", "nothing", "<b>", "a/b", "é" * 199, "a" * 999]
)
def test_the_address_watches_nothing_outside_the_workspace(make_run, open_page, name):
    make_run()
    page = open_page("curate", watch=name)
    assert any("There is no run" in text and "perhaps it is in the trash" in text for text in page.texts)
    page.app.button(key="watch_close").click().run()
    assert "watch" not in page.app.query_params


def test_metadata_is_chosen_by_the_address(make_run, workspace, open_page):
    make_run()
    (workspace / "metadata").mkdir()
    write_metadata(from_entries(["dog"], source="test"), workspace / "metadata" / "edited.parquet")
    page = open_page("curate", metadata="edited.parquet")
    assert page.app.selectbox(key="metadata_from").value == "Saved: edited"


def test_progress_is_told_with_rate_and_time(make_run, open_page, edit_run_json):
    run = make_run()
    edit_run_json(run.path, state="running")
    progress = {"sequence": 3, "phase": "balance", "done": 4, "total": 8, "of": "rows", "rate": 2.0, "eta_s": 2.0}
    (run.path / "progress.json").write_text(json.dumps({**progress, "elapsed_s": 9.0}))
    with lock(run.path):
        page = open_page("curate", watch=run.path.name)
    line = "Drawing what each entry keeps: 4 of 8 rows, 2 a second, about 2 s left in this step"
    assert [bar.text for bar in page.app.progress] == [line]
    assert page.app.progress[0].value == 50


HOSTILE = "/pool/![x](http://127.0.0.1:9/) <b>.parquet (4 to 7)"
CLUSTER = {
    "workers": 6,
    "nodes": [
        {"name": "10.0.0.6", "workers": 4, "done": 30, "alive": True},
        {"name": "10.0.0.7", "workers": 2, "done": 12, "alive": True},
        {"name": "10.0.0.8", "workers": 4, "done": 9, "alive": False},
    ],
    "retries": 2,
    "failed": 0,
    "under_way": [
        {"unit": HOSTILE, "seconds": 95.0, "slow": True},
        {"unit": "/pool/quick.parquet", "seconds": 2.0, "slow": False},
    ],
    "troubles": [{"number": 1, "unit": HOSTILE, "reason": "its worker died", "again": True}],
}


@pytest.fixture
def watched(make_run, open_page, edit_run_json):
    """The panel of a run under way whose engine tells so."""
    run = make_run()
    edit_run_json(run.path, state="running")

    def watch(engine, config=EngineConfig()):  # noqa: B008  # frozen
        job.choose_engine(run.path, config)
        progress = {"sequence": 3, "phase": "match", "done": 4, "total": 8, "of": "rows", "rate": 2.0, "eta_s": 2.0}
        (run.path / "progress.json").write_text(json.dumps({**progress, "elapsed_s": 9.0, "engine": engine}))
        with lock(run.path):
            return open_page("curate", watch=run.path.name)

    return watch


def test_of_a_cluster_it_is_told_who_works_what_is_lost_slow_and_tried_again(watched):
    page = watched(CLUSTER, EngineConfig(engine="ray", address="10.0.0.5:6379"))
    assert "6 workers on 2 nodes · 1 node lost · 2 retries · 1 straggler" in page.captions
    assert page.table("nodes of the cluster").to_numpy().tolist() == [
        ["10.0.0.8", 9, 4, "lost"], ["10.0.0.6", 30, 4, "works"], ["10.0.0.7", 12, 2, "works"],
    ]  # fmt: skip
    assert f"{HOSTILE}, for 1 min 35 s" in page.texts
    assert f"{HOSTILE}: its worker died" in page.texts
    assert not any("quick.parquet" in text for text in page.texts)


def test_of_this_machine_nothing_is_told_while_all_is_well(watched):
    here = {"name": "this machine", "workers": 2, "done": 5, "alive": True}
    well = {"workers": 2, "nodes": [here], "retries": 0, "failed": 0, "under_way": CLUSTER["under_way"][1:]}
    page = watched({**well, "troubles": []})
    assert len(page.app.progress) == 1
    assert "worker" not in page.captions and len(page.app.dataframe) == 0
    again = watched({**well, "retries": 1})
    assert "2 workers · 1 retry" in again.captions


@pytest.mark.parametrize(
    "garbage",
    [None, [], 7, {}, {"workers": "many"}, {**CLUSTER, "nodes": [{}]}, {**CLUSTER, "retries": -1},
     {**CLUSTER, "under_way": 3}, {**CLUSTER, "workers": 1e400}],
)  # fmt: skip
def test_what_an_engine_tells_that_is_not_understood_is_passed_over(watched, garbage):
    page = watched(garbage)
    assert page.app.progress[0].value == 50
    assert "worker" not in page.captions and len(page.app.dataframe) == 0


@pytest.mark.parametrize("garbage", ["{", "[]", '{"phase": "match"}', '{"phase": "**x**", "done": 1}'])
def test_progress_that_is_garbage_leaves_the_page_as_it_is(make_run, open_page, edit_run_json, garbage):
    run = make_run()
    edit_run_json(run.path, state="running")
    (run.path / "progress.json").write_text(garbage)
    with lock(run.path):
        page = open_page("curate", watch=run.path.name)
    assert "run · under way" in page.texts and len(page.app.progress) == 0


def test_each_link_to_metadata_of_the_workspace_is_followed_and_what_is_chosen_by_hand_stays(open_page, workspace):
    first, second = (
        save_metadata(from_entries(entries, source="mine"), workspace / "metadata", "Birds")
        for entries in (["wren"], ["wren", "owl"])
    )
    os.utime(first, (1, 1))  # saved before the second
    page = open_page("curate", metadata=first.name)
    assert page.app.selectbox(key="metadata_from").value == f"Saved: Birds ({first.stem})"

    page.app.query_params["metadata"] = second.name
    page.app.run()
    assert page.app.selectbox(key="metadata_from").value == "Saved: Birds"

    page.app.selectbox(key="metadata_from").select("Of the sample data").run()
    assert page.app.selectbox(key="metadata_from").value == "Of the sample data"


def test_what_is_no_run_is_listed_as_text_below_the_runs(workspace, open_page):
    def listed():
        return [one for one in open_page("curate").app.expander if one.label.startswith("Not runs")]

    workspace.mkdir(exist_ok=True)
    assert listed() == []
    (workspace / "![x](http:--a.example).txt").touch()
    (workspace / os.fsdecode(b"bad\xff")).mkdir()
    (expander,) = listed()
    assert expander.label == "Not runs, in the same folder: 2"
    assert [one.value for one in expander.text] == ["![x](http:--a.example).txt · a file", "bad\ufffd · no run.json"]
