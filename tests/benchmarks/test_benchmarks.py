"""Every benchmark at a toy size, so that none rots. How fast it is does not count here."""

import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import measure
import pytest
import report
from classify import classify
from curate_pool import curate_pool, timed_run
from live_chart import live_chart
from query_run import query_run
from read_pool import read_pool
from start_up import start_up
from tabs import CHROMIUM
from world import word, world, zipf_entries

from clip.models import write_small_checkpoint
from matching import matching

FIELDS = {
    "benchmark", "command", "parameters", "proven", "figures", "peak_memory_mb", "seconds", "cores", "cpu", "load",
    "commit", "versions", "date",
}  # fmt: skip


SLOW = ("curate_pool", "query_run", "start_up", "live_chart", "classify", "training")
"""They start the app, a browser or many runs, or train: two minutes together."""

NAMES = [pytest.param(name, marks=pytest.mark.long) if name in SLOW else name for name in report.TABLES]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """A line of a benchmark, as it would be recorded; made when it is first asked for."""
    folder = tmp_path_factory.mktemp("benchmarks")
    make = {
        "matching": lambda: measure.line(matching, pairs=300, entries=300, repeats=1),
        "curate_pool": lambda: measure.line(curate_pool, pairs=600, files=2, entries=300, peer_pairs=200, repeats=1),
        "query_run": lambda: measure.line(query_run, run=toy_run(folder), cold=1, warm=1),
        "read_pool": lambda: measure.line(read_pool, pairs=200, entries=300, images=60, repeats=1),
        "start_up": lambda: measure.line(start_up, repeats=1),
        "classify": lambda: measure.line(
            classify, checkpoint=write_small_checkpoint(folder / "small"), pictures=3, labels=2, repeats=1
        ),
        "training": toy_training,
        "live_chart": lambda: toy_live_chart(folder),
    }
    return cache(lambda name: json.loads(json.dumps(make[name]())))


def toy_run(folder: Path) -> Path:
    if not (folder / "run").exists():
        timed_run(world(300), folder / "run", 600, 2, 2)
    return folder / "run"


def toy_training() -> dict[str, Any]:
    if find_spec("webdataset") is None:
        pytest.skip("no webdataset, with which open_clip reads its data (pip install webdataset)")
    from training import training

    return measure.line(training, batches=3, batch=8, repeats=1, tiny=0)


def toy_live_chart(folder: Path) -> dict[str, Any]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM} (Debian: apt-get install chromium-headless-shell)")
    return measure.line(live_chart, run=toy_run(folder), moves=20, releases=2)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    return [value]


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_proves_its_answers_and_leaves_a_whole_line(toy, name):
    line = toy(name)
    assert set(line) == FIELDS
    assert line["proven"] and all(line["proven"])
    assert line["command"].startswith(f"python tests/benchmarks/{name}.py --")
    assert line["peak_memory_mb"] > 10
    figures = {key: value for key, value in line["figures"].items() if key != "seconds"}
    assert all(number >= 0 for number in numbers(line["figures"]))
    assert all(
        number > 0 for key, value in figures.items() if "ratio" in key or "per_s" in key for number in numbers(value)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_line_names_no_place_of_the_machine(toy, name):
    line = toy(name)
    assert str(Path.home()) not in json.dumps(line)
    assert str(measure.ROOT) not in json.dumps(line)
    assert name != "query_run" or line["parameters"]["run"] == "run"


@pytest.mark.parametrize("name", NAMES)
def test_the_report_shows_a_line(toy, name):
    page = report.render([toy(name)])
    assert "{{" not in page and page.count(report.NOTHING) == len(report.TABLES) - 1
    assert f"`{toy(name)['command']}`" in page


def test_the_report_names_its_figures_and_what_is_too_small_to_judge(toy):
    assert "| captions a second, one thread |" in report.render([toy("matching")])
    few = recorded("query_run")
    few["parameters"]["pairs"] = 600
    assert "too few pairs to judge: the target is for 50,000,000" in report.render([few])


def test_the_report_says_plainly_what_was_not_reached():
    slow = {**recorded("curate_pool"), "peak_memory_mb": 1600.0}
    assert "| peak memory, MB | 1,600 | below 1,500 | **not reached** |" in report.render([slow])
    small = {**slow, "peak_memory_mb": 1400.0}
    assert "| peak memory, MB | 1,400 | below 1,500 | yes |" in report.render([slow, small])


def recorded(name: str) -> dict[str, Any]:
    """The last line of a benchmark in the record."""
    return next(line for line in reversed(report.recorded()) if line["benchmark"] == name)


def test_the_page_in_the_documentation_is_the_report_of_the_record():
    assert report.PAGE.read_text(encoding="utf-8") == report.render(report.recorded())


def test_unequal_answers_stop_a_benchmark():
    assert measure.prove("one and one", 1, 1) == "one and one"
    with pytest.raises(AssertionError, match="one and two"):
        measure.prove("one and two", 1, 1, 2)


def test_contestants_take_turns():
    order: list[str] = []
    times = measure.race(2, a=lambda: order.append("a"), b=lambda: order.append("b"))
    assert order == ["a", "b", "a", "b"]
    assert [len(taken.wall) for taken in times.values()] == [2, 2]


def test_generated_entries_are_distinct_and_always_the_same():
    assert len({word(rank) for rank in range(70_000)}) == 70_000
    entries = zipf_entries(2000)
    assert len(set(entries)) == 2000 and entries == zipf_entries(2000)
    assert entries[:2] == ["ba", "ca"]
