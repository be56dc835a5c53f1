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
    box = page.get_by_role("textbox", name="Of the ranks")
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


def test_ranks_are_drawn_on_the_chart_and_stand_in_the_address(open_page, runs):
    page = open_page("/samples?run=zipf")
    axis = page.locator(".brush").bounding_box()
    y = axis["y"] + axis["height"] / 2

    page.mouse.move(axis["x"] + 0.3 * axis["width"], y)
    page.mouse.down()
    page.mouse.move(axis["x"] + 0.6 * axis["width"], y, steps=5)
    page.mouse.up()

    box = page.get_by_role("textbox", name="Of the ranks")
    expect(box).to_have_value(re.compile(r"^\d+-\d+$"))
    first, last = (int(rank) for rank in box.input_value().split("-"))
    assert 1 < first < last < 300
    expect(page).to_have_url(re.compile(f"ranks={first}-{last}"))
    settle(page)
    assert captions(page) == wanted(runs["zipf"], 50.0, ranks=(first, last))

    box.fill("")
    box.press("Enter")
    settle(page)
    assert captions(page) == wanted(runs["zipf"], 50.0)
