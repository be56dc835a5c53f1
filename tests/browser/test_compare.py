import re

import pytest
from playwright.sync_api import expect

from browser.conftest import settle
from curation import queries
from curation.runs.diff import diff, run_set


def value_of(page, name):
    return page.locator("[data-testid=stMetric]").filter(has_text=name).locator("[data-testid=stMetricValue]")


def test_the_address_holds_both_sides_and_the_choice_changes_it(open_page, runs):
    page = open_page("/compare?run=zipf&t=50&t_b=20")
    zipf = runs["zipf"]
    expect(value_of(page, "Pairs in A")).to_have_text(f"{queries.size(zipf, 50.0).kept:,}")
    expect(value_of(page, "Pairs in B")).to_have_text(f"{queries.size(zipf, 20.0).kept:,}")

    page.get_by_label("t of B").fill("33.3")
    page.keyboard.press("Enter")
    expect(value_of(page, "Pairs in B")).to_have_text(f"{queries.size(zipf, 33.3).kept:,}")
    expect(page).to_have_url(re.compile(r"run=zipf&t=50&t_b=33\.3$"))

    page.get_by_role("combobox", name="B: the run").click()
    page.get_by_role("option", name="photos").click()
    expect(page).to_have_url(re.compile("with=photos"))
    found = diff(run_set(zipf, 50.0), run_set(runs["photos"], 10.0))
    expect(value_of(page, "KL(A || B), nats")).to_have_text(f"{found.kl_a_b:.4g}")

    page.reload()
    expect(value_of(page, "KL(A || B), nats")).to_have_text(f"{found.kl_a_b:.4g}")
    settle(page)
    page.get_by_role("button", name="Swap A and B").click()
    expect(value_of(page, "KL(A || B), nats")).to_have_text(f"{found.kl_b_a:.4g}")
    expect(page).to_have_url(re.compile(r"run=photos&.*with=zipf|with=zipf.*run=photos"))

    page.get_by_role("link", name="Distribution").click()
    page.get_by_role("heading", name="Distribution").wait_for()
    expect(page).to_have_url(re.compile(r"/\?run=photos&t=10$"))
    page.get_by_role("link", name="Compare").click()
    expect(page).to_have_url(re.compile("with=zipf"))
    expect(value_of(page, "Pairs in B")).to_have_text(f"{queries.size(zipf, 50.0).kept:,}")


def test_the_chart_answers_in_numbers_and_the_walls_stand_side_by_side(open_page, runs, shoot):
    page = open_page("/compare?run=photos&t=3&t_b=15")
    between = queries.samples(runs["photos"], 15.0, which="kept", since=3.0, limit=8)
    captions = page.locator("article.card .caption").all_inner_texts()
    assert captions == between["text"].to_pylist()
    chart = page.locator(".js-plotly-plot")
    chart.scroll_into_view_if_needed()
    assert chart.locator(".heatmaplayer image, .heatmaplayer path").count() >= 1
    dot = chart.locator(".scatterlayer .points path").last
    dot.hover(force=True)
    expect(page.locator(".hoverlayer .hovertext").first).to_contain_text("kept in A:")
    shoot(page, "compare walls")


@pytest.mark.long  # the tour of test_hostile.py comes by here too
def test_hostile_texts_are_shown_as_text(open_page, runs, shoot):
    page = open_page("/compare?run=hostile&t=1&with=hostile-name")
    assert page.locator("[data-testid=stMain] :is(iframe, object, embed, form)").count() == 0
    inside = "article.card :is(a, script, iframe, style, link, meta, object, form, video, base, svg, input, b)"
    assert page.locator("article.card").count() >= 8
    assert page.locator(inside).count() == 0
    names = page.locator(".js-plotly-plot .scatterlayer text").all_text_contents()
    assert names
    assert page.locator(".js-plotly-plot .scatterlayer a").count() == 0
    shoot(page, "hostile compare")


def test_it_fits_and_can_be_read_by_all(open_page, screen, fits):
    page = open_page("/compare?run=zipf&t=50&with=photos", **screen)
    page.locator(".js-plotly-plot").wait_for()
    fits(page, "compare")
