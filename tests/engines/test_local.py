"""What only the engine of this machine can meet."""

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import engines.work as work
from curation.engines import Unit, UnitsFailed
from curation.engines.local import LocalEngine


def test_a_unit_that_cannot_be_handed_over_is_tried_again(tmp_path, monkeypatch):
    send, failed = Connection.send, []

    def fail_once(self, value):
        if isinstance(value, Unit) and value.index == 1 and not failed:
            failed.append(value)
            raise OSError("no buffer space")
        send(self, value)

    monkeypatch.setattr(Connection, "send", fail_once)
    done = []
    units = [Unit(index, "pool.parquet", (index,)) for index in range(3)]
    with LocalEngine(1) as engine:
        env = {"folder": str(tmp_path), "by": 1}
        engine.map_units(work.multiply, units, env, on_done=lambda unit, got: done.append(got))
        assert engine.status.retries == 1
    assert sorted(done) == [0, 1, 2]
    assert len(failed) == 1


def hungry(folder, times):
    """Six units in two workers, unit 5 of which is out of memory so often; receipts, and the troubles that are told."""
    done = []
    units = [Unit(index, "pool.parquet", (index,)) for index in range(6)]
    with LocalEngine(2) as engine:
        try:
            env = {"folder": str(folder), "times": times}
            engine.map_units(work.hungry, units, env, on_done=lambda unit, got: done.append(got), max_retries=2)
            failed = None
        except UnitsFailed as error:
            failed = str(error)
        return sorted(done), [trouble.again for trouble in engine.status.troubles], failed


def test_a_unit_that_is_out_of_memory_once_is_tried_again(tmp_path):
    assert hungry(tmp_path, times=1) == ([0, 1, 2, 3, 4, 5], [True], None)


def test_a_unit_that_is_always_out_of_memory_is_named_and_the_others_are_done(tmp_path):
    done, again, failed = hungry(tmp_path, times=99)
    assert (done, again) == ([0, 1, 2, 3, 4], [True, True, False])
    assert failed.startswith(
        f"1 unit failed at each of 3 tries, 5 are done: {Unit(5, 'pool.parquet', (5,))}: MemoryError (work.py, line "
    )


def test_a_worker_that_is_killed_is_told_with_what_most_often_kills(tmp_path):
    env = {"folder": str(tmp_path), "times": 1, "signal": signal.SIGKILL}
    with LocalEngine(1) as engine:
        engine.map_units(work.crash, [Unit(5, "pool.parquet", (5,))], env, on_done=lambda unit, got: None)
        (trouble,) = engine.status.troubles
    assert trouble.again
    assert trouble.reason == "its worker ended by SIGKILL, which the system sends where memory runs out"


def test_a_script_without_a_guard_is_not_run_again_by_its_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import engines.work as work\n"
        "from curation.engines import Unit\n"
        "from curation.engines.local import LocalEngine\n"
        "print('begins')\n"
        "with LocalEngine(1) as engine:\n"
        f"    env = {{'folder': {str(tmp_path)!r}, 'by': 2}}\n"
        "    engine.map_units(work.multiply, [Unit(3, '', ())], env, on_done=lambda unit, got: print(got))\n"
    )
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests)])}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("begins\n6\n", "")
