"""What only the engine of this machine can meet."""

from multiprocessing.connection import Connection

import engines.work as work
from curation.engines import Unit
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
