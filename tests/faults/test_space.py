import errno
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from conftest import TEXTS, write_pool
from curation import files
from curation.engines import Unit
from curation.engines.worker import outcome_of
from curation.errors import CurationError, DiskFull, UnreadableFile
from curation.metadata import from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.folder import open_run
from curation.runs.plan import create_run
from curation.runs.space import Room, check_room
from inline import INLINE, InlineEngine

FULL = "/dev/full"


@pytest.fixture
def planned(tmp_path):
    pool = write_pool(tmp_path / "pool.parquet", TEXTS)
    return create_run(tmp_path / "run", [str(pool)], from_entries(["dog"], source="test"), CurateConfig(t=2.0))


def full(unit, env):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def broken(unit, env):
    raise OSError(errno.EIO, os.strerror(errno.EIO), "/disk/part")


@pytest.mark.parametrize("array", [np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3).T, np.array(3), np.zeros(0)])
def test_an_array_is_read_back_as_it_was(tmp_path, array):
    files.write_array(tmp_path / "a.npy", array)
    found = files.read_array(tmp_path / "a.npy")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


def test_a_full_disk_does_not_pass_for_a_written_array(tmp_path, monkeypatch):
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: "x")
    (tmp_path / ".a.npy.x.tmp").symlink_to(FULL)
    with pytest.raises(OSError, match="No space left"):
        files.write_array(tmp_path / "a.npy", np.arange(1000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [1, 100_000])
def test_an_array_that_meets_a_full_disk_says_so(size):
    with pytest.raises(OSError, match="No space left") as met:
        files.save_array(Path(FULL), np.arange(size))
    assert files.is_full(met.value)


def test_a_table_without_its_footer_does_not_pass_for_a_written_one(tmp_path, monkeypatch):
    monkeypatch.setattr(files.pq, "write_table", lambda table, path, **options: path.write_bytes(b"PAR1"))
    with pytest.raises(UnreadableFile, match="not a whole Parquet file"):
        files.write_parquet(tmp_path / "a.parquet", pa.table({"a": [1]}))
    assert list(tmp_path.iterdir()) == []


def test_a_unit_that_meets_a_full_disk_is_not_tried_again():
    outcome = outcome_of(full, None, Unit(0, "pool.parquet", ()))
    assert isinstance(outcome.error, DiskFull)
    assert "Input/output error" in outcome_of(broken, None, Unit(0, "pool.parquet", ())).failure


@pytest.mark.parametrize(
    ("fn", "kind", "line"),
    [
        (full, DiskFull, r"run: the disk is full; 0 of 1 units are matched and 0 balanced, .*: make room and resume$"),
        (broken, CurationError, r"run: /disk/part: Input/output error; 0 of 1 .*: mend the cause and resume$"),
    ],
)
def test_what_the_disk_does_to_a_run_is_told_with_what_is_kept(planned, monkeypatch, fn, kind, line):
    monkeypatch.setattr(curate, "match_unit", fn)
    with pytest.raises(kind, match=line):
        curate.run(planned.path, InlineEngine())
    assert open_run(planned.path).state == "failed"
    monkeypatch.undo()
    assert curate.run(planned.path, INLINE).state == "done"


def test_a_disk_that_has_no_room_for_the_state_of_a_run_is_told_likewise(planned, monkeypatch):
    monkeypatch.setattr(curate, "write_info", full)
    with pytest.raises(DiskFull, match=r"run: the disk is full; 0 of 1 units .*: make room and resume$"):
        curate.run(planned.path, INLINE)
    monkeypatch.undo()
    assert curate.run(planned.path, INLINE).state == "done"


def test_a_disk_that_will_not_do_for_the_rest_is_told_before_it_is_full(tmp_path, monkeypatch):
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "00000.parquet").write_bytes(bytes(2_000_000))
    room = Room(tmp_path / "pairs", amount=40)
    monkeypatch.setattr("curation.runs.space.shutil.disk_usage", lambda path: _Free)
    with pytest.raises(DiskFull, match=r"needs about 6\.0 MB, 1\.0 MB are free"):
        room.check(Unit(0, "pool.parquet", ()), 10)


class _Free:
    free = 1_000_000


def test_a_run_that_plainly_will_not_fit_is_refused_before_its_first_unit(planned, monkeypatch):
    _has_rows(planned, rows=3_000_000, pool_bytes=200_000_000)
    monkeypatch.setattr("curation.runs.space.shutil.disk_usage", lambda path: _Free)
    with pytest.raises(DiskFull, match=r"^what is left to do needs at least 12\.00 MB, 1\.00 MB are free$"):
        check_room(planned)


@pytest.mark.parametrize(
    ("rows", "pool_bytes", "config"),
    [
        (100_000, 10_000_000, {}),  # the least for these rows is 0.4 MB
        (3_000_000, 15_000, {}),  # one caption three million times: measured, 0.2 MB
        (3_000_000, 200_000_000, {"max_words": 2}),  # a filter may leave nothing
    ],
)
def test_a_run_that_may_fit_is_begun_and_the_log_says_that_it_may_not(tmp_path, monkeypatch, rows, pool_bytes, config):
    pool = write_pool(tmp_path / "pool.parquet", TEXTS)
    run = create_run(tmp_path / "run", [str(pool)], from_entries(["dog"], source="test"), CurateConfig(t=2.0, **config))
    _has_rows(run, rows, pool_bytes)
    monkeypatch.setattr("curation.runs.space.shutil.disk_usage", lambda path: _Free)
    check_room(run)
    usual = f"{60 * rows / 1e6:,.1f}"
    assert f"a run of this size usually needs {usual} MB more, 1.0 MB are free" in (run.path / "log.txt").read_text()


def test_what_is_written_already_needs_no_more_room_and_curves_need_theirs(planned, monkeypatch):
    _has_rows(planned, rows=3_000_000, pool_bytes=200_000_000)
    (planned.path / "pairs").mkdir()
    (planned.path / "pairs" / "00000.json").touch()
    monkeypatch.setattr("curation.runs.space.shutil.disk_usage", lambda path: _Free)
    check_room(planned, curves=900_000)
    with pytest.raises(DiskFull, match=r"at least 1\.10 MB"):
        check_room(planned, curves=1_100_000)


def test_where_only_reading_tells_the_rows_nothing_is_refused_beforehand(planned, monkeypatch):
    _has_rows(planned, rows=None, pool_bytes=10**12)
    monkeypatch.setattr("curation.runs.space.shutil.disk_usage", lambda path: _Free)
    check_room(planned)


def _has_rows(run, rows, pool_bytes):
    """As if its pool were that large."""
    (file,) = run.info["plan"]["inputs"]
    file.update(rows=rows, rows_in_group=[] if rows is None else [rows], bytes=pool_bytes)
