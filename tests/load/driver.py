"""Many sessions at once on the real app, each of whose answers is looked at, with a curation beside them if asked."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import asynchronous
from curation.metadata_files import read_metadata
from curation.runs.config import CurateConfig
from curation.runs.folder import Run, open_run
from curation.runs.job import start
from curation.runs.plan import create_run
from load.answers import Truth
from load.app import COMMAND, App, the_app
from load.visitor import THINK_S, Seen, Visitor

KEPT_AFTER_S = 120.0
"""For how long Streamlit keeps a session whose tab is gone, in case it comes back."""

SLACK_MB = 100.0


@dataclass(frozen=True)
class Job:
    """What is curated beside the sessions."""

    pool: str
    metadata: Path


def drive(
    run: Run, sessions: int, seconds: float, *, job: Job | None = None, after_s: float = 0.0, think_s: float = THINK_S,
    module: Sequence[str] = COMMAND,
) -> dict[str, Any]:  # fmt: skip
    """So many sessions for so long, each of whose answers is looked at.

    after_s: how long to wait at most until the memory of the server is back within 100 MB, once all have left
    think_s: mean of the time between an answer and the next question
    module:  what serves the app
    """
    truth = Truth(run, sessions)
    with tempfile.TemporaryDirectory() as name, the_app(run.path, Path(name), module) as app:
        return asynchronous.run(_drive(app, truth, Path(name), sessions, seconds, job, after_s, think_s))


async def _drive(
    app: App, truth: Truth, folder: Path, sessions: int, seconds: float, job: Job | None, after_s: float, think_s: float
) -> dict[str, Any]:
    first = await _look_once(app, truth)
    at_start = app.memory_mb()
    seen, peak = Seen(), [at_start]
    async with _watched(app, peak), _curating(job, folder, seen) as curations, asyncio.TaskGroup() as all_of_them:
        for number in range(sessions):
            all_of_them.create_task(Visitor(app, truth, number, seen).stay(seconds, think_s=think_s))
    left = time.monotonic()
    while (now := app.memory_mb()) > at_start + SLACK_MB and time.monotonic() < left + after_s:
        await asyncio.sleep(1.0)
    return {
        "sessions": sessions,
        "seconds": seconds,
        "errors": [*first.errors, *seen.errors, *app.complaints()],
        "mixed": [*first.mixed, *seen.mixed],
        "first_page_s": _percentiles(seen.seconds.pop("first page", [])),
        "reruns_s": _percentiles([one for many in seen.seconds.values() for one in many]),
        "by_what_s": {what: _percentiles(many) for what, many in sorted(seen.seconds.items())},
        "memory_mb": {"start": at_start, "peak": max(peak), "after": now, "after_s": time.monotonic() - left},
        "curations": curations,
    }


async def _look_once(app: App, truth: Truth) -> Seen:
    """One session that does everything once: what the app loads at its first use counts as its start."""
    seen = Seen()
    await Visitor(app, truth, 0, seen).look_at_everything()
    return seen


@asynccontextmanager
async def _watched(app: App, peak: list[float]) -> AsyncIterator[None]:
    """The memory of the server, looked at all the time."""

    async def watch() -> None:
        while True:
            peak.append(app.memory_mb())
            await asyncio.sleep(0.5)

    task = asyncio.create_task(watch())
    yield
    task.cancel()


@asynccontextmanager
async def _curating(job: Job | None, folder: Path, seen: Seen) -> AsyncIterator[list[float]]:
    """A curation as the app starts one, again and again; yields how many seconds each took that came to its end."""
    took: list[float] = []
    if job is None:
        yield took
        return
    task = asyncio.create_task(_curate(job, folder / "curated", seen, took))
    yield took
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _curate(job: Job, output: Path, seen: Seen, took: list[float]) -> None:
    metadata = await asyncio.to_thread(read_metadata, job.metadata)
    while True:
        await asyncio.to_thread(create_run, output, [job.pool], metadata, CurateConfig())
        started = time.monotonic()
        process = start(output)
        assert process is not None, "the lock of a new run is held"
        try:
            while process.poll() is None:
                await asyncio.sleep(0.1)
        finally:
            process.terminate()
            process.wait()
        run = open_run(output)
        if run.state != "done":
            seen.errors.append(f"the curation ended {run.state}: {run.info.get('error')}")
            return
        took.append(time.monotonic() - started)
        shutil.rmtree(output)


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {"count": 0}
    p50, p95 = np.percentile(seconds, [50, 95])
    return {"count": len(seconds), "p50": float(p50), "p95": float(p95), "max": max(seconds)}


def table(found: dict[str, Any]) -> str:
    """What was found, for people."""
    rows = {"first page": found["first_page_s"], "reruns, all": found["reruns_s"], **found["by_what_s"]}
    lines = [f"{'':<16}{'count':>7}{'p50, s':>9}{'p95, s':>9}{'max, s':>9}"]
    for what, one in rows.items():
        figures = "".join(f"{one[name]:>9.2f}" for name in ("p50", "p95", "max") if name in one)
        lines.append(f"{what:<16}{one['count']:>7}{figures}")
    memory = found["memory_mb"]
    lines += [
        f"{found['sessions']} sessions, {found['seconds']:g} s: {len(found['errors'])} errors, "
        f"{len(found['mixed'])} mixed answers, {len(found['curations'])} curations beside them",
        f"memory of the server: {memory['start']:.0f} MB at the start, {memory['peak']:.0f} at the peak, "
        f"{memory['after']:.0f} after {memory['after_s']:.0f} s without a session",
        *(f"error: {line}" for line in found["errors"][:10]),
        *(f"mixed: {line}" for line in found["mixed"][:10]),
    ]
    return "\n".join(lines)
