"""How a benchmark is taken, and the one JSON line that it leaves.

A benchmark is a function of keyword numbers that first proves its answers right, then times, and returns `Measured`.
"""

import argparse
import gc
import inspect
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "performance.jsonl"

LIBRARIES = (
    "numpy",
    "numba",
    "pyarrow",
    "duckdb",
    "streamlit",
    "pyahocorasick",
    "ahocorasick_rs",
    "xxhash",
    "torch",
    "open_clip_torch",
)

sys.path.append(str(ROOT / "tests"))  # for `reference`: a script has only its own folder on the path


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a benchmark found.

    parameters:     what was measured on, beside the arguments of the function
    proven:         the equalities that were proven before anything was timed
    figures:        rates, ratios, seconds: name -> number, or name -> {name: number}
    peak_memory_mb: of the process that did the work
    """

    parameters: dict[str, Any]
    proven: list[str]
    figures: dict[str, Any]
    peak_memory_mb: float


@dataclass(frozen=True)
class Times:
    """Seconds of every repeat, in wall time and in CPU time of this process."""

    wall: list[float]
    cpu: list[float]

    @cached_property
    def summary(self) -> dict[str, float]:
        """Best and median of both, in seconds."""
        return {
            "best_wall": min(self.wall),
            "median_wall": statistics.median(self.wall),
            "best_cpu": min(self.cpu),
            "median_cpu": statistics.median(self.cpu),
        }


def prove(what: str, *answers: Any) -> str:
    """Stop unless all answers are equal; the sentence for the record."""
    for answer in answers[1:]:
        if answer != answers[0]:
            raise AssertionError(f"not equal: {what}")
    return what


def timed(job: Callable[..., Any], *arguments: Any) -> tuple[float, float, Any]:
    """Seconds of wall time, seconds of CPU time, and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = job(*arguments)
    return time.perf_counter() - wall, time.process_time() - cpu, result


def race(repeats: int, **contestants: Callable[[], Any]) -> dict[str, Times]:
    """Time the contestants in turns (A, B, A, B, ...), so that what else the machine does falls on all alike."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    gc.collect()
    gc.freeze()  # what was there before is no contestant's garbage to look through
    try:
        for _ in range(repeats):
            for name, job in contestants.items():
                gc.collect()
                taken[name].append(timed(job)[:2])
    finally:
        gc.unfreeze()
    return {name: Times([wall for wall, _ in rows], [cpu for _, cpu in rows]) for name, rows in taken.items()}


def ratios(ours: Times, peer: Times) -> dict[str, float]:
    """How many times as long the peer takes: by best CPU time, and the median over the turns, in which both ran."""
    turns = [theirs / mine for theirs, mine in zip(peer.cpu, ours.cpu, strict=True)]
    return {"best": min(peer.cpu) / min(ours.cpu), "median": statistics.median(turns)}


def worker() -> ProcessPoolExecutor:
    """A fresh process, for work whose memory is to be its own."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def peak_memory_mb(process: int | None = None) -> float:
    """The most memory a process, or this one, held so far, in MB, pages of mapped files included."""
    try:
        status = Path(f"/proc/{process or 'self'}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):  # not Linux. There it is this one, for ru_maxrss also counts the parent before exec
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def cpu_seconds() -> float:
    """CPU seconds of this process, and of those of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


class Watch:
    """Around work in several processes: a thread looks at the memory of this one and its children, again and again."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def look(self, held: dict[str, dict[str, float]]) -> None:
        """Told what each process holds, see `memory_of`, by its id; of this one by "self"."""
        raise NotImplementedError

    def _look_on(self) -> None:
        while not self._over.wait(0.05):
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            held = {}
            for process in ("self", *children):
                with suppress(OSError, ValueError, KeyError):  # it has just ended
                    held[process] = memory_of(process)
            self.look(held)


class MemoryOfAll(Watch):
    """The most memory that all of them held together, in MB; what they share counts once (Pss)."""

    most_mb = 0.0

    def look(self, held: dict[str, dict[str, float]]) -> None:
        """Their sum."""
        self.most_mb = max(self.most_mb, sum(one["pss"] for one in held.values()))


def memory_of(process: str) -> dict[str, float]:
    """private and shared memory of a process, and its share of all (Pss), in MB."""
    told = dict(
        row.split(":", 1) for row in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:] if ":" in row
    )
    mb = {name: int(told[name].split()[0]) * 1024 / 1e6 for name in ("Rss", "Pss", "Private_Clean", "Private_Dirty")}
    private = mb["Private_Clean"] + mb["Private_Dirty"]
    return {"private": private, "shared": mb["Rss"] - private, "pss": mb["Pss"]}


def memory_mb(process: int) -> float:
    """What a process holds in memory now, in MB, pages of mapped files included; 0 where the system does not tell."""
    try:
        return (
            int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
            * os.sysconf("SC_PAGE_SIZE")
            / 1e6
        )
    except (OSError, IndexError):
        return 0.0


def line(benchmark: Callable[..., Measured], **arguments: Any) -> dict[str, Any]:
    """Run a benchmark and describe it: the line that is recorded."""
    before, started = os.getloadavg(), time.perf_counter()
    found = benchmark(**arguments)
    return {
        "benchmark": Path(inspect.getfile(benchmark)).stem,
        "command": _command(benchmark, arguments),
        "parameters": {name: _shown(value) for name, value in {**_defaults(benchmark), **arguments}.items()}
        | _rounded(found.parameters),
        "proven": found.proven,
        "figures": _rounded(found.figures),
        "peak_memory_mb": round(found.peak_memory_mb, 1),
        "seconds": round(time.perf_counter() - started, 1),
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "load": {"before": _rounded(before), "after": _rounded(os.getloadavg())},
        "commit": _commit(),
        "versions": _versions(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def script(benchmark: Callable[..., Measured]) -> None:
    """The command line of a benchmark: an option for each of its arguments; prints the line, and keeps it on demand."""
    parser = argparse.ArgumentParser(description=(inspect.getdoc(inspect.getmodule(benchmark)) or "").split("\n")[0])
    for name, parameter in inspect.signature(benchmark).parameters.items():
        kind = Path if "Path" in str(parameter.annotation) else int
        parser.add_argument(_option(name), type=kind, default=parameter.default, help=f"default: {parameter.default}")
    parser.add_argument("--record", action="store_true", help=f"also append the line to {RECORD.relative_to(ROOT)}")
    options = vars(parser.parse_args())
    record = options.pop("record")
    given = {name: value for name, value in options.items() if value != parser.get_default(name)}
    text = json.dumps(line(benchmark, **given), ensure_ascii=False)
    sys.stdout.write(text + "\n")
    if record:
        with RECORD.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _command(benchmark: Callable[..., Measured], arguments: dict[str, Any]) -> str:
    options = "".join(f" {_option(name)} {_shown(value)}" for name, value in arguments.items())
    return f"python {Path(inspect.getfile(benchmark)).resolve().relative_to(ROOT).as_posix()}{options}"


def _defaults(benchmark: Callable[..., Measured]) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in inspect.signature(benchmark).parameters.items()}


def _shown(value: Any) -> Any:
    # where things lie on a machine is nobody's business
    return value.name if isinstance(value, Path) else value


def _rounded(value: Any) -> Any:
    """Four digits: more would be noise."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return round(value) if abs(value) >= 10_000 else float(f"{value:.4g}")
    return value


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    rows = info.read_text(encoding="utf-8").split("\n") if info.exists() else []
    models = [row.partition(":")[2].strip() for row in rows if row.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _commit() -> str:
    """The commit, and "-dirty" if any file differs from it but the record itself."""

    def git(*arguments: str) -> str:
        found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return found.stdout.strip()

    commit = git("rev-parse", "--short=10", "HEAD")
    if not commit:
        return "unknown"
    changed = git("status", "--porcelain", "--", ".", ":!docs/performance.md", ":!docs/performance.jsonl")
    return f"{commit}-dirty" if changed else commit


def _versions() -> dict[str, str]:
    import curation

    return {
        "headtail": curation.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }
