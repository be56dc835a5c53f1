"""One run on every engine, and between them: whatever happens on the way, the result is the same."""

import hashlib
import json
import os
import signal
import threading
import time
from contextlib import contextmanager

import pyarrow.parquet as pq
import pytest

import engines.work as work
from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation.engines import Cancelled
from curation.engines.local import LocalEngine
from curation.engines.ray import RayEngine
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.folder import open_run
from curation.runs.plan import create_run
from engines.cluster import ADDRESS, cluster, needs_cluster, processes_of
from inline import INLINE

KILLS = 3
SECONDS = 0.2


def digest(run):
    """Of the entries with their counts, and of the fate of every pair: logical content, in no order of files."""
    entries = pq.read_table(run.path / "entries.parquet", columns=["entry", "count"]).to_pylist()
    pairs = [pq.read_table(path, columns=["uid", "t_min"]).to_pylist() for path in run.pair_files]
    fates = sorted((row["uid"], row["t_min"]) for part in pairs for row in part)
    curves = [run.curves.kept.tolist(), run.curves.expected.tolist(), run.curves.entry_kept.tolist()]
    return hashlib.sha256(json.dumps([entries, fates, curves]).encode()).hexdigest()


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    for at in range(2):
        write_pool(folder / f"{at}.parquet", zipf_texts(4000)[at::2], row_group_size=250, first=2000 * at)
    return folder


@pytest.fixture
def planned(pool, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "UNIT_ROWS", 250)

    def make(name="run"):
        create_run(tmp_path / name, [str(pool)], from_entries(ZIPF_ENTRIES, source="test"), CurateConfig(t=100.0))
        return tmp_path / name

    return make


@pytest.fixture
def expected(planned):
    return digest(curate.run(planned("inline"), INLINE))


@pytest.fixture(scope="module")
def two_nodes():
    with cluster(nodes=2) as made:
        yield made


@pytest.fixture
def slowly(tmp_path):
    folder = tmp_path / "attempts"
    folder.mkdir()

    class Slowly:
        """An engine whose units take some time, and leave a file an attempt."""

        def __init__(self, engine):
            self._engine, self.name = engine, engine.name

        @classmethod
        def attempts(cls):
            return len(list(folder.iterdir()))

        @classmethod
        def units(cls):
            return len({tuple(path.name.split("-")[:2]) for path in folder.iterdir()})

        @classmethod
        def is_inside(cls, pid, unit):
            """Whether a process has begun a unit, of some function."""
            return any(folder.glob(f"*-{unit.index}-{pid}-*"))

        @classmethod
        def just_begun(cls, name):
            """How many units of a function are so young that they cannot be done."""
            return sum(time.time() - path.stat().st_mtime < SECONDS / 2 for path in folder.glob(f"{name}-*"))

        def __enter__(self):
            self._engine.__enter__()
            return self

        def __exit__(self, *error):
            self._engine.__exit__(*error)

        def __getattr__(self, name):
            return getattr(self._engine, name)

        def map_units(self, fn, units, env, **options):
            self._engine.map_units(work.slowly, units, (fn, env, str(folder), SECONDS), **options)

    return Slowly


@contextmanager
def killing(kill_one, times=KILLS):
    """A thread kills inside units, so many times; what it yields are those that hit something."""
    over, killed = threading.Event(), []

    def work_on():
        while not over.wait(0.03) and len(killed) < times:
            if kill_one():
                killed.append(time.monotonic())

    thread = threading.Thread(target=work_on)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def ray_engine():
    return RayEngine(ADDRESS)


def cancelled_in(path, engine, phase):
    """The run, stopped in a phase before its end: of two passes when some units are through."""
    seen = []
    with pytest.raises(Cancelled):
        curate.run(
            path,
            engine,
            on_progress=seen.append,
            cancel=lambda: bool(seen) and seen[-1].phase == phase and (phase == "curves" or seen[-1].done >= 1000),
        )
    assert open_run(path).state == "cancelled"


@pytest.mark.parametrize("workers", [1, 3])
def test_local_workers_come_to_the_same(planned, expected, workers):
    assert digest(curate.run(planned(), LocalEngine(workers))) == expected


def test_a_run_whose_workers_are_killed_inside_units_comes_to_the_same(planned, expected, slowly):
    engine = LocalEngine(2)

    def kill_one():
        for worker in engine._workers:
            if worker.unit is not None and slowly.is_inside(worker._process.pid, worker.unit):
                worker._process.kill()
                return True
        return False

    with killing(kill_one) as killed:
        run = curate.run(planned(), slowly(engine))
    assert digest(run) == expected
    assert len(killed) == KILLS
    assert slowly.attempts() >= slowly.units() + KILLS


@pytest.mark.ray
@needs_cluster
def test_two_nodes_come_to_the_same(two_nodes, planned, expected):
    assert digest(curate.run(planned(), ray_engine())) == expected


@pytest.mark.ray
@needs_cluster
@pytest.mark.parametrize(
    ("first", "second", "phase"),
    [
        ("local", "ray", "balance"),
        ("ray", "local", "match"),
        pytest.param("ray", "local", "curves", marks=pytest.mark.long),
    ],
)
def test_what_one_engine_began_the_other_ends(two_nodes, planned, expected, first, second, phase):
    engines = {"local": lambda: LocalEngine(2), "ray": ray_engine}
    path = planned()
    cancelled_in(path, engines[first](), phase)
    assert digest(curate.run(path, engines[second]())) == expected


@pytest.mark.ray
@needs_cluster
def test_a_run_whose_ray_workers_are_killed_inside_units_comes_to_the_same(two_nodes, planned, expected, slowly):
    """One of each node, once both have been through a unit: before, they are busy with their start."""
    left, under_way = ["127.0.0.2", "127.0.0.3"], threading.Event()

    def note(progress):
        if progress.phase == "balance" and progress.done >= 1000:
            under_way.set()

    def kill_one():
        for pid, command in processes_of(two_nodes.nodes[left[0]]).items() if under_way.is_set() else ():
            if command.startswith("ray::_run"):
                os.kill(pid, signal.SIGKILL)
                left.pop(0)
                return True
        return False

    with killing(kill_one, times=2) as killed:
        run = curate.run(planned(), slowly(ray_engine()), on_progress=note)
    assert digest(run) == expected
    assert len(killed) == 2
    assert slowly.attempts() > slowly.units()


@pytest.mark.ray
@needs_cluster
def test_a_run_that_loses_a_node_comes_to_the_same(two_nodes, planned, expected, slowly):
    def kill_one():
        if slowly.just_begun("keep_unit") < 2:  # each of both nodes is inside one
            return False
        two_nodes.kill("127.0.0.3")
        return True

    try:
        with killing(kill_one, times=1) as killed:
            run = curate.run(planned(), slowly(ray_engine()))
        assert digest(run) == expected
        assert len(killed) == 1
        assert slowly.attempts() > slowly.units()
        assert "node 127.0.0.3 is lost; its units go to the others" in (run.path / "log.txt").read_text()
    finally:
        two_nodes.add("127.0.0.3")
