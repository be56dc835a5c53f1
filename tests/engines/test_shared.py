"""Copies of arrays on a node, made by plain processes."""

import multiprocessing
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from curation.engines import shared
from curation.errors import CurationError, UnreadableFile

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def arrays(tmp_path):
    """A sealed folder of two arrays, one of them in a sub-folder."""
    folder = tmp_path / "arrays"
    (folder / "parts").mkdir(parents=True)
    np.save(folder / "matcher.npy", np.arange(1000))
    np.save(folder / "parts" / "counts.npy", np.arange(7))
    shared.seal(folder)
    return folder


@pytest.fixture
def node(tmp_path, monkeypatch):
    """This process takes copies, in a temporary folder of its own."""
    own = tmp_path / "node"
    own.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(own))
    monkeypatch.setattr(shared, "_session", None)
    monkeypatch.setattr(shared, "_checked", {})
    shared.copy_for("s1")
    return own


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def forget():
    """As another process would be."""
    shared._checked.clear()


def test_a_local_process_maps_the_folder_itself(arrays):
    assert shared.on_this_node(arrays) == arrays
    assert not shared.has_copies()


def test_a_copy_holds_all_files_and_is_closed_to_others(arrays, node):
    copy = shared.on_this_node(arrays)
    assert copy.is_relative_to(node)
    assert names(copy) == ["manifest.json", "matcher.npy", "parts/counts.npy"]
    assert np.load(copy / "parts" / "counts.npy", mmap_mode="r").tolist() == list(range(7))
    assert (node / f"headtail-{os.geteuid()}").stat().st_mode & 0o777 == 0o700
    assert shared.has_copies()


def test_a_second_process_takes_the_copy_that_is_there(arrays, node):
    before = (shared.on_this_node(arrays) / "matcher.npy").stat().st_ino
    forget()
    assert (shared.on_this_node(arrays) / "matcher.npy").stat().st_ino == before


def test_the_copy_is_of_what_is_in_the_folder_not_of_its_name(arrays, node):
    first = shared.on_this_node(arrays)
    np.save(arrays / "matcher.npy", np.arange(5))
    shared.seal(arrays)
    forget()
    second = shared.on_this_node(arrays)
    assert first != second
    assert len(np.load(second / "matcher.npy")) == 5


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_copy_is_made_again(arrays, node, damage):
    path = shared.on_this_node(arrays) / "matcher.npy"
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(data[:-1] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    forget()
    copy = shared.on_this_node(arrays)
    assert (copy / "matcher.npy").read_bytes() == data
    assert names(node / f"headtail-{os.geteuid()}" / "s1") == sorted(
        [f"{copy.name}.lock", *(f"{copy.name}/{name}" for name in names(arrays))]
    )


def test_a_copy_that_was_removed_meanwhile_is_made_again(arrays, node):
    shared.on_this_node(arrays)
    shared.remove_copies("s1")
    assert names(shared.on_this_node(arrays)) == names(arrays)


def test_a_folder_that_changed_since_it_was_sealed_is_refused(arrays, node):
    np.save(arrays / "matcher.npy", np.arange(999))
    with pytest.raises(UnreadableFile, match=r"matcher.npy: not what it was when the work began"):
        shared.on_this_node(arrays)
    assert not list(node.rglob("*.npy"))


def test_a_folder_that_was_never_sealed_is_refused(node, tmp_path):
    with pytest.raises(UnreadableFile, match=r"nothing/manifest.json: No such file or directory$"):
        shared.on_this_node(tmp_path / "nothing")


def test_a_folder_that_others_can_write_to_is_refused(arrays, node):
    (node / f"headtail-{os.geteuid()}").mkdir(mode=0o777)
    (node / f"headtail-{os.geteuid()}").chmod(0o777)
    with pytest.raises(CurationError, match=r"others can write there; remove it, or set TMPDIR"):
        shared.on_this_node(arrays)


def test_a_link_in_place_of_the_users_folder_is_refused(arrays, node, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (node / f"headtail-{os.geteuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CurationError, match=r"others can write there"):
        shared.on_this_node(arrays)


def test_the_copies_of_a_session_are_removed_and_those_that_a_killed_driver_left(arrays, node):
    root = node / f"headtail-{os.geteuid()}"
    for session in ("old", "young", "s1"):
        shared.copy_for(session)
        shared.on_this_node(arrays)
    week_ago = time.time() - 7.1 * 24 * 3600
    os.utime(root / "old", (week_ago, week_ago))
    shared.remove_copies("s1")
    assert [path.name for path in root.iterdir()] == ["young"]


def copy_in_process(node, arrays, started, places):
    tempfile.tempdir = node
    shared.copy_for("s1")
    started.wait()
    places.put((str(shared.on_this_node(Path(arrays))), np.load(Path(arrays) / "matcher.npy").sum()))


def test_of_many_processes_at_once_one_copies(arrays, node):
    started, places = SPAWN.Barrier(3), SPAWN.Queue()
    work = [SPAWN.Process(target=copy_in_process, args=(str(node), str(arrays), started, places)) for _ in range(3)]
    for one in work:
        one.start()
    found = {places.get(timeout=60) for _ in work}
    for one in work:
        one.join()
    assert len(found) == 1
    (session,) = (node / f"headtail-{os.geteuid()}").iterdir()
    assert sorted(path.suffix for path in session.iterdir()) == ["", ".lock"]


def stall_in_process(node, arrays, reached):
    """Copy, and wait for ever when the copy is made but has not got its name yet."""
    tempfile.tempdir = node
    shared.copy_for("s1")
    shared._wrong_in = lambda copy: "missing" if not copy.name.startswith(".") else (reached.set(), time.sleep(600))
    shared.on_this_node(Path(arrays))


def test_what_a_killed_process_left_half_done_is_removed_by_the_next(arrays, node):
    reached = SPAWN.Event()
    stalled = SPAWN.Process(target=stall_in_process, args=(str(node), str(arrays), reached))
    stalled.start()
    assert reached.wait(60)
    stalled.kill()
    stalled.join()
    (session,) = (node / f"headtail-{os.geteuid()}").iterdir()
    assert [path for path in session.iterdir() if path.name.startswith(".")]
    copy = shared.on_this_node(arrays)
    assert sorted(path.name for path in session.iterdir()) == [copy.name, f"{copy.name}.lock"]
