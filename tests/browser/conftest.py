"""A real server over a workspace of its own, and a real Chromium that looks at it."""

import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from playwright.sync_api import expect

from browser.hostile import hostile_texts
from curation.metadata import from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.folder import Run
from curation.runs.plan import create_run
from inline import INLINE

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium-headless-shell"
MISSING = f"no Chromium at {CHROMIUM} (Debian: apt-get install chromium-headless-shell)"
ARTEFACTS = ROOT / "test-artefacts"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists():
                item.add_marker(pytest.mark.skip(reason=MISSING))


@pytest.fixture(scope="session")
def canary() -> Iterator[tuple[str, list[str]]]:
    """The address of a server that nobody may ask, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_HEAD = do_OPTIONS = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def photo(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, canary: tuple[str, list[str]]) -> dict[str, Run]:
    """Runs in one workspace, by the name of their folder."""
    workspace = tmp_path_factory.mktemp("workspace")
    pools = tmp_path_factory.mktemp("pools")

    def make(name: str, columns: dict[str, Any], entries: list[str], t: float, title: str = "") -> Run:
        pq.write_table(pa.table(columns), pools / f"{name}.parquet")
        metadata = from_entries(entries, source="test")
        create_run(workspace / name, [str(pools / f"{name}.parquet")], metadata, CurateConfig(t=t), name=title or name)
        return curate.run(workspace / name, INLINE)

    words = [f"w{k}" for k in range(300)]
    zipf = [" ".join(w for k, w in enumerate(words) if position % (k + 1) == 0) for position in range(1, 3001)]
    photos = ["a red dog", "a blue cat", "a green dog", "IMG_0001.jpg"] * 20
    colours = ["red", "blue", "green", "gray"] * 20
    images: list[bytes | None] = [photo(colour) for colour in colours]
    images[3] = b"no image"
    hostile = hostile_texts(canary[0])
    return {
        "zipf": make("zipf", {"text": zipf}, words, 50.0),
        "photos": make(
            "photos",
            {"uid": [str(row) for row in range(80)], "text": photos, "image": pa.array(images, pa.binary())},
            ["dog", "cat", "a", "red dog"],
            10.0,
        ),
        # every text is an entry too, as far as it can match itself, and stands in the pool more and more often
        "hostile": make(
            "hostile",
            {
                "uid": [f"{row} {text}" for row, text in enumerate(hostile)],
                "url": hostile,
                "text": hostile,
            },
            [*hostile, *(word for text in hostile for word in text.split(" ")), "\u202eevil", "click", "x"],
            1.0,
            hostile[0],
        ),
        "hostile-name": make("hostile-name", {"text": ["a dog"]}, ["dog"], 1.0, hostile[6] + hostile[23] + hostile[24]),
        "nothing": make("nothing", {"text": ["a cat"]}, ["dog"], 1.0),
        "long": make(
            "long",
            {"text": [f"{k} " + "*a*a[x](y)<b>dog " * 58_800 for k in range(20)]},
            ["dog", "*a*a[x](y)<b>dog"],
            5.0,
        ),
    }


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens at."""
    return a_free_port()


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def server(runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The link to the app; its log must stay free of warnings and tracebacks."""
    port, log = a_free_port(), tmp_path_factory.mktemp("server") / "log.txt"
    command = ["curation", "app", "--no-browser", "--port", str(port)]
    with served(port, command, log, HEADTAIL_RUNS=str(runs["zipf"].path.parent)) as link:
        yield link


@contextmanager
def served(port: int, command: list[str], log: Path, before: Sequence[str] = (), **environment: str) -> Iterator[str]:
    """The link to a server that a module of Python starts: with a token, where it asks for one.

    before: a command that runs it, as strace does
    """
    command = [*before, sys.executable, "-m", *command]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env={**os.environ, **environment})
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/_stcore/health", process)
        yield next(iter(re.findall(rf"{address}/\?token=\S+", log.read_text())), address)
    finally:
        process.terminate()
        process.wait(20)
    text = log.read_text()
    assert "Traceback" not in text, text
    assert "arning" not in text, text


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except urllib.error.HTTPError:  # who has no token is answered as well
            return
        except OSError:
            assert process.poll() is None, "the server did not start"
            time.sleep(0.1)
    raise TimeoutError(address)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any, server: str, canary: tuple[str, list[str]]) -> Iterator[Callable[..., Any]]:
    """Open a page of the app in a tab; in the end no request has left the server, and no script has failed."""
    with tabs(chromium, server) as open_it:
        yield open_it
    assert canary[1] == []


@contextmanager
def tabs(chromium: Any, link: str) -> Iterator[Callable[..., Any]]:
    """What opens a tab on a server; in the end no request has left it, and no script has failed."""
    server = link.partition("/?")[0]
    outside: list[str] = []
    errors: list[str] = []
    opened: list[Any] = []

    def watch(request: Any) -> None:
        if not request.url.startswith((server, server.replace("http", "ws"), "data:", "blob:")):
            outside.append(request.url)

    def open_it(
        path: str = "", *, width: int = 1440, height: int = 900, dark: bool = False, touch: bool = False
    ) -> Any:
        # one context for nearly all: a new one takes a second to parse the scripts of Streamlit again
        context = chromium.new_context(has_touch=True) if touch else shared_context(chromium)
        context.request.get(link, max_redirects=0)  # the cookie
        page = context.new_page()
        opened.append(context if touch else page)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_default_timeout(20_000)
        page.on("request", watch)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        page.said = []  # what the tab told the server, a frame a rerun
        page.on("websocket", lambda socket: socket.on("framesent", partial(list.append, page.said)))
        page.goto(server + path)
        page.get_by_role("heading", level=2).wait_for()
        settle(page)
        return page

    yield open_it
    for one in opened:
        one.close()
    assert outside == []
    assert errors == []


@cache
def shared_context(chromium: Any) -> Any:
    """The context of the browser in which all tabs are opened that need none of their own."""
    return chromium.new_context()


SETTLED = """async quiet => {
    let changed = performance.now()
    const started = changed
    const watch = new MutationObserver(() => { changed = performance.now() })
    watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
    const busy = '[data-testid="stStatusWidget"], [data-testid="stSkeleton"], [data-test-script-state="running"]'
    while (document.querySelector(busy) || performance.now() - changed < quiet) {
        if (performance.now() - started > 20_000) throw new Error("the page does not come to rest")
        await new Promise(done => setTimeout(done, 20))
    }
    watch.disconnect()
    await new Promise(done => requestIdleCallback(done, { timeout: 1000 }))
}"""
"""That nothing runs, nothing is still to be drawn, and nothing has changed for so many milliseconds."""

QUIET_MS = 200


def settle(page: Any) -> None:
    """Wait until the script of the page has run and what it sent is drawn."""
    page.evaluate(SETTLED, QUIET_MS)


def rest(page: Any) -> None:
    """Wait until nothing runs and nothing is still to be drawn."""
    # expect, not wait_for_function: the policy of the app keeps a page from evaluating strings
    for name in ("stStatusWidget", "stSkeleton"):
        expect(page.get_by_test_id(name)).to_have_count(0, timeout=20_000)


@pytest.fixture(scope="session")
def axe() -> Callable[[Any], None]:
    """axe-core finds nothing serious on a page."""
    from axe_playwright_python.sync_playwright import Axe

    def check(page: Any) -> None:
        found = Axe().run(page).response["violations"]
        serious = {
            f"{one['id']}: {one['help']}": [node["html"][:200] for node in one["nodes"]]
            for one in found
            if one["impact"] in ("serious", "critical")
        }
        assert serious == {}

    return check


@pytest.fixture(
    params=[
        pytest.param((1440, False), id="light desk"),
        pytest.param((390, True), id="dark phone"),
        pytest.param((1440, True), id="dark desk", marks=pytest.mark.long),
        pytest.param((390, False), id="light phone", marks=pytest.mark.long),
    ]
)
def screen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How a page is opened on a screen: desks and phones, light and dark, of which `make test` takes each once."""
    width, dark = request.param
    return {"width": width, "dark": dark}


@pytest.fixture
def fits(screen: dict[str, Any], axe: Callable[[Any], None], shoot: Callable[[Any, str], None]) -> Callable[..., None]:
    """A page fits its screen, has the colours of its scheme, and can be read by all; keeps a screenshot."""

    def check(page: Any, name: str) -> None:
        main = page.get_by_test_id("stMain")
        assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0
        background = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
        assert background == ("rgb(17, 22, 28)" if screen["dark"] else "rgb(255, 255, 255)")
        shoot(page, f"{name} {screen['width']} {'dark' if screen['dark'] else 'light'}")
        axe(page)

    return check


@pytest.fixture(scope="session")
def shoot() -> Callable[[Any, str], None]:
    """Keep a screenshot for people to look at."""
    ARTEFACTS.mkdir(exist_ok=True)

    def take(page: Any, name: str) -> None:
        page.screenshot(path=ARTEFACTS / f"{name}.png")

    return take
