"""What every engine must do; a new one joins ENGINES and is tested on arrival."""

import threading
from functools import partial

import pytest

from curation.engines import Cancelled, Unit, local
from curation.errors import CurationError

UNITS = [Unit(index, "pool.parquet", (index,)) for index in range(20)]
ENGINES = {f"local x{workers}": partial(local.map_units, workers=workers) for workers in (1, 3)}


@pytest.fixture(params=ENGINES.values(), ids=ENGINES.keys())
def map_units(request):
    return request.param


def test_every_unit_is_done_once_and_reported_with_its_receipt(map_units):
    done = {}
    map_units(lambda unit, env: unit.index * env, UNITS, 10, on_done=lambda unit, got: done.update({unit.index: got}))
    assert done == {index: index * 10 for index in range(20)}


def test_reports_come_in_the_callers_thread(map_units):
    threads = set()
    map_units(lambda unit, env: None, UNITS, None, on_done=lambda unit, got: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_a_cancel_finishes_what_is_under_way_and_starts_nothing_more(map_units):
    started, done = [], []
    with pytest.raises(Cancelled):
        map_units(
            lambda unit, env: started.append(unit.index),
            UNITS,
            None,
            on_done=lambda unit, got: done.append(unit.index),
            cancel=lambda: len(done) >= 2,
        )
    assert len(started) <= 2 + 3
    assert set(done) <= set(started)


def test_a_unit_that_fails_is_tried_again_and_then_reported(map_units):
    tries = []

    def fail_once(unit, env):
        tries.append(unit.index)
        if unit.index == 5 and tries.count(5) <= env:
            raise OSError("disk")

    done = []
    map_units(fail_once, UNITS, 1, on_done=lambda unit, got: done.append(unit.index), max_retries=1)
    assert sorted(done) == list(range(20))
    with pytest.raises(OSError, match="disk"):
        map_units(fail_once, UNITS, 99, on_done=lambda unit, got: None, max_retries=1)


def test_an_error_that_the_user_can_mend_is_not_tried_again(map_units):
    tries = []

    def refuse(unit, env):
        tries.append(unit.index)
        raise CurationError("damaged")

    with pytest.raises(CurationError, match="damaged"):
        map_units(refuse, UNITS[:1], None, on_done=lambda unit, got: None, max_retries=5)
    assert tries == [0]
