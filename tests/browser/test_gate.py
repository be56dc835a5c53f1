"""The gate as a browser meets it."""

from functools import partial

import pytest
from playwright.sync_api import expect

from browser.conftest import settle


@pytest.fixture
def context(chromium):
    context = chromium.new_context()
    yield context
    context.close()


def heading(page, name):
    return page.get_by_role("heading", name=name)


def test_without_the_link_there_is_a_page_that_says_what_to_do(context, server):
    page = context.new_page()
    answer = page.goto(f"{server.partition('?')[0]}samples?run=photos")
    assert answer.status == 403
    expect(heading(page, "Not let in")).to_be_visible()
    expect(page.get_by_text("Open the link that headtail app printed")).to_be_visible()


def test_the_link_leads_to_the_page_that_it_names(context, server):
    address, _, token = server.partition("?")
    page = context.new_page()
    page.goto(f"{address}samples?run=photos&{token}")
    expect(heading(page, "Samples")).to_be_visible(timeout=20_000)
    assert page.url.startswith(f"{address}samples?run=photos")
    assert "token" not in page.url
    settle(page)


def test_a_page_on_disk_leads_there_too(context, server, tmp_path):
    # what opens the browser; the browser counts it as another site, to which the cookie does not belong
    (tmp_path / "open.html").write_text(f'<meta http-equiv="refresh" content="0; url={server}">')
    page = context.new_page()
    page.goto((tmp_path / "open.html").as_uri())
    expect(heading(page, "Distribution")).to_be_visible(timeout=20_000)


def test_who_is_in_and_comes_from_another_site_goes_on(context, server, tmp_path):
    context.request.get(server, max_redirects=0)
    address = f"{server.partition('?')[0]}samples?run=photos"
    (tmp_path / "link.html").write_text(f'<a href="{address}">there</a>')
    page = context.new_page()
    page.goto((tmp_path / "link.html").as_uri())
    page.get_by_role("link", name="there").click()
    expect(heading(page, "Not let in")).to_be_visible()
    page.get_by_role("link", name="go on").click()
    expect(heading(page, "Samples")).to_be_visible(timeout=20_000)


def test_no_page_elsewhere_shows_the_app_in_a_frame(context, server, tmp_path):
    context.request.get(server, max_redirects=0)
    (tmp_path / "frame.html").write_text(f'<iframe src="{server}"></iframe>')
    page = context.new_page()
    page.goto((tmp_path / "frame.html").as_uri())
    page.wait_for_timeout(1000)
    assert all(frame.get_by_role("heading").count() == 0 for frame in page.frames)
    assert page.frames[1].url.startswith("chrome-error:")


def test_the_token_is_on_no_page_and_in_no_referer(context, server):
    token = server.partition("?token=")[2]
    heard, referers = [], []
    page = context.new_page()
    page.on("websocket", lambda socket: socket.on("framereceived", partial(list.append, heard)))
    page.on("request", lambda request: referers.append(request.headers.get("referer")))
    page.goto(server)
    heading(page, "Distribution").wait_for(timeout=20_000)
    for name in ("Samples", "Curate", "Classify"):
        page.get_by_role("link", name=name).click()
        heading(page, name).wait_for(timeout=20_000)
        settle(page)
        assert token not in page.content() + page.url
        assert token not in page.evaluate(
            "document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"
        )
    assert heard
    assert not any(token in frame if isinstance(frame, str) else token.encode() in frame for frame in heard)
    assert {referer or "" for referer in referers} == {""}
