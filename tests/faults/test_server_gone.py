"""A job that the app started, while its page is reloaded, all tabs are closed and the server is killed."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

import asynchronous
from curation.runs.folder import open_run
from faults.driver import kill, processes_of
from faults.subjects import Headtail
from load.app import the_app
from load.tab import a_tab

FORGETFUL = ("load.forgetful_app",)
OVER_S = 4.0
"""Sessions of this server are over, two seconds after their tab is gone; those of the real one after two minutes."""

SHOWN_S = 3.0


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """A run of the app's workspace; whatever comes of it is ended with the test."""
    (tmp_path / "app" / "runs").mkdir(parents=True)
    subject = Headtail(tmp_path, monkeypatch)
    path = tmp_path / "app" / "runs" / "mine"
    subject.fresh().rename(path)
    yield subject, path
    for pid in jobs_of(path):
        for process in processes_of(pid):
            kill(process)


def jobs_of(path):
    """The processes that are the job of a run, whoever started them; not what they have forked."""
    asked = f"\0run\0{path}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            pid = int(process.parent.name)
            if process.read_bytes().endswith(asked) and os.getsid(pid) == pid:
                found.append(pid)
        except OSError:  # it has ended
            continue
    return found


def state_is(state, path):
    until = time.monotonic() + 120
    while open_run(path).state != state and time.monotonic() < until:
        time.sleep(0.01)
    return open_run(path).state == state


async def look(app):
    """Load the page anew; returns the seconds until it was there, and what it says of the run."""
    async with a_tab(app.address, app.cookie) as tab:
        taken = await tab.go("curate", "watch=mine")
        return taken, [text for text in tab.texts() if text.startswith("planned · ")]


def test_a_job_goes_on_through_reloads_closed_tabs_and_a_server_that_is_killed(planned, zipf_run, tmp_path):
    subject, path = planned

    async def start_and_reload(app):
        async with a_tab(app.address, app.cookie) as tab:
            await tab.go("curate", "watch=mine")
            await tab.press("watch_play_arrow")
        assert await asyncio.to_thread(state_is, "running", path)
        (pid,) = jobs_of(path)
        os.kill(pid, signal.SIGSTOP)  # it would be done before the tabs are closed
        told = [(await look(app))[1] for _ in range(20)]
        await asyncio.sleep(OVER_S)
        return pid, told

    async def look_twice(app):
        return await look(app), await look(app)

    with the_app(zipf_run.path, tmp_path / "app", FORGETFUL) as app:
        pid, told = asynchronous.run(start_and_reload(app))
        kill(app.pid)
    assert told == 20 * [["planned · under way", "planned · running"]]
    assert jobs_of(path) == [pid]
    with the_app(zipf_run.path, tmp_path / "app", FORGETFUL) as app:
        shown = asynchronous.run(look_twice(app))
        assert [texts for _, texts in shown] == 2 * [["planned · under way", "planned · running"]]
        assert min(taken for taken, _ in shown) < SHOWN_S
        assert jobs_of(path) == [pid]
        os.kill(pid, signal.SIGCONT)
        assert state_is("done", path)
        assert asynchronous.run(look(app))[1] == ["planned · done", "planned · done"]
    assert [line[20:] for line in (path / "log.txt").read_text().splitlines()].count("running") == 1
    assert subject.differs(path) == []
