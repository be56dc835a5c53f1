"""Every benchmark at a toy size, so that none rots. How fast it is does not count here."""

import json
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


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """A line of each benchmark, as it would be recorded."""
    run = tmp_path_factory.mktemp("benchmarks") / "run"
    timed_run(world(300), run, 600, 2, 2)
    lines = [
        measure.line(matching, pairs=300, entries=300, repeats=1),
        measure.line(curate_pool, pairs=600, files=2, entries=300, peer_pairs=200, repeats=1),
        measure.line(query_run, run=run, cold=1, warm=1),
        measure.line(read_pool, pairs=200, entries=300, images=60, repeats=1),
        measure.line(start_up, repeats=1),
        measure.line(
            classify, checkpoint=write_small_checkpoint(run.parent / "small"), pictures=3, labels=2, repeats=1
        ),
        *toy_training(),
        *([measure.line(live_chart, run=run, moves=20, releases=2)] if Path(CHROMIUM).exists() else []),
    ]
    return {line["benchmark"]: json.loads(json.dumps(line)) for line in lines}


def toy_training() -> list[dict[str, Any]]:
    """None where the packages are missing with which open_clip reads its data: they are in the group `dev`."""
    if find_spec("webdataset") is None:
        return []
    from training import training

    return [measure.line(training, batches=3, batch=8, repeats=1, tiny=0)]


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    return [value]


@pytest.mark.parametrize("name", report.TABLES)
def test_a_benchmark_proves_its_answers_and_leaves_a_whole_line(toys, name):
    if name not in toys:
        missing = {"live_chart": f"no Chromium at {CHROMIUM} (Debian: apt-get install chromium)"}
        pytest.skip(missing.get(name, "no webdataset, with which open_clip reads its data (pip install webdataset)"))
    line = toys[name]
    assert set(line) == FIELDS
    assert line["proven"] and all(line["proven"])
    assert line["command"].startswith(f"python tests/benchmarks/{name}.py --")
    assert line["peak_memory_mb"] > 10
    figures = {key: value for key, value in line["figures"].items() if key != "seconds"}
    assert all(number >= 0 for number in numbers(line["figures"]))
    assert all(
        number > 0 for key, value in figures.items() if "ratio" in key or "per_s" in key for number in numbers(value)
    )


def test_a_line_names_no_place_of_the_machine(toys):
    for line in toys.values():
        assert str(Path.home()) not in json.dumps(line)
        assert str(measure.ROOT) not in json.dumps(line)
    assert toys["query_run"]["parameters"]["run"] == "run"


def test_the_report_shows_every_line(toys):
    page = report.render(list(toys.values()))
    assert "{{" not in page and page.count(report.NOTHING) == len(report.TABLES) - len(toys)
    for line in toys.values():
        assert f"`{line['command']}`" in page
    assert "| captions a second, one thread |" in page
    assert "too few pairs to judge: the target is for 50,000,000" in page


def test_the_report_says_plainly_what_was_not_reached(toys):
    slow = {**toys["curate_pool"], "peak_memory_mb": 1600.0}
    assert "| peak memory, MB | 1,600 | below 1,500 | **not reached** |" in report.render([slow])
    small = {**toys["curate_pool"], "peak_memory_mb": 1400.0}
    assert "| peak memory, MB | 1,400 | below 1,500 | yes |" in report.render([slow, small])


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
