"""A tour over every page of a workspace in which every text that can come from elsewhere tries to be more than text."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from playwright.sync_api import expect

from browser.conftest import a_free_port, served, settle, tabs
from browser.hostile import STRANGERS, hostile_captions, hostile_names, hostile_urls
from clip.models import write_small_checkpoint
from curation import files
from curation.clip.ladder.config import LadderConfig
from curation.clip.training.config import TrainConfig
from curation.errors import CurationError
from curation.metadata import from_entries
from curation.metadata_files import save_metadata
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.folder import NAME_FILE, open_run, write_info
from curation.runs.plan import create_run
from curation.runs.trash import move_to_trash
from inline import INLINE
from ladders import make_ladder
from trainings import make_training


@pytest.fixture(scope="module")
def hostile_workspace(tmp_path_factory: pytest.TempPathFactory, canary: tuple[str, list[str]]) -> Path:
    """Captions, entries, addresses, uids, and names of all there is, also of files."""
    folder, workspace = tmp_path_factory.mktemp("hostile"), tmp_path_factory.mktemp("hostile-runs")
    captions, urls, names = hostile_captions(canary[0]), hostile_urls(canary[0]), hostile_names(canary[0])
    assert (len(captions) >= 150, len(urls) >= 20, len(names) >= 90) == (True, True, True)
    pool = folder / "![x](\\\\127.0.0.1:9\\i.png) <img src=x> %{x} ; $(x).parquet"
    rows = range(len(captions))
    columns = {
        "uid": [f"{row} {captions[-row]}" for row in rows],
        "url": [urls[row % len(urls)] for row in rows],
        "text": captions,
        "image": pa.array([[b"no image", b"<svg onload=alert(1)>", None][row % 3] for row in rows], pa.binary()),
    }
    pq.write_table(pa.table(columns), pool)
    words = [word for text in captions for word in text.split(" ") if word]
    metadata = from_entries([*captions, *words], source="![x](y)")
    for name, t, title in (("captions", 1.0, captions[0]), ("other", 3.0, captions[6])):
        create_run(workspace / name, [str(pool)], metadata, CurateConfig(t=t), name=title)
        curate.run(workspace / name, INLINE)
    first = open_run(workspace / "captions")

    create_run(workspace / "planned", [str(pool)], from_entries(["x"], source="x"), CurateConfig(t=1.0))
    for at, name in enumerate(names):
        run = shutil.copytree(workspace / "planned", workspace / f"named-{at:02d}")
        (run / NAME_FILE).write_text(json.dumps({"name": name}))
        if at < 20:
            info = {**files.read_json(run / "run.json"), "state": "failed", "error": f"{captions[at]}: x"}
            write_info(run, info)
        elif at < 30:
            move_to_trash(run)
        with suppress(CurationError):  # a name that is refused does no harm either
            save_metadata(from_entries(["x"], source="x"), workspace / "metadata", name)
        params = {"run": name, "entry": name, "t": "2"}
        view = {"id": f"{at:016x}", "name": name, "page": "samples", "params": params, "created": "2026-01-01"}
        (workspace / "views").mkdir(exist_ok=True)
        (workspace / "views" / f"{at:016x}.json").write_text(json.dumps(view))
    shutil.rmtree(workspace / "planned")
    tell_tasks(workspace / "tasks", captions[:9])
    classes = [(caption[:90].replace("\n", " "), 9) for caption in captions[:24]]
    make_training(workspace / "models" / "done", first, name=captions[0], evaluate="![x](y).parquet")
    make_training(workspace / "models" / "failed", first, name=captions[6], state="failed", until=0.3)
    train = TrainConfig(samples=25_600, evaluate="e.parquet")
    config = LadderConfig(t=50.0, sweep=(5.0, 500.0), seeds=(0,), train=train)
    make_ladder(workspace / "ladders" / "climbed", first, config, classes, name=captions[0])
    told = {"run": str(first.path), "plan_digest": first.info["plan_digest"], "arm": captions[0], "t": 10.0}
    write_small_checkpoint(workspace / "models" / "![x](\\\\127.0.0.1:9\\i.png)<b> %{x}", trained_on=told)
    return workspace


def tell_tasks(folder: Path, texts: list[str]) -> None:
    """Tasks that failed, and checks that found something, with texts in all that they say."""
    for at, text in enumerate(texts):
        kind = ("estimate", "export", "verify")[at % 3]
        arguments = {"name": text, "pool": [text], "run": text, "export": text, "kind": "csv", "t": 1.0, "output": text}
        found = {"rows": 1, "units": 1, "of_units": 1, "files": 1, "pairs": 1, "bytes": 1}
        result = {**found, "findings": texts, "output": text} if kind != "estimate" else None
        state = "failed" if result is None else "done"
        error = text if result is None else None
        info = {
            "format": 1, "kind": kind, "about": None, "arguments": arguments, "state": state, "error": error,
            "created": "2026-01-01T00:00:00+00:00", "result": result,
        }  # fmt: skip
        files.write_json(folder / f"2026-{at}" / "task.json", info)


@pytest.fixture(scope="module", params=["streamlit run", pytest.param("headtail app", marks=pytest.mark.long)])
def hostile_link(request, hostile_workspace, tmp_path_factory) -> Iterator[str]:
    """The app as Streamlit alone runs it, without a policy that would hide what goes wrong, and as its command does."""
    port, log = a_free_port(), tmp_path_factory.mktemp("hostile-server") / "log.txt"
    commands = {
        "headtail app": ["curation", "app", "--no-browser", "--port", str(port)],
        "streamlit run": ["streamlit", "run", "app.py", f"--server.port={port}"],
    }
    with served(port, commands[request.param], log, HEADTAIL_RUNS=str(hostile_workspace)) as link:
        yield link


@pytest.fixture
def visit(chromium, hostile_link, canary) -> Iterator[Callable[..., Any]]:
    """Go to a page in the one tab; no request leaves it, no script fails, and nothing on a page is not ours."""
    tab: list[Any] = []
    with tabs(chromium, hostile_link) as open_page:

        def visit(path: str, **query: str) -> Any:
            path = f"{path}?{urlencode(query)}"
            if not tab:
                tab.append(open_page(path, height=2000))
                return tab[0]
            nothing_is_not_ours(tab[0])
            tab[0].goto(hostile_link.partition("/?")[0] + path)
            tab[0].get_by_role("heading", level=2).wait_for()
            settle(tab[0])
            return tab[0]

        yield visit
        nothing_is_not_ours(tab[0])
    assert canary[1] == []


def nothing_is_not_ours(page: Any) -> None:
    """No element, address or handler of a page came from a text."""
    assert page.evaluate(STRANGERS) == []
    assert page.get_by_test_id("stException").count() == 0


def hover(page: Any) -> int:
    """Hover over every point of the charts of a page; returns how many labels were seen."""
    seen = 0
    for chart in page.locator(".js-plotly-plot").all():
        chart.scroll_into_view_if_needed()
        for point in chart.locator(".scatterlayer .points path, .scatterlayer .points text").all()[:80]:
            box = point.bounding_box()
            if box is not None:
                page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
                seen += page.locator(".hoverlayer .hovertext").count()
                assert page.locator(".hoverlayer :is(a, image)").count() == 0
    return seen


def test_distribution(visit):
    page = visit("/", run="captions")
    page.get_by_role("slider", name="Entries by rank").focus()
    for _ in range(300):
        page.keyboard.press("ArrowRight")
    assert page.locator(".tip :not(div)").count() == 0
    page.get_by_role("combobox", name="Run").click()
    page.get_by_role("option").nth(3).wait_for()
    for _ in range(95):
        page.keyboard.press("ArrowDown")
    nothing_is_not_ours(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Saved views").click()
    page.locator("[data-testid=stPopoverBody] li a").first.wait_for()
    assert page.locator("[data-testid=stPopoverBody] li a").count() >= 60


def test_samples(visit, hostile_workspace):
    page = visit("/samples", run="captions")
    pages = -(-open_run(hostile_workspace / "captions").info["totals"]["pairs"] // 24)
    for number in range(1, pages + 1):
        if number > 1:
            page.get_by_role("button", name=f"Page {number}", exact=True).first.click()
            settle(page)
        page.locator("article.card summary").evaluate_all("all => all.forEach((one) => one.click())")
        nothing_is_not_ours(page)
    assert number >= 7


def test_samples_that_are_searched_for(visit, canary):
    for text in ("![x](", "<img src=x", f"{canary[0]}/i.png"):
        visit("/samples", run="captions", contains=text)
    visit("/samples", run="captions", entry=f"![x]({canary[0]}/i.png)")


def test_entries(visit, canary):
    texts = hostile_captions(canary[0])
    for view in ("Who keeps its pairs", "What else its pairs match", "Examples"):
        visit("/entries", run="captions", entry="x", find="<", view=view, edit="true")
    page = visit("/entries", run="captions", entry=texts[0], find="![")
    for text in texts[42:54]:
        box = page.get_by_role("textbox", name="The entry, exactly")
        box.fill(text)
        box.press("Enter")
    settle(page)
    box = page.get_by_role("searchbox", name="Find entries")
    box.fill("<a href")
    settle(page)


def test_compare(visit):
    page = visit("/compare", run="captions", t="1", b="other")
    settle(page)
    assert page.locator(".js-plotly-plot").count() == 1
    hover(page)


def test_labels(visit, canary):
    names = "\n".join(text.replace("\n", " ")[:100] for text in hostile_captions(canary[0]))
    page = visit("/labels", run="captions", labels="Own")
    box = page.get_by_label("One name a line, with a count if there is one")
    box.fill(names)
    box.press("Control+Enter")
    page.locator(".js-plotly-plot .scatterlayer .points path").first.wait_for()
    settle(page)
    assert hover(page) > 20
    page.get_by_role("combobox", name="Look at one name").click()
    page.get_by_role("option").nth(3).wait_for()


def test_curate(visit, canary):
    page = visit("/curate", run="captions")
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("button", name="Rename").nth(60).wait_for(state="attached")
    settle(page)
    page.get_by_role("textbox", name="Files, folders or patterns").fill(f"/nowhere/![x]({canary[0]}/i.png)")
    page.get_by_role("combobox", name="Metadata").click()
    page.get_by_role("option").nth(3).wait_for()
    nothing_is_not_ours(page)
    for folder in ("named-00", "named-05", "![x](y)"):
        visit("/curate", watch=folder)
    visit("/", run="named-03")


def test_train(visit):
    for part, kind, name in (("Ladder", "ladder", "climbed"), ("Trainings", "training", "done")):
        page = visit("/train", run="captions", train_part=part, **{kind: name})
        settle(page)
        hover(page)


def test_classify(visit, canary):
    page = visit("/classify", run="captions")
    cards = page.locator("article.card")
    cards.nth(15).wait_for()
    some = [*hostile_names(canary[0])[:5], *hostile_names(canary[0])[-16:-1]]
    uploads = [{"name": f"{name[:80]}.png", "mimeType": "image/png", "buffer": picture()} for name in some]
    page.locator("input[type=file]").first.set_input_files(uploads)
    expect(cards).to_have_count(20)
    box = page.get_by_label("One a line")
    box.fill("\n".join(text.replace("\n", " ")[:90] for text in hostile_captions(canary[0])[:60]))
    box.press("Control+Enter")
    settle(page)
    page.get_by_role("combobox", name="Checkpoint").click()
    page.get_by_role("option", name="127.0.0.1").first.click()
    settle(page)
    page.get_by_text("Nearest training captions", exact=True).first.click()
    cards.first.locator("summary").click()
    expect(cards.first.locator(".captions li")).to_have_count(3)
    hover(page)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    return out.getvalue()
