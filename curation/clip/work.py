"""Work on a finished run that goes on in a folder of its own: a training, a ladder. Reading it loads no torch.

Who asks for it writes the plan and starts the job; the job is the one writer then, and whoever looks reads the folder.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

from curation import files
from curation.errors import BadRun, CurationError
from curation.runs.folder import Run, State, check_name, is_locked, open_finished_run

FORMAT = 1
_KEYS = {"name", "state", "created", "error", "plan"}


@dataclass(frozen=True)
class Work:
    """What was read from the folder: format, kind, name, state, created, error, plan, and totals once it is done."""

    KIND: ClassVar[str]
    FILE: ClassVar[str]

    path: Path
    info: dict[str, Any]

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.info["name"])

    @property
    def state(self) -> State:
        """As that of a run."""
        state: State = self.info["state"]
        return "interrupted" if state == "running" and not is_locked(self.path) else state

    @property
    def run(self) -> Path:
        """The run that it is about."""
        return Path(self.info["plan"]["run"])

    def open_run(self) -> Run:
        """The run that it is about; raises BadRun where that is gone or another one by now."""
        run = open_finished_run(self.run)
        if run.info["plan_digest"] != self.info["plan"]["plan_digest"]:
            raise BadRun(f"{run.path}: is another run than this {self.KIND} was planned on; plan a new one")
        return run

    def set_state(self, state: State, error: str | None) -> None:
        """Let the folder say how the work goes; for its job."""
        self.info.update(state=state, error=error)
        files.write_json(self.path / self.FILE, self.info)

    @classmethod
    def create(cls, path: Path, run: Run, plan: dict[str, Any], name: str) -> Self:
        """Write a plan; raises BadRun where the folder holds one already, BadArgument for the name."""
        if (path / cls.FILE).exists():
            raise BadRun(f"{path}: a {cls.KIND} is here already; go on with --resume, or choose another folder")
        info = {
            "format": FORMAT,
            "kind": cls.KIND,
            "name": check_name(name),
            "state": "planned",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "error": None,
            "plan": {"run": str(run.path.resolve()), "plan_digest": run.info["plan_digest"], **plan},
        }
        path.mkdir(parents=True, exist_ok=True)
        files.write_json(path / cls.FILE, info)
        return cls(path, info)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a folder; raises BadRun, UnreadableFile."""
        if not (path / cls.FILE).is_file():
            raise BadRun(f"{path}: no {cls.KIND} here (no {cls.FILE})")
        info = files.read_json(path / cls.FILE)
        if not isinstance(info, dict) or info.get("format") != FORMAT or _KEYS - info.keys():
            raise BadRun(f"{path}: no {cls.KIND} that this version reads")
        return cls(path, info)

    @classmethod
    def all_in(cls, folder: Path) -> list[Self]:
        """Those directly in a folder, the newest first; whatever else is in there is passed over."""
        found = []
        for path in folder.iterdir() if folder.is_dir() else ():
            with suppress(CurationError):
                found.append(cls.open(path))
        return sorted(found, key=lambda work: (work.info["created"], work.name), reverse=True)
