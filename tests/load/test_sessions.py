"""What one session was given is nowhere in another one, and uploads that nobody looks at are gone after a while."""

import asyncio
from urllib.parse import quote

import pytest

import asynchronous
from curation.ui.class_names import OWN
from load.app import the_app
from load.tab import a_tab, chosen_file

SHOWN, SEARCHED = ("xqentry", "xqfolder", "xqfile"), ("xqcaption", "xqfind")
OWN_NAMES = f"labels={quote(OWN)}"


@pytest.fixture(scope="module")
def app(zipf_run, tmp_path_factory):
    with the_app(zipf_run.path, tmp_path_factory.mktemp("app")) as running:
        yield running


async def tell_secrets(app, tab):
    """Search, write into boxes, upload a list of names and let the page show it."""
    await tab.go("samples")
    await tab.write("In the caption", "xqcaption")
    await tab.write("With the entry", "xqentry")
    await tab.write("Path of a run folder", "xqfolder")
    await tab.go("entries")
    await tab.write("Find entries", "xqfind")
    await tab.go("labels", OWN_NAMES)
    await upload(app, tab, "xqfile.txt", b"xqfile\nw1\n")


async def upload(app, tab, name, data):
    """Choose a file in the first place of the page that takes some."""
    widget = tab.all("file_uploader")[0]
    urls = await tab.upload_urls(name)
    assert await asyncio.to_thread(app.upload, urls.upload_url, name, data) == 204
    await tab.set(chosen_file(widget.id, urls, name, len(data)))


async def look_at_every_page(tab):
    for page in tab.pages:
        await tab.go(page)


def test_nothing_of_one_session_reaches_another(app):
    async def visit():
        async with a_tab(app.address, app.cookie, keep=True) as one, a_tab(app.address, app.cookie, keep=True) as other:
            await one.go()
            await other.go()
            await tell_secrets(app, one)
            await look_at_every_page(other)
            await other.go("samples")
            await other.write("In the caption", "w30")
        return bytes(one.received), bytes(other.received)

    one, other = asynchronous.run(visit())
    # those that the first session's own page shows: what is looked for can be found
    assert [secret for secret in SHOWN if secret.encode() not in one] == []
    assert [secret for secret in (*SHOWN, *SEARCHED) if secret.encode() in other] == []


def test_a_session_cannot_take_the_upload_of_another_and_its_page_goes_on(app):
    async def visit():
        async with a_tab(app.address, app.cookie) as one, a_tab(app.address, app.cookie, keep=True) as other:
            for tab in (one, other):
                await tab.go("labels", OWN_NAMES)
            urls = await one.upload_urls("names.txt")
            assert await asyncio.to_thread(app.upload, urls.upload_url, "names.txt", b"xqtaken\nw1\n") == 204
            for tab in (other, one):
                await tab.set(chosen_file(tab.all("file_uploader")[0].id, urls, "names.txt", 11))
            return bytes(other.received), [tab.all("text_area")[0].value for tab in (one, other)]

    received, names = asynchronous.run(visit())
    assert b"xqtaken" not in received
    assert names == ["xqtaken\nw1", ""]


def test_uploads_that_nobody_looks_at_leave_the_memory_once_their_session_is_over(zipf_run, tmp_path):
    async def visit(app):
        async with a_tab(app.address, app.cookie) as tab:
            await tab.go("labels", OWN_NAMES)
            before = app.memory_mb()
            for number in range(40):
                urls = await tab.upload_urls(f"{number}.txt")
                assert await asyncio.to_thread(app.upload, urls.upload_url, f"{number}.txt", bytes(4_900_000)) == 204
            full = app.memory_mb()
        for _ in range(20):
            await asyncio.sleep(1)
            if app.memory_mb() < before + 50:
                break
        return full - before, app.memory_mb() - before

    with the_app(zipf_run.path, tmp_path, ("load.forgetful_app",)) as app:
        full, left = asynchronous.run(visit(app))
    assert full > 150
    assert left < 50
