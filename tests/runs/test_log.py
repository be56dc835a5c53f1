import re
from dataclasses import replace

import pytest

from conftest import TEXTS, write_pool
from curation.engines import Node, Status, Trouble, UnitsFailed
from curation.metadata import from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.log import Log
from curation.runs.plan import create_run
from inline import INLINE, InlineEngine

WELL = Status(6, (Node("10.0.0.6", 4), Node("10.0.0.7", 2)))


class Telling:
    name = "ray"
    status = WELL


def lines(path):
    """What the log says, without its times."""
    found = (path / "log.txt").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in found)
    return [line[20:] for line in found]


def test_a_run_says_where_it_works_and_how_long_each_phase_took(make_run):
    run = make_run()
    running, engine, *phases, done = lines(run.path)
    assert (running, engine, done) == ("running", "engine inline: 1 worker", "done")
    assert [line.split()[0] for line in phases] == ["match", "balance", "curves"]
    assert phases[0] == f"match took {run.info['timings']['match']:,.1f} s"


def test_nodes_that_come_and_go_are_told_once(tmp_path):
    engine = Telling()
    with Log(tmp_path, engine) as log:
        log.look()
        engine.status = replace(WELL, nodes=(WELL.nodes[0], replace(WELL.nodes[1], alive=False)))
        log.look()
        log.look()
        engine.status = replace(engine.status, nodes=(*engine.status.nodes, Node("10.0.0.8", 1)))
    assert lines(tmp_path) == [
        "engine ray: 6 workers on 2 nodes: 10.0.0.6 (4), 10.0.0.7 (2)",
        "node 10.0.0.7 is lost; its units go to the others",
        "node 10.0.0.8 joined: 1 worker",
    ]


def test_tries_that_failed_are_told_with_unit_and_reason_or_as_a_number(tmp_path):
    engine = Telling()
    with Log(tmp_path, engine) as log:
        first = Trouble(1, "/pool/a\nb.parquet", "its worker ended by SIGKILL", again=True)
        engine.status = replace(WELL, retries=1, troubles=(first,))
        log.look()
        last = Trouble(2, "/pool/c.parquet", "ValueError: no", again=False)
        engine.status = replace(WELL, retries=3, failed=1, troubles=(first, last))
    assert lines(tmp_path)[1:] == [
        "/pool/a b.parquet was tried again: its worker ended by SIGKILL",
        "/pool/c.parquet failed at every try: ValueError: no",
        "2 units tried again",
    ]


def test_what_went_wrong_last_is_told_before_the_run_fails(tmp_path):
    class Failing(InlineEngine):
        status = WELL

        def map_units(self, *arguments, **options):
            self.status = replace(WELL, retries=1, troubles=(Trouble(1, "a", "it broke", again=True),))
            raise UnitsFailed("1 unit failed")

    pool = write_pool(tmp_path / "pool.parquet", TEXTS)
    run = create_run(tmp_path / "run", [str(pool)], from_entries(["dog"], source="test"), CurateConfig(t=2.0))
    with pytest.raises(UnitsFailed):
        curate.run(run.path, Failing())
    assert lines(run.path)[-2:] == ["a was tried again: it broke", "failed: 1 unit failed"]


def test_a_log_that_cannot_be_written_stops_no_run(tmp_path):
    pool = write_pool(tmp_path / "pool.parquet", TEXTS)
    run = create_run(tmp_path / "run", [str(pool)], from_entries(["dog"], source="test"), CurateConfig(t=2.0))
    (run.path / "log.txt").mkdir()
    assert curate.run(run.path, INLINE).state == "done"
