"""What every engine must do; a new one joins ENGINES and is tested on arrival."""

import signal
import threading
import time
from contextlib import contextmanager

import pytest

import engines.work as work
from curation.engines import Cancelled, Unit, UnitsFailed
from curation.engines.local import LocalEngine
from curation.engines.ray import RayEngine
from curation.errors import CurationError
from engines.cluster import ADDRESS, cluster, needs_cluster

UNITS = [Unit(index, "pool.parquet", (index,)) for index in range(20)]


@contextmanager
def on_ray():
    with cluster(nodes=2), RayEngine(ADDRESS) as made:
        yield made


ENGINES = [
    pytest.param(lambda: LocalEngine(1), id="local x1"),
    pytest.param(lambda: LocalEngine(3), id="local x3"),
    pytest.param(on_ray, id="ray on two nodes", marks=[pytest.mark.ray, needs_cluster]),
]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    with request.param() as made:
        yield made


@pytest.fixture
def attempts(tmp_path):
    """The folder with a file for each attempt, and how many there were of each unit."""

    def count():
        names = [path.name.split("-")[0] for path in tmp_path.iterdir()]
        return {index: names.count(str(index)) for index in range(20) if str(index) in names}

    return str(tmp_path), count


def test_every_unit_is_done_once_and_reported_with_its_receipt(engine, attempts):
    folder, count = attempts
    done = {}
    engine.map_units(
        work.multiply, UNITS, {"folder": folder, "by": 10}, on_done=lambda unit, got: done.update({unit.index: got})
    )
    assert done == {index: index * 10 for index in range(20)}
    assert count() == dict.fromkeys(range(20), 1)


def test_no_units_are_no_work(engine):
    engine.map_units(work.multiply, [], {}, on_done=lambda unit, got: pytest.fail("nothing was to be done"))


def test_reports_come_in_the_callers_thread(engine, attempts):
    threads = set()
    env = {"folder": attempts[0], "by": 1}
    engine.map_units(work.multiply, UNITS, env, on_done=lambda unit, got: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_a_cancel_stops_within_a_second_and_gives_up_what_is_under_way(engine, attempts):
    folder, count = attempts
    asked = []

    def cancel():
        if len(count()) >= 1 and not asked:
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(Cancelled):
        engine.map_units(
            work.sleep, UNITS, {"folder": folder, "seconds": 60}, on_done=lambda unit, got: None, cancel=cancel
        )
    assert time.monotonic() - asked[0] < 1.0
    assert len(count()) < 20


def test_after_a_cancel_the_engine_works_on(engine, attempts):
    with pytest.raises(Cancelled):
        engine.map_units(work.multiply, UNITS, {}, on_done=lambda unit, got: None, cancel=lambda: True)
    done = []
    env = {"folder": attempts[0], "by": 1}
    engine.map_units(work.multiply, UNITS, env, on_done=lambda unit, got: done.append(unit.index))
    assert sorted(done) == list(range(20))


def test_a_unit_that_fails_is_tried_again(engine, attempts):
    folder, count = attempts
    done = []
    before = engine.status.retries
    engine.map_units(
        work.fail_first,
        UNITS,
        {"folder": folder, "times": 2},
        on_done=lambda unit, got: done.append(unit.index),
        max_retries=2,
    )
    assert sorted(done) == list(range(20))
    assert count() == {**dict.fromkeys(range(20), 1), 5: 3}
    assert engine.status.retries == before + 2


def test_a_unit_that_fails_at_every_try_is_named_and_the_others_are_done(engine, attempts):
    folder, count = attempts
    done = []
    with pytest.raises(UnitsFailed, match=r"1 unit failed at each of 3 tries, 19 are done: pool.parquet \(5\): OSErr"):
        engine.map_units(
            work.fail_first,
            UNITS,
            {"folder": folder, "times": 99},
            on_done=lambda unit, got: done.append(unit.index),
            max_retries=2,
        )
    assert sorted(done) == [index for index in range(20) if index != 5]
    assert count()[5] == 3
    assert engine.status.failed == 1


def test_where_every_unit_fails_not_all_are_tried(engine, attempts):
    with pytest.raises(UnitsFailed, match="16 units failed at each of 1 tries, 0 are done"):
        engine.map_units(
            work.fail_always, UNITS, {"folder": attempts[0]}, on_done=lambda unit, got: None, max_retries=0
        )


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGKILL])
def test_a_unit_whose_worker_dies_is_tried_again_by_another(engine, attempts, how):
    folder, count = attempts
    done = []
    engine.map_units(
        work.crash,
        UNITS,
        {"folder": folder, "times": 1, "signal": how},
        on_done=lambda unit, got: done.append(unit.index),
        max_retries=1,
    )
    assert sorted(done) == list(range(20))
    assert count() == {**dict.fromkeys(range(20), 1), 5: 2}


def test_a_unit_that_always_kills_its_worker_is_named_and_the_others_are_done(engine, attempts):
    folder, count = attempts
    done = []
    with pytest.raises(UnitsFailed, match=r"pool.parquet \(5\): .*(SIGSEGV|crash|died)"):
        engine.map_units(
            work.crash,
            UNITS,
            {"folder": folder, "times": 99},
            on_done=lambda unit, got: done.append(unit.index),
            max_retries=1,
        )
    assert sorted(done) == [index for index in range(20) if index != 5]
    assert count() == {**dict.fromkeys(range(20), 1), 5: 2}


def test_an_error_that_the_user_can_mend_is_not_tried_again(engine, attempts):
    folder, count = attempts
    with pytest.raises(CurationError, match=r"^damaged$"):
        engine.map_units(work.refuse, UNITS[:1], {"folder": folder}, on_done=lambda unit, got: None, max_retries=5)
    assert count() == {0: 1}


def test_a_unit_that_takes_far_longer_than_the_others_is_called_slow(engine, attempts):
    seen = []

    def cancel():
        seen.extend(one for one in engine.status.under_way if one.slow)
        return bool(seen)

    with pytest.raises(Cancelled):
        engine.map_units(
            work.stay,
            UNITS,
            {"folder": attempts[0], "seconds": 60},
            on_done=lambda unit, got: None,
            cancel=cancel,
        )
    assert seen[0].unit == "pool.parquet (5)"  # the longest; beside it may be one whose worker was slow to start


def test_the_status_names_the_workers_and_what_the_nodes_did(engine, attempts):
    before = sum(node.done for node in engine.status.nodes)
    env = {"folder": attempts[0], "by": 1}
    engine.map_units(work.multiply, UNITS, env, on_done=lambda unit, got: None)
    status = engine.status
    assert sum(node.done for node in status.nodes) == before + 20
    assert sum(node.workers for node in status.nodes if node.alive) == status.workers
    assert status.under_way == ()
