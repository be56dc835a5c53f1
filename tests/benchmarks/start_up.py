"""Starting: the command, the library, the matcher and the app, each in a fresh process, beside what they stand on."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from curate_pool import timed_run
from measure import ROOT, Measured, Times, memory_mb, prove, script
from tabs import CHROMIUM, app, slider, tab
from world import world

import reference

ENTRIES, TEXTS = ["dog", "hot dog", "cat"], ["a hot dog", "dog, cat", "catdog"]
FIRST_MATCH = f"""
import pyarrow as pa
from curation.matching import Matcher
print(Matcher(pa.array({ENTRIES})).match(pa.array({TEXTS})).to_pylist())
"""
EMPTY_APP = "import streamlit as st\n\nst.text('nothing')\n"
FIRST_RUN = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=60).run()
print([str(problem) for problem in app.exception], len(app.main) > 0)
sys.path.append("tests/benchmarks")
from measure import peak_memory_mb
print(peak_memory_mb())
"""


def start_up(*, repeats: int = 5) -> Measured:
    """Seconds from the start of a process to its end, of a server until it answers; all in turns.

    The first run of an app is that of its script for a first visitor, without a browser: what the server sends, not
    what the browser then draws. Compiled code is in numba's cache: `make app` and the first run of all put it there.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        timed_run(world(300), folder / "run", 600, 1, 1)
        (folder / "empty.py").write_text(EMPTY_APP, encoding="utf-8")
        ours, empty = ROOT / "app.py", folder / "empty.py"
        environment = {**os.environ, "HEADTAIL_RUN": str(folder / "run"), "HEADTAIL_RUNS": name}
        start, answer = partial(_output, environment), partial(_until_it_answers, environment)
        contestants: dict[str, Callable[[], str]] = {
            "python": partial(start, "-c", "pass"),
            "import_curation": partial(start, "-c", "import curation"),
            "headtail_help": partial(start, "-m", "curation", "--help"),
            "import_numba": partial(start, "-c", "import numba"),
            "first_match": partial(start, "-c", FIRST_MATCH),
            "server_answers": partial(answer, ours),
            "empty_server_answers": partial(answer, empty),
            "first_run_of_app": partial(start, "-c", FIRST_RUN, str(ours)),
            "first_run_of_empty_app": partial(start, "-c", FIRST_RUN, str(empty)),
        }
        times, outputs = {what: Times([], []) for what in contestants}, dict.fromkeys(contestants, "")
        for _ in range(repeats):
            for what, job in contestants.items():
                wall, cpu = time.perf_counter(), _cpu_of_children()
                outputs[what] = job()
                times[what].wall.append(time.perf_counter() - wall)
                times[what].cpu.append(_cpu_of_children() - cpu)
            proven = _as_expected(outputs)  # every process is a fresh one: each answer is looked at, not the first
        charts = [_first_chart(folder / "run", folder) for _ in range(repeats)] if Path(CHROMIUM).exists() else []
    return Measured(
        parameters={"run": "600 pairs, 300 entries", "numba_cache": "warm"},
        proven=proven,
        figures={
            **_charts(charts),
            "ratio_first_run_to_empty_app": _ratio(times["first_run_of_app"], times["first_run_of_empty_app"]),
            "ratio_first_match_to_import_numba": _ratio(times["first_match"], times["import_numba"]),
            "seconds": {what: taken.summary for what, taken in times.items()},
        },
        peak_memory_mb=float(outputs["first_run_of_app"].splitlines()[1]),
    )


def _as_expected(outputs: dict[str, str]) -> list[str]:
    matched = [reference.matched_entry_ids(text, ENTRIES) for text in TEXTS]
    named = all(command in outputs["headtail_help"] for command in ("curate", "export"))
    return [
        prove("the first match and tests/reference.py", str(matched), outputs["first_match"].strip()),
        prove("headtail --help names its commands", True, named),
        prove("the app shows a page, without an error", "[] True", outputs["first_run_of_app"].splitlines()[0]),
    ]


def _charts(found: list[tuple[float, float]]) -> dict[str, dict[str, float]]:
    """The median and the worst of what `_first_chart` found; nothing where there was no Chromium."""
    return {
        name: {"median": statistics.median(values), "worst": max(values)}
        for name, values in zip(("first_chart_s", "idle_session_mb"), zip(*found, strict=True), strict=False)
    }


def _first_chart(run: Path, workspace: Path) -> tuple[float, float]:
    """Seconds from a server that just came up to the first chart of its first visitor, and its memory while he looks.

    Memory is what is resident after five seconds in which nothing happens.
    """
    with app(run, workspace) as (link, server), tab(link) as page:
        start = time.perf_counter()
        page.goto("/")
        slider(page).wait_for()
        seconds = time.perf_counter() - start
        page.wait_for_timeout(5000)
        return seconds, memory_mb(server)


def _output(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return finished.stdout


def _until_it_answers(environment: dict[str, str], app: Path) -> str:
    """Start a server, ask until it says that it is healthy, and end it."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    options = [f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1"]
    command = [sys.executable, "-m", "streamlit", "run", str(app), *options]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **quiet) as server:
        try:
            while server.poll() is None:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                        return str(answer.read())
                except OSError:
                    time.sleep(0.01)
        finally:
            server.kill()
    raise AssertionError(f"{app.name}: the server ended before it answered")


def _cpu_of_children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def _ratio(ours: Times, floor: Times) -> float:
    """How many times as long, by the median wall time: starting is also waiting for files."""
    return statistics.median(ours.wall) / statistics.median(floor.wall)


if __name__ == "__main__":
    script(start_up)
