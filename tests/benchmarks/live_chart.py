"""Dragging t in a real Chromium: frames while it moves, and how long the page takes to follow when it is let go."""

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from curate_pool import timed_run
from measure import Measured, peak_memory_mb, prove, script, timed, worker
from tabs import app, slider, tab
from world import world

from curation import live, queries
from curation.runs.folder import Run, open_run
from curation.ui.live_data import packed
from curation.ui.text import number, share

PAGES = {"distribution": "", "samples": "samples"}

WATCH = """() => {
    window.drawn_at = []
    window.costs = []
    const ask = window.requestAnimationFrame.bind(window)
    window.requestAnimationFrame = (draw) => ask((now) => {
        const start = performance.now()
        draw(now)
        costs.push(performance.now() - start)
    })
    const tick = (now) => { drawn_at.push(now); ask(tick) }
    ask(tick)
    addEventListener("pointerup", () => { window.released_at = performance.now() }, true)
}"""
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
FOLLOWED = """([t, words]) => new Promise((done) => {
    const [app, box, main] = ["stApp", "stNumberInputField", "stMain"].map((name) => `[data-testid=${name}]`)
        .map((one) => document.querySelector(one))
    const look = () => {
        const rests = app.dataset.testScriptState === "notRunning"
        if (rests && box.value === t && main.textContent.includes(words)) done(performance.now() - released_at)
        else setTimeout(look, 2)
    }
    look()
})"""


def live_chart(
    *,
    pairs: int = 1_000_000,
    entries: int = 500_000,
    workers: int = 2,
    moves: int = 300,
    releases: int = 40,
    run: Path | None = None,
) -> Measured:
    """Drag t on the chart of a run of so many pairs, or of the run in a folder.

    moves: of the pointer, in one long drag; releases: how often t is let go on each page. A page has followed when its
    script is through and what it says of t and of the pairs stands there.
    """
    with tempfile.TemporaryDirectory() as name:
        made_from = "a run that was there"
        if run is None:
            run = Path(name) / "run"
            made_from = world(entries).name
            with worker() as process:
                process.submit(timed_run, world(entries), run, pairs, 4, workers).result()
        found, follow, frames, proven = open_run(run), {}, {}, []
        with app(run, Path(name)) as (link, server), tab(link) as page:
            for what, path in PAGES.items():
                page.goto(f"/{path}")
                slider(page).wait_for()
                page.wait_for_timeout(1500)
                page.evaluate(WATCH)
                if what == "distribution":
                    proven = _equal_to_the_library(page, found)
                    frames = _drag(page, moves)
                follow[what] = _summary([_let_go(page, found, turn) for turn in range(-2, releases)][2:])
            memory = peak_memory_mb(server)
    return Measured(
        parameters={
            "pairs": found.info["totals"]["pairs"],
            "entries": found.entry_count.size,
            "world": made_from,
            "entries_matched": found.curves.ranked_entry_id.size,
            "thresholds": found.curves.grid.size,
        },
        proven=proven,
        figures={**frames, "release_ms": follow, **_once(found)},
        peak_memory_mb=memory,
    )


def _once(run: Run) -> dict[str, Any]:
    """What is done once, at the end of a run or at its first view."""
    sketch_s = min(timed(live.sketch, run.curves, run.ranks)[0] for _ in range(3))
    pack_s, _, (_, data) = timed(packed, run)
    return {"once_ms": {"sketch": 1000 * sketch_s, "pack": 1000 * pack_s}, "packed_kb": len(data) / 1000}


def _equal_to_the_library(page: Any, run: Run) -> list[str]:
    """The four numbers at some t of a drag are the library's; it asks the server for nothing, and then once."""
    x, y = _grip(page)
    page.said.clear()
    page.mouse.move(x, y)
    page.mouse.down()
    shown, sizes = [], []
    for step in range(1, 11):
        page.mouse.move(x, y - 4 * step)
        page.evaluate(NEXT_FRAME)
        shown.append(page.locator("dl.numbers .value").all_text_contents())
        sizes.append(queries.size(run, _t(page)))
    during = len(page.said)
    page.mouse.up()
    page.evaluate(FOLLOWED, [f"{_t(page):.15g}", ""])
    ours = [
        [number(size.kept), share(size.kept_tail_share), number(size.entries_covered), number(size.entries_at_cap)]
        for size in sizes
    ]
    return [
        prove(f"the four numbers at {len(sizes)} t of a drag, and the library's", ours, shown),
        prove("reruns during a drag and after it", [0, 1], [during, len(page.said)]),
    ]


def _drag(page: Any, moves: int) -> dict[str, Any]:
    """Frames a second while the pointer moves, and what an update costs."""
    x, y = _grip(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("() => { drawn_at.length = 0; costs.length = 0 }")
    for step in range(moves):
        page.mouse.move(x, y + 70 * math.sin(step / 9))
    drawn_at, costs = page.evaluate("() => [drawn_at, costs]")
    page.mouse.move(x, y)
    page.mouse.up()
    page.wait_for_timeout(1500)
    return {
        "frames_per_s": 1000 * (len(drawn_at) - 1) / (drawn_at[-1] - drawn_at[0]),
        "frame_ms": _summary(np.diff(drawn_at).tolist()),
        "update_ms": _summary(costs),
    }


def _let_go(page: Any, run: Run, turn: int) -> float:
    """Milliseconds from letting go of t, each time at another one, until the page has followed."""
    x, y = _grip(page)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x, y + (6 + turn % 5) * step * (1 if turn % 2 else -1))
    page.evaluate(NEXT_FRAME)
    page.mouse.up()
    t = _t(page)
    words = f"at t = {number(t)}"
    taken = float(page.evaluate(FOLLOWED, [f"{t:.15g}", words]))
    page.wait_for_timeout(100)
    return taken


def _t(page: Any) -> float:
    return float(slider(page).get_attribute("aria-valuenow"))


def _grip(page: Any) -> tuple[float, float]:
    box = slider(page).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _summary(milliseconds: list[float]) -> dict[str, float]:
    return {"p50": float(np.percentile(milliseconds, 50)), "p95": float(np.percentile(milliseconds, 95))}


if __name__ == "__main__":
    script(live_chart)
