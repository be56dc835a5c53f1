"""Exports that are interrupted: `headtail export` over a run of 980 pairs meets a fault, and is asked for once more."""

import itertools
from functools import cache, partial
from pathlib import Path
from random import Random

from curation import files
from curation.errors import CurationError
from curation.runs.export.formats import EXPORTS
from curation.runs.export.options import ExportOptions
from curation.runs.export.write import export
from curation.runs.folder import Run
from faults import kinds, syscalls
from faults.driver import Outcome, Process, python, start
from faults.subjects import Headtail, Zygote
from pictures import make_picture_run

T, SHARD_ROWS = 20.0, 200
FAULTS = (
    kinds.killed_at_random,
    kinds.stopped,
    *(partial(syscalls.at_a_call, what) for what in ("SIGKILL", "ENOSPC", "EIO")),
)


class Exporting:
    """The command `headtail export` of a format, into the folder `out` of a folder of its own."""

    seconds = 0.6

    def __init__(self, run: Run, folder: Path, kind: str, zygote: Zygote | None = None) -> None:
        """folder: for the exports; zygote: forks the commands, else they are started."""
        self.name = f"export {kind}"
        self.kind, self.run, self.zygote = kind, run, zygote
        self._folder, self._number = folder, itertools.count()
        done = self.fresh()
        self.go_on(done)
        self.expected = _contents(done / "out")

    def fresh(self) -> Path:
        path = self._folder / f"{self.kind}-{next(self._number):04d}"
        path.mkdir(parents=True)
        return path

    def start(self, path: Path, output: Path, under: tuple[str, ...] = (), **env: str) -> Process:
        options = ("-t", f"{T:g}", "--format", self.kind, "--shard-rows", str(SHARD_ROWS))
        command = ("export", str(self.run.path), "-o", str(path / "out"), *options)
        if self.zygote is None:
            return start(python("-m", "curation", *command), output, under, **env)
        return self.zygote.start(command, output, under)

    def go_on(self, path: Path) -> str | None:
        """Ask for it once more, unless it is there: what is there under its name has to be whole."""
        if (path / "out").exists():
            return None
        try:
            export(self.run, T, path / "out", self.kind, ExportOptions(shard_rows=SHARD_ROWS))
        except (CurationError, OSError) as error:
            return str(error).splitlines()[0]
        return None

    def differs(self, path: Path) -> list[str]:
        found = _contents(path / "out")
        names = sorted(found.keys() | self.expected.keys())
        bad = [f"{name} differs" for name in names if found.get(name) != self.expected.get(name)]
        return bad + [f"left: {left.name}" for left in path.iterdir() if left.name != "out"]


def interrupted(subject: Headtail, random: Random) -> Outcome:
    """An export of any format is killed, stopped, or meets a system call that fails; then it is asked for once more."""
    return interrupt(_exporting(subject, random.choice(list(EXPORTS))), random)


def interrupt(subject: Exporting, random: Random) -> Outcome:
    """One fault of any kind."""
    outcome = random.choice(FAULTS)(subject, random)
    outcome.bad = [f"{subject.kind}, {outcome.kind}: {line}" for line in outcome.bad]
    outcome.kind = "export interrupted"
    return outcome


@cache
def _exporting(subject: Headtail, kind: str) -> Exporting:
    return Exporting(_run(subject), subject.folder / "exports", kind, subject.zygote)


@cache
def _run(subject: Headtail) -> Run:
    folder = subject.folder / "exported"
    folder.mkdir()
    return make_picture_run(folder)


def _contents(folder: Path) -> dict[str, str]:
    """File of an export -> sha256 of its bytes."""
    return {str(path.relative_to(folder)): files.sha256(path) for path in folder.rglob("*") if path.is_file()}
