import bz2
import itertools
import json
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from curation.engines import Cancelled
from curation.errors import BadRun, UnreadableFile
from curation.wikipedia.count import NgramCount, count_dump, work_folder
from wikipedia.dumps import PAGES, PAIRS, WORDS, many_pages, page, write_dump, xml


def test_words_and_pairs_of_the_articles_are_counted(tmp_path):
    dump = write_dump(tmp_path / "d.xml.bz2")
    found = count_dump(dump, tmp_path / "ngrams.parquet")
    assert found == NgramCount(
        pages=4, articles=2, dropped={"another namespace": 1, "redirect": 1}, words=8, pairs=6, tokens=13
    )
    table = pq.read_table(tmp_path / "ngrams.parquet").to_pydict()
    assert table["n"] == [1] * 8 + [2] * 6
    assert table["gram"] == [*sorted(WORDS), *sorted(PAIRS)]
    assert dict(zip(table["gram"], table["count"], strict=True)) == WORDS | PAIRS
    assert not work_folder(tmp_path / "ngrams.parquet").exists()


@pytest.mark.parametrize("budget", [1, 60, 100])
def test_counts_that_go_over_the_disk_give_the_same_file(tmp_path, budget):
    dump = write_dump(tmp_path / "d.xml.bz2", many_pages(20))
    count_dump(dump, tmp_path / "memory.parquet")
    count_dump(dump, tmp_path / "disk.parquet", budget=budget)
    assert (tmp_path / "memory.parquet").read_bytes() == (tmp_path / "disk.parquet").read_bytes()


def test_a_count_that_is_stopped_again_and_again_gives_the_same_file(tmp_path):
    dump = write_dump(tmp_path / "d.xml.bz2", many_pages())
    count_dump(dump, tmp_path / "whole.parquet")
    output, stops = tmp_path / "n.parquet", 0
    for attempt in itertools.count(1):
        # each attempt gets a few pages further than the last, and the last stops in the merge
        asked = itertools.count()
        try:
            count_dump(dump, output, resume=attempt > 1, budget=100, cancel=lambda: next(asked) > 7 * attempt)  # noqa: B023
            break
        except Cancelled:
            stops += 1
            assert not output.exists()
    assert stops > 3
    assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not work_folder(output).exists()


def test_a_count_whose_process_is_killed_goes_on_and_gives_the_same_file(tmp_path):
    dump, output = write_dump(tmp_path / "d.xml.bz2", many_pages(100)), tmp_path / "n.parquet"
    count_dump(dump, tmp_path / "whole.parquet")
    code = (
        "import sys, time; from pathlib import Path; from curation.wikipedia.count import count_dump\n"
        "count_dump(Path(sys.argv[1]), Path(sys.argv[2]), budget=50, cancel=lambda: time.sleep(0.005))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(dump), str(output)])
    state = work_folder(output) / "state.json"
    until = time.monotonic() + 60
    while not (state.is_file() and json.loads(state.read_text())["state"]["runs"] > 5):
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = json.loads(state.read_text())["state"]
    assert 5 < before["pages"] < 100
    assert not output.exists()
    assert count_dump(dump, output, resume=True).pages == 100
    assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_dump_cut_short_keeps_what_is_counted_until_it_is_fetched_again(tmp_path):
    pages = many_pages(3000)
    whole = bz2.compress(xml(pages).encode(), 1)  # blocks of 100 kB, so that a part of it can be read
    dump, output = tmp_path / "d.xml.bz2", tmp_path / "n.parquet"
    dump.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFile, match="cut short or damaged near byte"):
        count_dump(dump, output)
    kept = json.loads((work_folder(output) / "state.json").read_text())["state"]
    assert 0 < kept["articles"] < 3000
    dump.write_bytes(whole)
    assert count_dump(dump, output, resume=True).articles == 3000
    count_dump(dump, tmp_path / "whole.parquet")
    assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def stopped(dump, output):
    asked = itertools.count()
    with pytest.raises(Cancelled):
        count_dump(dump, output, cancel=lambda: next(asked) > 2)


def test_another_dump_another_version_and_a_thing_in_the_way_are_refused(tmp_path, monkeypatch):
    dump, output = write_dump(tmp_path / "d.xml.bz2"), tmp_path / "n.parquet"
    with pytest.raises(BadRun, match="no count to go on with"):
        count_dump(dump, output, resume=True)
    stopped(dump, output)
    with pytest.raises(BadRun, match=r"n\.parquet\.work: an unfinished count; go on with it by --resume"):
        count_dump(dump, output)
    with pytest.raises(BadRun, match=r"begun with another dump than .*other"):
        count_dump(write_dump(tmp_path / "other.xml.bz2", PAGES[:2]), output, resume=True)
    monkeypatch.setattr("curation.__version__", "9.9")
    with pytest.raises(BadRun, match=r"begun by headtail .*, this is 9\.9; remove it"):
        count_dump(dump, output, resume=True)
    monkeypatch.undo()
    count_dump(dump, output, resume=True)
    with pytest.raises(BadRun, match="exists already; choose another -o"):
        count_dump(dump, output)


def test_two_at_a_time_do_not_share_a_count(tmp_path):
    dump, output = write_dump(tmp_path / "d.xml.bz2"), tmp_path / "n.parquet"
    caught = []

    def meanwhile() -> bool:
        if not caught:
            with pytest.raises(BadRun, match="another process works on this count") as error:
                count_dump(dump, output, resume=True)
            caught.append(error)
        return False

    count_dump(dump, output, cancel=meanwhile)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("pages", "message"),
    [([], "not one article among 0 pages"), ([page("Talk:A", "x", namespace=1)], "not one article among 1 pages")],
)
def test_a_dump_without_an_article_is_refused_and_leaves_nothing(tmp_path, pages, message):
    with pytest.raises(UnreadableFile, match=message):
        count_dump(write_dump(tmp_path / "d.xml.bz2", pages), tmp_path / "n.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["d.xml.bz2"]


def test_what_is_no_dump_leaves_nothing(tmp_path):
    (tmp_path / "d.xml.bz2").write_bytes(b"no dump")
    with pytest.raises(UnreadableFile):
        count_dump(tmp_path / "d.xml.bz2", tmp_path / "n.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["d.xml.bz2"]


def test_progress_is_told_in_bytes_of_the_dump(tmp_path):
    dump, told = write_dump(tmp_path / "d.xml.bz2"), []
    count_dump(dump, tmp_path / "n.parquet", on_bytes=told.append)
    assert told == [dump.stat().st_size] * 4
