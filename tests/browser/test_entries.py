import re

import pytest
from playwright.sync_api import expect

from browser.conftest import settle
from browser.hostile import hostile_texts
from curation import queries
from curation.metadata_files import saved_metadata
from curation.ui.text import label


def value_of(page, name):
    metric = page.locator("[data-testid=stMetric]").filter(has=page.get_by_text(name, exact=True))
    return metric.locator("[data-testid=stMetricValue]")


def found(page):
    return page.get_by_text(re.compile(r"^[\d,]+ of the [\d,]+ entries"))


def cells(page, column):
    """The cells of the first table, as a screen reader is told them, a moment after they are drawn."""
    table = page.locator("[data-testid=stDataFrame]").first.locator("table")
    found = table.locator(f"tbody tr td:nth-child({column})")
    expect(found).not_to_have_count(0)
    return found.all_text_contents()


def select_row(page, row):
    """Click into the column with the marks."""
    place = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    page.mouse.click(place["x"] + 18, place["y"] + 35 * (row + 1) + 17)
    settle(page)


def test_entries_appear_as_one_types_and_a_row_becomes_the_entry_of_the_address(open_page, runs, shoot):
    page = open_page("/entries?run=zipf")
    expect(found(page)).to_contain_text("300 of the 300 entries")

    page.get_by_role("searchbox", name="Find entries").press_sequentially("W29", delay=30)
    expect(found(page)).to_contain_text("11 of the 300 entries")  # no Enter
    settle(page)
    wanted = queries.search_entries(runs["zipf"], "w29", t=50.0).entries["entry"].to_pylist()
    assert cells(page, 2)[:5] == wanted[:5]
    assert re.search(r"find=W29", page.url)

    select_row(page, 1)
    expect(page.get_by_role("textbox", name="The entry, exactly")).to_have_value(wanted[1])
    expect(page).to_have_url(re.compile(rf"entry={wanted[1]}(&|$)"))
    facts = queries.entry_facts(runs["zipf"], queries.entry_id(runs["zipf"], wanted[1]), 50.0)
    expect(value_of(page, "Kept")).to_have_text(f"{facts.kept:,}")

    box = page.get_by_role("textbox", name="The entry, exactly")
    box.fill("w0")
    box.press("Enter")
    expect(value_of(page, "Texts in the pool")).to_have_text("3,000")  # the row that is still selected does not win
    shoot(page, "entries")


def test_a_link_shows_a_colleague_the_same(open_page, runs):
    path = "/entries?run=zipf&t=33.3&entry=w0&find=w1&among=Head&view=Who+keeps+its+pairs"
    page = open_page(path)
    expect(page.get_by_role("searchbox", name="Find entries")).to_have_value("w1")
    expect(page.get_by_role("textbox", name="The entry, exactly")).to_have_value("w0")
    facts = queries.entry_facts(runs["zipf"], 0, 33.3)
    expect(value_of(page, "Kept")).to_have_text(f"{facts.kept:,}")
    carried = queries.carried(runs["zipf"], 0, 33.3)
    expect(page.get_by_text(f"{carried.by_others:,} that it drops but another entry keeps")).to_be_visible()
    total = queries.search_entries(runs["zipf"], "w1", t=33.3, among="head").total
    expect(found(page)).to_contain_text(f"{total} of the 300 entries")
    for part in ("run=zipf", "t=33.3", "entry=w0", "find=w1", "among=Head", "view=Who+keeps+its+pairs"):
        assert part in page.url

    page.get_by_role("tab", name="Examples").click()
    page.get_by_role("link", name="All samples with this entry").click()
    expect(page.get_by_role("textbox", name="With the entry")).to_have_value("w0")


def test_the_page_is_used_with_the_keyboard_alone(open_page):
    page = open_page("/entries?run=zipf")
    page.get_by_role("searchbox", name="Find entries").focus()
    page.keyboard.type("w7")
    expect(found(page)).to_contain_text("11 of the 300 entries")
    page.get_by_role("textbox", name="The entry, exactly").focus()
    page.keyboard.type("w7")
    page.keyboard.press("Enter")
    expect(value_of(page, "Texts in the pool")).to_have_text("375")
    page.get_by_role("tab", name="Kept at every t").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("pairs with the entry were looked at")).to_be_visible()


def test_metadata_is_edited_and_saved(open_page, runs, shoot):
    page = open_page("/entries?run=zipf&entry=w0&edit=true")
    page.get_by_role("textbox", name="Entries, one a line").fill("w0 w1\nnothing.")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(value_of(page, "Pairs looked at")).to_have_text("3,000")
    expect(page.get_by_text("No text can match “nothing.”")).to_be_visible()
    settle(page)
    shoot(page, "entries edited")
    page.get_by_role("textbox", name="Save as").fill("Two words")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as")).to_be_visible()
    folder = runs["zipf"].path.parent / "metadata"
    (saved,) = saved_metadata(folder)
    assert (saved.title, saved.entries) == ("Two words", 302)

    page.get_by_role("link", name="Start a run with it").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Curate")
    expect(page.get_by_role("combobox", name="Metadata")).to_have_value("Saved: Two words")


@pytest.mark.long  # the tour of test_hostile.py comes by here too
def test_hostile_entries_are_shown_as_text(open_page, canary, shoot):
    texts = hostile_texts(canary[0])
    page = open_page("/entries?run=hostile")
    for text in ("1", texts[0], texts[7], texts[23]):  # the first stands in many texts, with all that is in them
        box = page.get_by_role("textbox", name="The entry, exactly")
        box.fill(text)
        box.press("Enter")
        settle(page)
        assert value_of(page, "Texts in the pool").count() == 1 or page.get_by_text(f"“{label(text)}”").count()
        for tab in ("Who keeps its pairs", "What else its pairs match", "Examples"):
            if page.get_by_role("tab", name=tab).count():
                page.get_by_role("tab", name=tab).click()
                settle(page)
        inside = "[data-testid=stMain] :is(script, iframe, meta, object, video, base, b, image, foreignObject)"
        assert page.locator(inside).count() == 0
        assert page.locator("[data-testid=stMain] :is(img, a):not([data-testid=stPageLink-NavLink])").count() == 0
    shoot(page, "hostile entries")


def test_the_page_fits_phones_and_desks_in_light_and_dark(open_page, screen, fits):
    page = open_page("/entries?run=zipf&entry=w0&find=w&view=Who+keeps+its+pairs", **screen, height=1700)
    fits(page, "entries")
