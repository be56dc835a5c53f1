"""What is disturbed: a headtail run over 4,000 pairs in eight units, and the naive writer."""

import hashlib
import itertools
import json
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq

from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation import files
from curation.errors import CurationError
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.folder import Run, open_run
from curation.runs.plan import create_run
from faults import naive, zygote
from faults.driver import Process, attach, python, start
from inline import INLINE

UNITS, PAIRS = 8, 4000


class Headtail:
    """The job that `headtail run` is, with one worker process."""

    name = "headtail"
    seconds = 2.5

    def __init__(self, folder: Path, monkeypatch, zygote: "Zygote | None" = None, **config: object) -> None:
        """folder: for the pool, the planned run and the copies of it; zygote: forks the jobs, else they are started."""
        self.folder = folder
        self.zygote = zygote
        self.pool = folder / "pool"
        self._number = itertools.count()
        for at in range(2):
            texts = zipf_texts(PAIRS)[at::2]
            write_pool(self.pool / f"{at}.parquet", texts, row_group_size=PAIRS // UNITS, first=PAIRS // 2 * at)
        monkeypatch.setattr(plan, "UNIT_ROWS", PAIRS // UNITS)
        settings = CurateConfig(**({"t": 100.0} | config))
        create_run(folder / "planned", [str(self.pool)], from_entries(ZIPF_ENTRIES, source="test"), settings)
        files.write_json(folder / "planned" / "engine.json", {"engine": "local", "address": None, "workers": 1})
        self.expected = contents(curate.run(self.fresh(), INLINE))

    def fresh(self) -> Path:
        path = self.folder / f"{next(self._number):04d}"
        shutil.copytree(self.folder / "planned", path)
        return path

    def start(self, path: Path, output: Path, under: tuple[str, ...] = (), **env: str) -> Process:
        if self.zygote is None or env:
            return start(python("-m", "curation", "run", path), output, under, **env)
        return self.zygote.start(("run", str(path)), output, under)

    def go_on(self, path: Path) -> str | None:
        try:
            curate.run(path, INLINE)
        except (CurationError, OSError) as error:
            return str(error).splitlines()[0]
        return None

    def differs(self, path: Path) -> list[str]:
        run = open_run(path)
        bad = [f"state {run.state}"] if run.state != "done" else []
        found = contents(run)
        bad += [f"{name} differs" for name in self.expected if found.get(name) != self.expected[name]]
        bad += [f"{name} is no file of a run" for name in found.keys() - self.expected.keys()]
        bad += [f"left: {left.name}" for left in path.rglob("*.tmp")]
        bad += [f"step {s['step']}" for s in run.info["funnel"] if s["in"] != s["out"] + sum(s["dropped"].values())]
        return bad


def contents(run: Run) -> dict[str, str]:
    """Of a finished run: digests of the bytes of its files, of its numbers, and of the fate of every pair."""
    found = {
        name: files.sha256(path)
        for path in sorted(run.path.rglob("*"))
        if path.is_file() and (name := path.relative_to(run.path).as_posix()).split("/")[0] in _BYTES
    }
    told = {key: run.info.get(key) for key in ("plan_digest", "totals", "funnel", "unit_pairs", "damage", "notes")}
    return {**found, "numbers": _digest(told), "fates": _digest(_fates(run)), "work": str((run.path / "work").exists())}


_BYTES = ("pairs", "entries.parquet", "curves", "rare", "drawn.parquet", "filtered")


def _fates(run: Run) -> list[object]:
    entries = pq.read_table(run.path / "entries.parquet", columns=["entry", "count"]).to_pylist()
    pairs = [pq.read_table(path, columns=["uid", "t_min"]).to_pylist() for path in run.pair_files]
    fates = sorted((row["uid"], row["t_min"]) for part in pairs for row in part)
    return [entries, fates, run.curves.kept.tolist(), run.curves.expected.tolist(), run.curves.entry_kept.tolist()]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Naive:
    """The writer of `naive.py`: its parts are there under their names from the first byte on."""

    name = "naive"
    seconds = 0.4

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = itertools.count()
        folder.mkdir(parents=True, exist_ok=True)

    def fresh(self) -> Path:
        path = self.folder / f"{next(self._number):04d}"
        path.mkdir()
        return path

    def start(self, path: Path, output: Path, under: tuple[str, ...] = (), **env: str) -> Process:
        return start(python(Path(naive.__file__), path), output, under, **env)

    def go_on(self, path: Path) -> str | None:
        try:
            naive.work(path)
        except (OSError, ValueError) as error:
            return str(error).splitlines()[0]
        return None

    def differs(self, path: Path) -> list[str]:
        found = {}
        for part in path.iterdir():
            with suppress(OSError):
                found[part.name] = part.read_bytes()
        expected = naive.expected()
        return [f"{name} differs" for name in expected if found.get(name) != expected[name]]


class Zygote:
    """Forks jobs out of `zygote.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            python(Path(zygote.__file__)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        self._process.communicate()

    def ask(self, **what: object) -> int:
        assert self._process.stdin and self._process.stdout
        print(json.dumps(what), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def start(self, command: Sequence[str], output: Path, under: tuple[str, ...]) -> "Forked":
        """A command of headtail."""
        pid = self.ask(command=list(command), output=str(output), stop=bool(under))
        if under:
            attach(under, pid)
        return Forked(self, pid)


class Forked:
    """A job that a zygote forked."""

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self.pid = pid
        self._zygote = zygote
        self._code: int | None = None

    def wait(self) -> int:
        if self._code is None:
            self._code = self._zygote.ask(wait=self.pid)
        return self._code
