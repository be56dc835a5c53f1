"""The second wall: what the policy of the gate still stops where a page is wrong."""

import pytest
from playwright.sync_api import expect

from browser.conftest import ROOT, a_free_port, served, settle
from browser.hostile import STRANGERS


@pytest.fixture
def look(chromium, canary, tmp_path):
    """Look at the wrong page of a server; returns what it made the browser ask the canary for, and its strangers."""

    def look(*command, port):
        environment = {"CANARY": canary[0], "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        with served(port, [*command], tmp_path / "log.txt", **environment) as link:
            server = link.partition("/?")[0]
            context = chromium.new_context(viewport={"width": 1440, "height": 4000})
            page = context.new_page()
            page.goto(link)
            expect(page.get_by_role("heading", name="The end")).to_be_visible(timeout=60_000)
            page.get_by_test_id("stDataFrame").scroll_into_view_if_needed()
            settle(page)
            page.wait_for_timeout(1000)
            assert page.url == f"{server}/"
            assert page.evaluate("window.pwned") is None
            strangers = page.evaluate(STRANGERS)
            context.close()
        asked = [*canary[1]]
        canary[1].clear()
        return asked, strangers

    return look


def test_a_page_that_is_wrong_reaches_nobody(look):
    port = a_free_port()
    asked, _ = look("browser.wrong_app", str(port), port=port)
    assert asked == []


def test_without_the_policy_it_would(look):
    port = a_free_port()
    asked, strangers = look("streamlit", "run", "tests/browser/wrong_page.py", f"--server.port={port}", port=port)
    assert "/i.png" in asked
    assert len(strangers) > 20  # the tour of our own pages would have found them
