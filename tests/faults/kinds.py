"""The kinds of faults of hazards that a long run meets, each as a function of what is disturbed and of chance.

Those at system calls are in `syscalls.py`, those of a disk that is full or read-only in `disks.py`.
"""

import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from curation import files
from curation.engines import Cancelled
from curation.runs import curate, job
from curation.runs.folder import write_info
from faults.driver import Job, Outcome, judge, kill, last_line, processes_of, python, start
from faults.subjects import Headtail
from inline import INLINE

HERE = Path(__file__).parent


def killed_at_random(subject, random: Random) -> Outcome:
    """The job is killed one to three times, whenever."""
    path = subject.fresh()
    fired = False
    for _ in range(random.randint(1, 3)):
        one = Job(subject, path)
        time.sleep(random.uniform(0, subject.seconds))
        fired |= one.pid in processes_of(one.pid)
        kill(one.pid)
        one.wait()
    return judge("SIGKILL at a random time", subject, one, fired=fired)


def worker_killed(subject: Headtail, random: Random) -> Outcome:
    """A worker is killed; the job goes on by itself."""
    one = Job(subject, subject.fresh())
    fired = _to_a_worker(one, kill, random)
    outcome = judge("worker killed", subject, one, fired=fired)
    return _done_by_itself(outcome, one)


def worker_out_of_memory(subject: Headtail, random: Random) -> Outcome:
    """A worker gets no more memory: its units fail, are named, and the others stay."""
    one = Job(subject, subject.fresh())

    def limit(pid: int) -> None:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, (2**20, resource.RLIM_INFINITY))

    fired = _to_a_worker(one, limit, random)
    return judge("worker without memory", subject, one, fired=fired)


def stopped(subject: Headtail, random: Random) -> Outcome:
    """SIGTERM or Ctrl-C, to the job or to its whole session; as a cancel."""
    one = Job(subject, subject.fresh())
    time.sleep(random.uniform(0.1, 1) * subject.seconds)
    number = random.choice([signal.SIGTERM, signal.SIGINT])
    fired = one.pid in processes_of(one.pid)
    for pid in random.choice([[one.pid], processes_of(one.pid)]):
        kill(pid, number)
    return judge("SIGTERM or Ctrl-C", subject, one, fired=fired)


def cancelled(subject: Headtail, random: Random) -> Outcome:
    """Cancelled, twice, and once more after it ended: it ends within five seconds, can be gone on with."""
    one = Job(subject, subject.fresh())
    time.sleep(random.uniform(0.1, 1) * subject.seconds)
    asked = time.monotonic()
    job.cancel(one.path)
    job.cancel(one.path)
    one.wait()
    took = time.monotonic() - asked
    job.cancel(one.path)  # stale from now on
    outcome = judge("cancel, and a stale one", subject, one, fired=True)
    outcome.bad += [f"took {took:.1f} s to stop"] if took > 5 else []
    return outcome


def started_twice(subject: Headtail, random: Random) -> Outcome:
    """Two or three jobs of one run begin at once, as two servers on one store would: one works, the others are told."""
    path = subject.fresh()
    jobs = [Job(subject, path) for _ in range(random.randint(2, 3))]
    codes = [one.wait() for one in jobs]
    states = [line.split(maxsplit=2)[2] for line in (path / "log.txt").read_text().splitlines()]
    ran = [state for state in states if state in ("running", "done", "failed", "cancelled")]
    worked = next((one for one, code in zip(jobs, codes, strict=True) if code == 0), jobs[0])  # they share an output
    outcome = judge("started twice", subject, worked, fired=True)
    told = jobs[0].said().count("another process works on this run")
    if codes.count(0) < 1 or codes.count(1) != told or ran != ["running", "done"]:
        outcome.bad.append(f"exit codes {codes}, told {told} times, log {ran}")
    return outcome


def server_killed(subject: Headtail, random: Random) -> Outcome:
    """The process that started the job is killed: the job goes on."""
    path = subject.fresh()
    server = start(
        python("-c", "import sys, time, curation.runs.job as job\nfrom pathlib import Path\n"
               "print(job.start(Path(sys.argv[1])).pid, flush=True); time.sleep(600)", path),
        said := path.with_name(f"{path.name}.server"),
    )  # fmt: skip
    while not said.read_text().strip():
        time.sleep(0.02)
    pid = int(said.read_text())
    kill(server.pid)
    server.wait()
    one = Job.of(path, pid)
    outcome = judge("server killed", subject, one, fired=True)
    return _done_by_itself(outcome, one)


def clock_jumps(subject: Headtail, random: Random) -> Outcome:
    """The clock of the job and its workers is set back or forward in the midst of it: nothing is negative."""
    jump = random.choice([-10 * 365 * 86400, -86400, -30, 30, 86400])
    path = subject.fresh()
    one = Job(
        subject, path, env={"PYTHONPATH": f"{HERE / 'clock'}:{os.environ.get('PYTHONPATH', '')}", "JUMP": f"{jump}"}
    )
    one.wait()
    progress = files.read_json(path / "progress.json")
    timings = list(files.read_json(path / "run.json").get("timings", {"none": -1}).values())
    outcome = judge("clock jumps", subject, one, fired=(path / "jumped").exists())
    if min([progress["elapsed_s"], progress["rate"], progress["eta_s"] or 0, *timings]) < 0:
        outcome.bad.append(f"negative: {progress} {timings}")
    return _done_by_itself(outcome, one)


def damaged_between(subject: Headtail, random: Random) -> Outcome:
    """A stopped run, one of whose files is cut, edited, emptied or gone when it is gone on with."""
    path = half_done(subject, random)
    victim = random.choice([p for p in sorted(path.rglob("*")) if p.is_file() and p.name not in ("lock", "run.json")])
    damage = random.choice([_cut, _flip, _empty, Path.unlink])
    with suppress(IndexError):
        damage(victim)
    outcome = judge(
        "file of a stopped run damaged", subject, Job(subject, path), fired=True, may_refuse=r"work/metadata\.parquet"
    )
    outcome.bad = [f"{damage.__name__} {victim.relative_to(path)}: {bad}" for bad in outcome.bad]
    return outcome


def plan_damaged(subject: Headtail, random: Random) -> Outcome:
    """run.json of a stopped run is cut, or its plan edited: it is refused in one line, and nothing is touched."""
    path = half_done(subject, random)
    text = (path / "run.json").read_text()
    edited = text.replace('"seed": 0', '"seed": 1')
    (path / "run.json").write_text(random.choice([edited, text[: random.randrange(len(text))], ""]))
    before = sorted(p.name for p in path.rglob("*"))
    one = Job(subject, path)
    code = one.wait()
    outcome = judge("plan damaged", subject, one, fired=True, may_refuse=r"run\.json")
    gone = set(before) - {p.name for p in path.rglob("*")} if path.is_dir() else set()
    outcome.bad += [f"exit code {code}"] * (code != 1) + [f"gone: {sorted(gone)}"] * bool(gone)
    return outcome


def strangers(subject: Headtail, random: Random) -> Outcome:
    """Files that no run has, in the folder and beside it, are let be."""
    path = half_done(subject, random)
    odd = [
        path / "notes.txt",
        path / "pairs" / "x.parquet",
        path / "work" / "99999.json",
        path / "work" / "y" / "z.json",
    ]
    for one in odd:
        one.parent.mkdir(exist_ok=True)
        one.write_bytes(random.randbytes(random.randrange(200)))
    job_of_it = Job(subject, path)
    job_of_it.wait()
    (path / "pairs" / "x.parquet").unlink(missing_ok=True)
    return judge("strange files", subject, job_of_it, fired=True)


def rebooted(subject: Headtail, random: Random) -> Outcome:
    """A lock file, and a state that says "running", of a machine that is no more."""
    path = half_done(subject, random)
    (path / "lock").write_text("4242")
    info = files.read_json(path / "run.json")
    write_info(path, {**info, "state": "running"})
    return judge("rebooted", subject, Job(subject, path), fired=True)


def input_changed(subject: Headtail, random: Random) -> Outcome:
    """A file of the pool changed or is gone when a stopped run is gone on with: refused, and the file is named."""
    path = half_done(subject, random)
    victim = subject.pool / f"{random.randrange(2)}.parquet"
    kept = victim.read_bytes()
    try:
        if random.random() < 0.5:
            victim.unlink()
        else:
            shutil.copy(subject.pool / ("0.parquet" if victim.name == "1.parquet" else "1.parquet"), victim)
        one = Job(subject, path)
        code, refused = one.wait(), last_line(one.said())
    finally:
        victim.write_bytes(kept)
    outcome = judge("input changed or gone", subject, one, fired=True)
    if code != 1 or victim.name not in refused or not ("changed" in refused or "gone" in refused):
        outcome.bad.append(f"exit code {code}: {refused}")
    return outcome


def telling_fails(subject: Headtail, random: Random) -> Outcome:
    """progress.json and log.txt cannot be written: the run goes on, to its end."""
    path = subject.fresh()
    for name in ("progress.json", "log.txt"):
        (path / name).mkdir()
        (path / name / "in the way").touch()
    one = Job(subject, path)
    outcome = judge("telling fails", subject, one, fired=True)
    return _done_by_itself(outcome, one)


def half_done(subject: Headtail, random: Random) -> Path:
    """A run that was cancelled after some units, whichever phase they are of."""
    path = subject.fresh()
    units = random.randint(1, 17)
    with suppress(Cancelled):
        curate.run(path, INLINE, cancel=_after(units))
    return path


def _after(times: int) -> Callable[[], bool]:
    asked = iter(range(10**6))
    return lambda: next(asked) >= times


def _to_a_worker(one: Job, do: Callable[[int], None], random: Random) -> bool:
    """Do something to a worker of a job soon after it is there."""
    until = time.monotonic() + 60
    while not (workers := one.workers()) and time.monotonic() < until and one.pid in processes_of(one.pid):
        time.sleep(0.005)
    time.sleep(random.uniform(0, 0.5))
    workers = one.workers() or workers
    for pid in workers[:1]:
        do(pid)
    return bool(workers) and one.pid in processes_of(one.pid)


def _done_by_itself(outcome: Outcome, one: Job) -> Outcome:
    if one.wait() != 0:
        outcome.bad.append(f"the job ended with {one.wait()}: {outcome.said}")
    return outcome


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def _empty(path: Path) -> None:
    path.write_bytes(b"")
