"""The app over one run, and a real Chromium that looks at it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from measure import ROOT

CHROMIUM = "/usr/bin/chromium"


def slider(page: Any) -> Any:
    """The cap line of the live chart: where it stands, the chart is drawn."""
    return page.get_by_role("slider", name="Threshold t")


@contextmanager
def app(run: Path, workspace: Path) -> Iterator[tuple[str, int]]:
    """The address of the app with a run open, and the id of its process."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [sys.executable, "-m", "curation", "app", str(run), "--no-browser", "--port", str(port)]
    environment = {**os.environ, "HEADTAIL_RUNS": str(workspace)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **quiet) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
            yield f"http://127.0.0.1:{port}", server.pid
        finally:
            server.terminate()


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server ended before it answered")


@contextmanager
def tab() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.said = []  # what the tab told the server, a frame a rerun
        page.on("websocket", lambda socket: socket.on("framesent", partial(list.append, page.said)))
        yield page
        browser.close()
