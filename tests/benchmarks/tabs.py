"""The app over one run, and a real Chromium that looks at it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from measure import ROOT

CHROMIUM = "/usr/bin/chromium-headless-shell"


def slider(page: Any) -> Any:
    """The cap line of the live chart: where it stands, the chart is drawn."""
    return page.get_by_role("slider", name="Threshold t")


@contextmanager
def app(run: Path, workspace: Path) -> Iterator[tuple[str, int]]:
    """The link to the app with a run open, and the id of its process."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [sys.executable, "-m", "curation", "app", str(run), "--no-browser", "--port", str(port)]
    environment = {**os.environ, "HEADTAIL_RUNS": str(workspace)}
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=null, text=True) as server:
        assert server.stdout is not None
        try:
            # printed once the server listens
            link = next((line.strip() for line in server.stdout if "token=" in line), None)
            assert link is not None, "the server ended before it answered"
            yield link, server.pid
        finally:
            server.terminate()


@contextmanager
def tab(link: str) -> Iterator[Any]:
    """A tab that the link lets in, still empty; addresses are those of the app."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, base_url=link)
        page.request.get(link, max_redirects=0)  # the cookie
        page.said = []  # what the tab told the server, a frame a rerun
        page.on("websocket", lambda socket: socket.on("framesent", partial(list.append, page.said)))
        yield page
        browser.close()
