import re
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import expect

from browser.conftest import settle
from browser.hostile import hostile_texts
from curation import queries
from curation.class_lists import parse_names

BOX = "One name a line, with a count if there is one"


def value_of(page, name):
    return page.locator("[data-testid=stMetric]").filter(has_text=name).locator("[data-testid=stMetricValue]")


def fill(page, text):
    page.get_by_label(BOX).fill(text)
    page.get_by_label(BOX).press("Control+Enter")
    settle(page)


def asked(page):
    return {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}


def test_a_list_travels_in_the_address_as_long_as_it_is_short(open_page, runs):
    page = open_page("/labels?run=zipf&t=50")
    page.get_by_role("radio", name="Own").click()
    page.get_by_label(BOX).wait_for()
    fill(page, "w0\nw7, 3\nno such")
    fit = queries.labels(runs["zipf"], parse_names("w0\nw7, 3\nno such"), 50.0)
    expect(value_of(page, "KL(T || P), nats")).to_have_text(f"{fit.after.kl:.3f}")
    assert asked(page) == {"run": "zipf", "t": "50", "labels": "Own", "names": "w0\nw7, 3\nno such"}

    page.reload()
    expect(page.get_by_label(BOX)).to_have_value("w0\nw7, 3\nno such")
    expect(value_of(page, "KL(T || P), nats")).to_have_text(f"{fit.after.kl:.3f}")
    settle(page)

    long = "\n".join(f"w{k}" for k in range(400))
    fill(page, long)
    expect(value_of(page, "Names found")).to_have_text("300")
    assert asked(page) == {"run": "zipf", "t": "50", "labels": "Own"}
    page.get_by_role("link", name="Distribution").click()
    page.get_by_role("heading", name="Distribution").wait_for()
    page.get_by_role("link", name="Labels").click()
    expect(page.get_by_label(BOX)).to_have_value(long)


def test_a_file_fills_the_box_and_a_name_leads_to_its_pairs(open_page):
    page = open_page("/labels?run=photos&labels=Own")
    page.locator("input[type=file]").set_input_files(
        {"name": "../../names.csv", "mimeType": "text/csv", "buffer": b"name,count\nDog,3\nred dog,1\nDOGS,1\n"}
    )
    expect(page.get_by_label(BOX)).to_have_value("Dog, 3\nred dog, 1\nDOGS, 1")
    expect(value_of(page, "Names found")).to_have_text("2")
    settle(page)

    choose = page.get_by_role("combobox", name="Look at one name")
    choose.scroll_into_view_if_needed()  # scrolling closes the list
    page.wait_for_timeout(300)
    choose.click()
    page.get_by_role("option", name="Dog", exact=True).click()
    page.get_by_role("link", name="Its pairs").click()
    page.get_by_role("heading", name="Samples").wait_for()
    expect(page).to_have_url(re.compile("entry=dog"))


def test_hostile_names_and_entries_are_shown_as_text(open_page, runs, canary, shoot):
    names = "\n".join(text for text in hostile_texts(canary[0])[:24] if "\n" not in text)
    page = open_page(f"/labels?run=hostile&labels=Own&names={quote(names[:1400])}")
    fit = queries.labels(runs["hostile"], parse_names(names[:1400]), 1.0)
    assert fit.found > 10
    expect(value_of(page, "Names found")).to_have_text(f"{fit.found}")
    chart = page.locator(".js-plotly-plot")
    chart.locator(".scatterlayer .points path").first.hover(force=True)
    expect(page.locator(".hoverlayer .hovertext").first).to_contain_text("texts in the pool")
    assert page.locator(".hoverlayer :is(a, image)").count() == 0
    choose = page.get_by_role("combobox", name="Look at one name")
    choose.scroll_into_view_if_needed()  # scrolling closes the list
    page.wait_for_timeout(300)
    choose.click()
    page.get_by_role("option").nth(5).wait_for()
    assert page.locator("[data-testid=stMain] :is(iframe, object, embed, form)").count() == 0
    shoot(page, "hostile labels")


def test_it_fits_and_can_be_read_by_all(open_page, screen, fits):
    names = "dog\ncat, 4\nred_dog\nhound\nDogs"
    page = open_page(f"/labels?run=photos&labels=Own&names={quote(names)}", **screen)
    page.locator(".js-plotly-plot").wait_for()
    fits(page, "labels")
