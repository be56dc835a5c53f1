from browser.conftest import settle
from browser.hostile import hostile_texts
from curation import queries
from curation.ui.text import label


def captions(page):
    return page.locator("article.card .caption").all_inner_texts()


def save(page, name):
    page.get_by_role("button", name="Saved views").click()
    page.get_by_role("textbox", name="Name of this view").fill(name)
    page.get_by_role("button", name="Save this view").click()
    settle(page)


def test_a_saved_view_is_there_for_everybody_and_brings_all_of_it_back(open_page, runs):
    page = open_page("/samples?run=photos&t=4&which=Kept&entry=dog")
    wanted = queries.samples(runs["photos"], 4.0, which="kept", entry="dog")["text"].to_pylist()
    save(page, "the dogs")

    other = open_page("/?run=zipf&t=33.3")
    other.get_by_role("button", name="Saved views").click()
    other.get_by_role("link", name="the dogs").click()
    other.locator("article.card").first.wait_for()
    settle(other)
    assert captions(other) == wanted
    assert sorted(other.url.partition("?")[2].split("&")) == ["entry=dog", "run=photos", "t=4", "which=Kept"]

    other.get_by_role("button", name="Saved views").click()
    other.get_by_role("button", name="Remove the dogs").click()
    settle(other)
    assert "None yet" in other.locator("[data-testid=stPopoverBody]").inner_text()


def test_the_name_of_a_view_is_text(open_page, canary):
    name = hostile_texts(canary[0])[0]
    page = open_page("/?run=zipf")
    save(page, name)

    link = page.locator("[data-testid=stPopoverBody] li a")
    assert link.all_inner_texts() == [label(name)]
    assert link.get_attribute("href") == "/?run=zipf&t=50"
    page.get_by_role("button", name="Remove ").click()
    settle(page)
