"""Take the pictures of the documentation: python docs/screenshots.py

Opens the app on the sample data in a workspace of its own, in a headless Chromium, and writes docs/images/.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PORT = 8591
BASE = f"http://127.0.0.1:{PORT}"


def main() -> None:
    """Start the app, take every picture, stop it."""
    with tempfile.TemporaryDirectory() as workspace:
        environment = os.environ | {"HEADTAIL_RUNS": workspace}
        command = [sys.executable, "-m", "curation", "app", "--no-browser", "--port", str(PORT)]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        try:
            take()
        finally:
            server.terminate()
            server.wait()


def take() -> None:
    """The two pages, on the sample run, in light theme."""
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        open_patiently(page)
        page.get_by_role("slider", name="Threshold t").wait_for(timeout=120_000)
        save(page, "distribution")
        page.get_by_role("link", name="Samples").click()
        page.get_by_text("Why").nth(1).click()
        save(page, "samples")
        browser.close()


def open_patiently(page: Page) -> None:
    """The server takes a moment to listen."""
    for _ in range(60):
        try:
            page.goto(BASE)
        except Exception:
            page.wait_for_timeout(500)
        else:
            return
    raise SystemExit(f"no app at {BASE}")


def save(page: Page, name: str) -> None:
    """What the window shows, when it has come to rest."""
    page.wait_for_timeout(2500)
    page.screenshot(path=ROOT / "docs" / "images" / f"{name}.png")


if __name__ == "__main__":
    main()
