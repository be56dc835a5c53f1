"""Real runs, started, watched, cancelled and thrown away by hand, in a workspace of their own."""

import json
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from browser.conftest import a_free_port, served, settle
from browser.hostile import hostile_texts
from curation.engines.config import EngineConfig
from curation.metadata import from_entries
from curation.metadata_files import write_metadata
from curation.runs import curate, job
from curation.runs.config import CurateConfig
from curation.runs.folder import is_locked, list_runs, lock, open_run, write_info
from curation.runs.plan import create_run
from curation.runs.trash import list_trash
from curation.ui.text import label
from inline import INLINE
from runs.test_job import states_in_log, wait_for

LONG = 60_000
"""A process starts, imports and works, on a machine that does other things too."""


@pytest.fixture(autouse=True)
def patience():
    """Whatever is expected may come late on a busy machine."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A small pool, a large one of 12 units, and metadata."""
    folder = tmp_path_factory.mktemp("inputs")
    write_metadata(from_entries([f"w{k}" for k in range(300)], source="test"), folder / "entries.json")
    (folder / "small.csv").write_text("uid,text\n" + "".join(f"{k},w{k % 7} w{k % 30}\n" for k in range(400)))
    texts = [" ".join(f"w{(k * factor) % 300}" for factor in (1, 3, 7, 11, 13, 17)) for k in range(5000)]
    (folder / "large").mkdir()
    uids = [f"{k:08d}" for k in range(250_000)]
    pq.write_table(pa.table({"uid": uids, "text": texts * 50}), folder / "large" / "00.parquet")
    for k in range(1, 12):
        shutil.copy(folder / "large" / "00.parquet", folder / "large" / f"{k:02d}.parquet")
    return folder


@pytest.fixture(scope="module")
def runs_folder(inputs, tmp_path_factory):
    """The workspace, with a run that is done, and some whose names would do harm."""
    folder = tmp_path_factory.mktemp("curate")
    create_run(
        folder / "first",
        [str(inputs / "small.csv")],
        from_entries(["w1"], source="x"),
        CurateConfig(t=5.0),
        name="First",
    )
    curate.run(folder / "first", INLINE)
    return folder


@pytest.fixture(scope="module")
def server(runs_folder, tmp_path_factory):
    """In the place of the server that other tests share: runs come and go here."""
    port, log = a_free_port(), tmp_path_factory.mktemp("server") / "log.txt"
    command = ["curation", "app", "--no-browser", "--port", str(port)]
    with served(port, command, log, HEADTAIL_RUNS=str(runs_folder)) as link:
        yield link
    wait_for(lambda: not any(is_locked(run.path) for run in list_runs(runs_folder)), 120)


def fill(page, name, value):
    box = page.get_by_role("textbox", name=name)
    box.fill(value)
    box.blur()
    settle(page)


def start(page, inputs, name):
    """Fill the rest of the form, and press Start."""
    page.get_by_role("combobox", name="Metadata").click()
    page.get_by_role("option", name="On this machine ...").click()
    settle(page)
    fill(page, "File, or folder with a file a language", str(inputs / "entries.json"))
    fill(page, "Name of the run", name)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile("watch="))


def named(folder, name):
    return next((run for run in list_runs(folder) if run.name == name), None)


def card(page, name):
    """The frame of a run in the list."""
    line = re.compile(rf"^{re.escape(name)} · ")
    return (
        page.get_by_test_id("stVerticalBlock")
        .filter(has=page.get_by_text(line))
        .filter(has=page.get_by_role("button", name="Rename"))
        .last
    )


def test_an_uploaded_file_becomes_a_run_that_is_renamed_thrown_away_and_put_back(
    open_page, inputs, runs_folder, canary, shoot
):
    page = open_page("/curate")
    page.get_by_role("radio", name="Upload a small file").or_(
        page.get_by_text("Upload a small file", exact=True)
    ).first.click()
    settle(page)
    page.locator("input[type=file]").first.set_input_files(
        {"name": "../../![x](y) <b>.csv", "mimeType": "text/csv", "buffer": (inputs / "small.csv").read_bytes()}
    )
    expect(page.get_by_text("Uploaded: ../../![x](y) <b>.csv")).to_be_visible()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("1 file (csv)")).to_be_visible()
    shoot(page, "curate form")
    start(page, inputs, "Uploaded")

    wait_for(lambda: (run := named(runs_folder, "Uploaded")) is not None and run.state == "done", 60)
    run = named(runs_folder, "Uploaded")
    expect(page.get_by_text("Uploaded · done").first).to_be_visible()
    totals = run.info["totals"]
    expect(page.get_by_text(f"All 400 pairs; {totals['kept']:,} kept at t = {totals['t']:,.15g}.")).to_be_visible()
    assert re.fullmatch("[0-9a-f]{16}", run.path.name)
    (upload,) = (runs_folder / "uploads").iterdir()
    assert sorted(path.name for path in upload.iterdir()) == ["file.csv", "upload.json"]
    shoot(page, "curate done")

    texts = hostile_texts(canary[0])
    evil = texts[0] + texts[22] + texts[23]
    card(page, "Uploaded").get_by_role("button", name="Rename").click()
    box = page.get_by_role("textbox", name="Name", exact=True)
    box.fill(evil)
    box.blur()
    settle(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(f"{label(evil, 120)} · done").first).to_be_visible()
    assert open_run(run.path).name == evil
    assert page.locator("[data-testid=stMain] :is(img, iframe, b)").count() == 0

    other = open_page("/curate")
    page.get_by_role("button", name="To the trash").first.click()
    for each in (page, other):
        expect(each.get_by_role("button", name="Put back")).to_be_visible()
    assert [trashed.run.name for trashed in list_trash(runs_folder)] == [evil]
    shoot(other, "curate trash")
    other.get_by_role("button", name="Put back").click()
    for each in (page, other):
        expect(each.get_by_role("button", name="Put back")).to_have_count(0)
    assert open_run(run.path).state == "done"

    page.get_by_role("button", name="To the trash").first.click()
    page.get_by_role("button", name="Delete for good").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("gone for good")
    shoot(page, "curate delete for good")
    page.wait_for_timeout(3500)  # the list follows by itself meanwhile
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Put back")).to_have_count(0)
    assert list((runs_folder / "trash").iterdir()) == []


def test_a_run_is_watched_by_two_cancelled_by_one_and_resumed_by_the_other(open_page, inputs, runs_folder, axe, shoot):
    page = open_page("/curate")
    fill(page, "Files, folders or patterns, one a line", str(inputs / "large"))
    start(page, inputs, "Large")
    folder = re.search("watch=([0-9a-f]{16})", page.url).group(1)
    path = runs_folder / folder
    other = open_page(f"/curate?watch={folder}")

    for each in (page, other):
        expect(each.get_by_role("progressbar").first).to_be_visible(timeout=LONG)
    wait_for(lambda: list((path / "work").glob("*.json")))
    expect(other.locator("table.funnel tbody tr").nth(1)).to_be_visible()
    shoot(other, "curate watching")
    for _ in range(5):
        other.reload()
    other.get_by_text("Large · ").first.wait_for()
    assert states_in_log(path) == ["running"]

    page.get_by_role("button", name="Cancel").first.click()
    wait_for(lambda: open_run(path).state == "cancelled", 30)
    for each in (page, other):
        expect(each.get_by_text("Large · cancelled").first).to_be_visible()
    shoot(page, "curate cancelled")

    other.get_by_role("button", name="Elsewhere").first.click()
    workers = other.get_by_role("spinbutton", name="Workers").last
    workers.fill("1")
    workers.blur()
    other.wait_for_timeout(2500)  # the panel follows by itself meanwhile
    expect(workers).to_have_value("1")
    axe(other)
    shoot(other, "curate elsewhere")
    other.get_by_role("button", name="Go on there").click()
    page.get_by_role("button", name="Resume").first.click()
    wait_for(lambda: open_run(path).state == "done", 120)
    for each in (page, other):
        expect(each.get_by_text("All 3,000,000 pairs; ")).to_be_visible()  # where it is watched, not in the list
    close = other.get_by_role("button", name="Close", exact=True)
    expect(close).to_have_count(1)  # the panel of a moment ago is gone too
    close.click()
    expect(other.get_by_text("All 3,000,000 pairs; ")).to_have_count(0)
    assert "watch" not in other.url
    assert states_in_log(path) == ["running", "cancelled", "running", "done"]
    assert "engine local: 1 worker\n" in (path / "log.txt").read_text()
    assert open_run(path).info["totals"]["pairs"] == 3_000_000


def test_a_dry_run_an_export_and_a_verification_survive_a_new_tab(open_page, inputs, runs_folder, shoot):
    page = open_page("/curate")
    fill(page, "Files, folders or patterns, one a line", str(inputs / "small.csv"))
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_text("An estimate:").first).to_be_visible(timeout=LONG)
    shoot(page, "curate dry run")
    first = card(page, "First")
    first.get_by_role("button", name="Export").click()
    settle(page)
    page.get_by_role("button", name="Start the export").click()
    output = runs_folder / "exports" / "first-parquet-t5"
    wait_for(output.is_dir)
    card(page, "First").get_by_role("button", name="Verify").click()

    other = open_page("/curate")
    expect(other.get_by_text("Export · First, parquet, t = 5 · done")).to_be_visible(timeout=LONG)
    expect(other.get_by_text("Verify · First · done")).to_be_visible(timeout=LONG)
    expect(other.get_by_text(str(output))).to_be_visible()
    shoot(other, "curate tasks")


def test_the_page_fits_phones_and_desks_in_light_and_dark(open_page, screen, fits):
    page = open_page("/curate?watch=first", **screen)
    page.get_by_text("New run").click()
    settle(page)
    fits(page, "curate")


@pytest.fixture
def on_cluster(runs_folder, inputs, canary):
    """A run under way on a cluster, as far as its folder tells: a node is lost, a unit slow, tries failed."""
    path = runs_folder / "cluster"
    metadata = from_entries(["w1"], source="x")
    create_run(path, [str(inputs / "small.csv")], metadata, CurateConfig(t=5.0), name="On a cluster")
    job.choose_engine(path, EngineConfig(engine="ray", address="10.0.0.5:6379"))
    unit = f"/data/pool/{hostile_texts(canary[0])[0]}.parquet (4 to 7)"
    nodes = [("10.0.0.6", 4, 412, True), ("10.0.0.7", 2, 198, True), ("10.0.0.8", 4, 96, False)]
    engine = {
        "workers": 6,
        "nodes": [dict(zip(("name", "workers", "done", "alive"), node, strict=True)) for node in nodes],
        "retries": 5,
        "failed": 0,
        "under_way": [{"unit": unit, "seconds": 312.0, "slow": True}],
        "troubles": [{"number": 5, "unit": unit, "reason": "it failed, or its worker or its node died", "again": True}],
    }
    progress = {
        "phase": "match",
        "done": 7_250_000,
        "total": 10_000_000,
        "of": "rows",
        "rate": 21_000.0,
        "eta_s": 131.0,
    }
    (path / "progress.json").write_text(json.dumps({"sequence": 9, **progress, "elapsed_s": 345.0, "engine": engine}))
    write_info(path, {**open_run(path).info, "state": "running"})
    with lock(path):
        yield path
    shutil.rmtree(path)


def test_who_works_what_is_lost_and_what_is_slow_is_seen_where_a_run_is_watched(open_page, on_cluster, screen, fits):
    page = open_page("/curate?watch=cluster", **screen, height=1100)
    expect(page.get_by_text("6 workers on 2 nodes · 1 node lost · 5 retries · 1 straggler")).to_be_visible()
    expect(page.get_by_text("On the Ray cluster at 10.0.0.5:6379")).to_be_visible()
    expect(page.get_by_text(re.compile("for 5 min 12 s$"))).to_be_visible()
    expect(page.get_by_text(re.compile("it failed, or its worker or its node died$"))).to_be_visible()
    cells = page.get_by_test_id("stDataFrame").locator("td, [role=gridcell]")
    for cell in ("10.0.0.8", "lost"):
        expect(cells.filter(has_text=re.compile(f"^{cell}$"))).to_have_count(1)
    assert page.get_by_test_id("stMain").locator(":is(img, iframe, b)").count() == 0
    fits(page, "curate cluster")


def test_a_run_is_started_with_two_workers_and_its_form_asks_for_the_address_of_a_cluster(
    open_page, inputs, runs_folder, axe, shoot
):
    page = open_page("/curate")
    fill(page, "Files, folders or patterns, one a line", str(inputs / "small.csv"))
    page.get_by_text("Where it runs", exact=True).click()
    settle(page)
    cluster, here = (page.get_by_role("radio", name=name, exact=True) for name in ("A Ray cluster", "This machine"))
    expect(here).to_be_checked()
    cluster.click()
    expect(page.get_by_text("give the address of the Ray cluster: HOST:PORT of its head")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    page.mouse.move(0, 0)  # what is under the mouse has a colour of its own
    page.wait_for_timeout(400)
    axe(page)
    page.get_by_role("textbox", name="Address").scroll_into_view_if_needed()
    shoot(page, "curate where it runs")
    here.click()
    settle(page)
    workers = page.get_by_role("spinbutton", name="Workers")
    workers.fill("2")
    workers.blur()
    settle(page)
    start(page, inputs, "With two workers")
    wait_for(lambda: (run := named(runs_folder, "With two workers")) is not None and run.state == "done", 120)
    run = named(runs_folder, "With two workers")
    assert job.engine_of(run.path) == EngineConfig(workers=2)
    assert "engine local: 2 workers" in (run.path / "log.txt").read_text()
    expect(page.get_by_text("All 400 pairs; ")).to_be_visible()
