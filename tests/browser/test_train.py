import re

import pytest
from playwright.sync_api import expect

from browser.conftest import settle
from browser.hostile import hostile_texts
from curation.clip.ladder.config import LadderConfig
from curation.clip.ladder.summary import accuracies, sentence
from curation.clip.training.config import TrainConfig
from ladders import make_ladder
from trainings import make_training

WORDS = [(f"w{k}", 3000 // (k + 1)) for k in range(24)]


@pytest.fixture(scope="module")
def ladder(runs):
    """A finished ladder over the words of a run: five arms, a sweep over t, two seeds."""
    path = runs["zipf"].path.parent / "ladders" / "climbed"
    train = TrainConfig(samples=25_600, evaluate="eval.parquet")
    config = LadderConfig(t=50.0, sweep=(5.0, 15.0, 500.0), seeds=(0, 1), train=train)
    return make_ladder(path, runs["zipf"], config, WORDS, name="Ladder on words")


@pytest.fixture(scope="module")
def trainings(runs, canary):
    """One that is done, and one with a hostile name that stopped."""
    folder = runs["zipf"].path.parent / "models"
    make_training(folder / "done", runs["zipf"], evaluate="eval.parquet")
    make_training(folder / "hostile", runs["hostile-name"], name=hostile_texts(canary[0])[6], state="failed", until=0.3)


def test_a_ladder_fits_and_can_be_read_by_all(open_page, ladder, screen, fits):
    page = open_page("/train?run=zipf&ladder=climbed", **screen, height=1300)
    expect(page.get_by_role("heading", name=sentence(accuracies(ladder)))).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    settle(page)
    fits(page, "train")


def test_a_tail_class_leads_to_its_entry(open_page, ladder):
    page = open_page("/train?run=zipf&ladder=climbed")
    table = page.get_by_test_id("stDataFrame").nth(1)
    table.scroll_into_view_if_needed()
    settle(page)
    box = table.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 52)  # the box of the first row; the table is drawn on a canvas
    page.get_by_role("link", name="Its entry").click()
    page.get_by_role("heading", name="Entries").wait_for()
    expect(page).to_have_url(re.compile("entry=w16"))


def test_trainings_are_drawn_and_their_names_are_shown_as_text(open_page, trainings, axe, shoot):
    page = open_page("/train?run=zipf&train_part=Trainings&training=done", height=1300)
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    expect(page.get_by_text("50.0% zero-shot top-1")).to_be_visible()
    axe(page)
    shoot(page, "trainings 1440 light")
    assert page.locator("[data-testid=stMain] :is(iframe, object, embed, form)").count() == 0
