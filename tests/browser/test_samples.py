import re

from playwright.sync_api import expect

from browser.conftest import settle
from curation import queries


def captions(page):
    return page.locator("article.card .caption").all_inner_texts()


def wanted(run, t, **asked):
    return queries.samples(run, t, **asked)["text"].to_pylist()


def test_a_link_holds_the_whole_view(open_page, runs):
    page = open_page("/samples?run=zipf&t=33.3")
    page.get_by_text("Kept", exact=True).click()
    box = page.get_by_role("textbox", name="With one of the ranks")
    box.fill("3-9")
    box.press("Enter")
    settle(page)
    page.get_by_role("button", name="Page 2").first.click()
    settle(page)

    colleague = open_page(page.url.removeprefix(re.match("http://[^/]+", page.url)[0]))

    assert set(re.findall(r"[?&](\w+)=", page.url)) == {"run", "t", "which", "ranks", "page"}
    assert captions(colleague) == captions(page)
    assert captions(page) == wanted(runs["zipf"], 33.3, which="kept", ranks=(3, 9), offset=24)
    assert colleague.url == page.url

    page.go_back()
    expect(page.locator("article.card .caption").first).to_have_text(
        wanted(runs["zipf"], 33.3, which="kept", ranks=(3, 9))[0]
    )


def test_two_sessions_do_not_get_in_each_others_way(open_page, runs):
    one, other = open_page("/samples?run=zipf&t=33.3"), open_page("/samples?run=photos&t=4")

    one.get_by_text("Dropped", exact=True).click()
    settle(one)
    settle(other)

    assert captions(one) == wanted(runs["zipf"], 33.3, which="dropped")
    assert captions(other) == wanted(runs["photos"], 4.0)
    assert "which" not in other.url


def test_nothing_found_says_what_to_do(open_page, shoot):
    page = open_page("/samples?run=photos&contains=nowhere")

    expect(page.get_by_text("No pair answers to all of this")).to_be_visible()
    shoot(page, "samples nothing found")


def test_the_pairs_of_a_page_are_taken_along(open_page, runs, tmp_path):
    page = open_page("/samples?run=photos")
    with page.expect_download() as found:
        page.get_by_role("button", name="CSV").click()
    found.value.save_as(tmp_path / "samples.csv")

    lines = (tmp_path / "samples.csv").read_text().splitlines()
    assert lines[0] == '"uid","text","url","t_min","kept"'
    assert [line.split('","')[1].split('"')[0] for line in lines[1:]] == wanted(runs["photos"], 10.0)
