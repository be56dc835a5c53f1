"""Faults that a run meets: gone on with, it comes to what it comes to undisturbed, or one line says what is wrong."""

import os
import shutil
import sys
import time

import pytest

from curation.runs import curate, job
from curation.runs.folder import open_run
from faults import disks, kinds, syscalls
from faults.driver import Job, has, processes_of
from faults.subjects import Headtail, Naive, contents
from faults.sweep import AT_CALLS, KINDS, sweep, table, wrong
from inline import INLINE

needs_strace = pytest.mark.skipif(bool(has("strace")), reason=has("strace"))
needs_mounts = pytest.mark.skipif(bool(reason := disks.cannot()), reason=reason)

ONE_OF_EACH = [
    kinds.killed_at_random,
    kinds.worker_killed,
    kinds.worker_out_of_memory,
    kinds.stopped,
    kinds.cancelled,
    kinds.started_twice,
    kinds.server_killed,
    kinds.clock_jumps,
    kinds.damaged_between,
    kinds.plan_damaged,
    kinds.strangers,
    kinds.rebooted,
    kinds.input_changed,
    kinds.telling_fails,
]


@pytest.fixture(scope="module")
def headtail_job(tmp_path_factory, zygote):
    with pytest.MonkeyPatch.context() as small_units:
        yield Headtail(tmp_path_factory.mktemp("faults"), small_units, zygote)


@pytest.mark.parametrize("fault", ONE_OF_EACH, ids=lambda fault: fault.__name__)
def test_a_fault_leaves_no_trace_once_the_run_is_gone_on_with(headtail_job, fault):
    (outcome,) = sweep(headtail_job, {fault: 1}, seed=1)
    assert outcome.bad == []
    assert outcome.fired


@needs_strace
@pytest.mark.parametrize("name", ["openat", "write", "fsync", "rename", "unlink", "mkdir"])
@pytest.mark.parametrize("what", ["SIGKILL", "ENOSPC"])
def test_a_system_call_that_fails_or_is_the_last_does_no_harm(headtail_job, what, name):
    calls = [call for call in syscalls.calls_of(headtail_job) if call.name == name]
    outcome = syscalls.at_a_call(what, headtail_job, None, calls[len(calls) // 2])
    assert outcome.bad == []


@needs_mounts
@pytest.mark.parametrize(("kilobytes", "units"), [pytest.param(24, 0, marks=pytest.mark.long), (200, 8)])
def test_a_full_disk_is_told_with_what_is_kept_and_a_larger_one_is_gone_on_with(headtail_job, kilobytes, units):
    outcome = disks.small_disk(headtail_job, None, kilobytes)
    assert outcome.bad == []
    assert f"; {units} of 8 units are matched" in outcome.said
    assert outcome.said.endswith("which is kept: make room and resume")


@needs_mounts
@pytest.mark.parametrize(
    ("kilobytes", "kept"),
    [(24, "0 of 8 units are matched"), pytest.param(160, "8 of 8 units are matched", marks=pytest.mark.long)],
)
def test_a_disk_that_plainly_will_not_do_is_told_before_the_first_unit_of_a_phase(headtail_job, kilobytes, kept):
    outcome = disks.small_disk(headtail_job, None, kilobytes)
    assert outcome.bad == []
    assert "at least" in outcome.said
    assert f"{kept} and 0 balanced, which is kept: make room and resume" in outcome.said


@needs_mounts
def test_a_disk_that_is_read_only_is_told_in_one_line(headtail_job):
    outcome = disks.read_only(headtail_job, None)
    assert outcome.bad == []
    assert outcome.said.endswith("Read-only file system")


def test_a_job_that_is_killed_after_the_run_is_done_leaves_a_run_that_is_done(headtail_job, monkeypatch):
    path = headtail_job.fresh()
    remove = shutil.rmtree

    def killed(folder, **options):
        if folder == path / "work":
            (folder / "metadata.parquet").unlink()
            raise SystemExit
        remove(folder, **options)

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(SystemExit):
        curate.run(path, INLINE)
    monkeypatch.setattr(shutil, "rmtree", remove)
    assert open_run(path).state == "done"
    curate.run(path, INLINE)
    assert contents(open_run(path)) == headtail_job.expected


def test_jobs_that_are_started_and_cancelled_leave_neither_orphans_nor_zombies(headtail_job):
    _start_and_cancel(headtail_job, times=3)


@pytest.mark.long
def test_fifty_jobs_that_are_started_and_cancelled_leave_neither_orphans_nor_zombies(headtail_job):
    _start_and_cancel(headtail_job, times=50)


def _start_and_cancel(subject, times):
    path = subject.fresh()
    jobs = []
    for number in range(times):
        process = job.start(path)
        assert process is not None, "the one before has not ended"
        jobs.append(Job.of(path, process.pid))
        time.sleep(0.05 * (number % 40))
        if number % 2:
            job.cancel(path)
            os.kill(process.pid, 15)  # it may not have come to the point where it forgets a stale cancel
        else:
            os.kill(process.pid, 9)
        process.wait()
    assert [left for one in jobs for left in one.left_behind()] == []
    assert [pid for one in jobs for pid in processes_of(one.pid)] == []
    assert subject.go_on(path) is None
    assert subject.differs(path) == []


@needs_strace
def test_the_same_faults_do_harm_to_a_naive_writer(tmp_path):
    outcomes = sweep(Naive(tmp_path), {kinds.killed_at_random: 4, **dict.fromkeys(AT_CALLS, 4)}, seed=0)
    assert len(wrong(outcomes)) >= 8, table(outcomes)


@pytest.mark.long
@needs_strace
@needs_mounts
def test_the_long_sweep(headtail_job, capsys):
    outcomes = sweep(headtail_job, KINDS, seed=0)
    with capsys.disabled():
        sys.stdout.write(f"\n{table(outcomes)}\n")
    assert wrong(outcomes) == []
    assert sum(one.fired for one in outcomes) >= 300


@pytest.mark.long
@needs_strace
def test_the_long_sweep_over_a_naive_writer(tmp_path, capsys):
    outcomes = sweep(Naive(tmp_path), {kinds.killed_at_random: 40, **dict.fromkeys(AT_CALLS, 20)}, seed=0)
    with capsys.disabled():
        sys.stdout.write(f"\n{table(outcomes)}\n")
    assert sum(bool(one.bad) for one in outcomes) >= 60
