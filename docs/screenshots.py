"""Take the pictures of the documentation: python docs/screenshots.py [LADDER]

Opens the app on the sample data in a workspace of its own, in a headless Chromium, and writes docs/images/.
LADDER is the folder of a ladder that was climbed to its end; without one the picture of the page Train stays as it is.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PORT = 8591
RUN = "run=sample-world"
LADDER = Path(sys.argv[1]) if len(sys.argv) > 1 else None


def main() -> None:
    """Every picture of the tour, in light theme, and one in dark."""
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    with served() as link, sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light", base_url=link)
        page.goto(link)
        page.get_by_role("slider", name="Threshold t").wait_for(timeout=120_000)
        save(page, "distribution")
        lower_the_cap(page)
        save(page, "dragged")
        visit(page, f"/samples?{RUN}&t=20&which=Kept")
        page.get_by_text("Why", exact=True).first.click()
        save(page, "samples")
        visit(page, f"/entries?{RUN}&t=20&entry=dog", scroll="The entry, exactly")
        save(page, "entries")
        visit(page, f"/compare?{RUN}&t=20", scroll="B: the run")
        save(page, "compare")
        visit(page, f"/labels?{RUN}&t=20&labels=Sample", scroll="Class names")
        save(page, "labels")
        visit(page, f"/curate?{RUN}")
        save(page, "curate")
        visit(page, f"/classify?{RUN}")
        page.wait_for_timeout(20_000)  # the models are imported
        save(page, "classify")
        if LADDER is not None:
            visit(page, f"/train?{RUN}")
            save(page, "train")
        dark = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="dark", base_url=link)
        dark.goto(link)
        visit(dark, f"/?{RUN}&t=20")
        save(dark, "dark")
        browser.close()


@contextmanager
def served() -> Iterator[str]:
    """The link to the app over an empty workspace, so that it makes the run over the sample data."""
    with tempfile.TemporaryDirectory() as workspace:
        command = [sys.executable, "-m", "curation", "app", "--no-browser", "--port", str(PORT)]
        if LADDER is not None:
            shutil.copytree(LADDER, Path(workspace) / "ladders" / "shown")
        environment = os.environ | {"HEADTAIL_RUNS": workspace}
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        try:
            yield next(line.strip() for line in server.stdout if "token=" in line)
        finally:
            server.terminate()
            server.wait()


def visit(page: Page, path: str, scroll: str = "") -> None:
    """Open a page of the app; scroll: to the text that stands at the top of the picture then."""
    page.goto(path)
    page.get_by_role("heading", level=2).wait_for()
    page.wait_for_timeout(3000)
    if scroll:
        page.get_by_text(scroll, exact=True).first.evaluate("one => one.scrollIntoView({block: 'start'})")


def lower_the_cap(page: Page) -> None:
    """Drag t to a third, and hold it there."""
    handle = page.get_by_role("slider", name="Threshold t").bounding_box()
    assert handle is not None
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=12)


def save(page: Page, name: str) -> None:
    """What the window shows, when it has come to rest."""
    page.wait_for_timeout(2500)
    page.screenshot(path=ROOT / "docs" / "images" / f"{name}.png")


if __name__ == "__main__":
    main()
