"""The run folder: what is where, and in which state it is."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa

from curation import files
from curation.curves import Curves
from curation.errors import BadArgument, BadRun, CurationError, UnreadableFile
from curation.live import Live, Ranks, Sketch, live, ranks, sketch
from curation.pool.inputs import PoolFile
from curation.runs import digests
from curation.runs.config import CurateConfig
from curation.runs.form import POOL_FILE, STEP, count, misfit, number, one_of
from curation.runs.routing import scale_of
from curation.scale import LanguageScale

FORMAT = 1
"""Version of the run folder, written into run.json. `docs/run-folder.md` defines it."""

NAME_FILE = "name.json"
"""A file of its own beside run.json, which belongs to the job: so a run can be renamed while its job works."""

NAME_CHARACTERS = 200

State = Literal["planned", "running", "done", "failed", "cancelled", "interrupted"]

_KEYS = {"kind", "name", "state", "created", "plan", "plan_digest"}
_KEYS_WHEN_DONE = {"totals", "funnel", "unit_pairs", "damage", "notes"}
_FORM = {
    "kind": str, "name": str, "state": one_of(*get_args(State)), "created": str, "plan_digest": str,
    "plan": {"config": dict, "inputs": [POOL_FILE], "units": list, "metadata": dict},
    "totals?": {"t": number, "rows": count},
}  # fmt: skip
_FORM_WHEN_DONE = {
    "totals": {"t": number, "rows": count}, "funnel": [STEP], "unit_pairs": [count], "damage": list, "notes": dict,
    "digests?": dict,
}  # fmt: skip
_SCALAR_CURVES = [f.name for f in fields(Curves) if f.name != "entry_kept"]


@dataclass(frozen=True)
class Run:
    """A run that was read from its folder. Reads only; the job in `curate.py` is the one writer."""

    path: Path
    info: dict[str, Any]

    @property
    def name(self) -> str:
        """What people call it; only data, the folder may be named otherwise. name.json says it once it was renamed."""
        with suppress(CurationError, KeyError, TypeError):
            return str(files.read_json(self.path / NAME_FILE)["name"])
        return str(self.info["name"])

    @property
    def state(self) -> State:
        """As the folder says; "running" without a process that holds the lock is "interrupted"."""
        state: State = self.info["state"]
        return "interrupted" if state == "running" and not is_locked(self.path) else state

    @cached_property
    def config(self) -> CurateConfig:
        """The frozen configuration."""
        return CurateConfig(**self.info["plan"]["config"])

    @property
    def seed(self) -> int:
        """Seed of the uniform numbers."""
        return self.config.seed

    @property
    def t(self) -> float:
        """The run's own threshold."""
        return float(self.info["totals"]["t"])

    @property
    def rows(self) -> int | None:
        """Rows of the pool; None where only reading tells, and the run is not through."""
        if self.info.get("totals"):
            return int(self.info["totals"]["rows"])
        rows = [file.rows for file in self.inputs]
        return None if None in rows else sum(row for row in rows if row is not None)

    @cached_property
    def inputs(self) -> list[PoolFile]:
        """The files of the pool, as they were when the run began."""
        return [
            PoolFile(**{**file, "rows_in_group": tuple(file["rows_in_group"])}) for file in self.info["plan"]["inputs"]
        ]

    @cached_property
    def entries(self) -> pa.Table:
        """entry_id int32, entry string, source string, count int64, language string if known; row i is entry i."""
        return files.read_table(self.path / "entries.parquet")

    @cached_property
    def entry_count(self) -> np.ndarray:
        """(M,) int64"""
        return self.entries["count"].to_numpy()

    @cached_property
    def entry_level(self) -> np.ndarray:
        """(M,) float64: an entry belongs to the tail at t iff its level is below t, see `LanguageScale.entry_level`."""
        return self.scale.entry_level(self.entry_count)

    @cached_property
    def scale(self) -> LanguageScale:
        """What t means in each language."""
        return scale_of(self.entries, self.config.reference_language)

    @cached_property
    def curves(self) -> Curves:
        """The arrays of curves/, the big one memory-mapped."""
        folder = self.path / "curves"
        small = {name: files.open_array(folder / f"{name}.npy") for name in _SCALAR_CURVES}
        curves = Curves(**small, entry_kept=files.open_array(folder / "entry_kept.npy", mapped=True))
        if not curves.fit_together(self.entry_count.size):
            raise UnreadableFile(f"{folder}: its arrays do not fit together; one of them is damaged")
        return curves

    @cached_property
    def ranks(self) -> Ranks:
        """The ranks that the live chart draws."""
        return ranks(self.curves, self.scale)

    @cached_property
    def live(self) -> Live:
        """What the live chart shows at every t; a folder without its sketch has them gathered, in seconds."""
        folder = self.path / "curves"
        try:
            found = Sketch(**{f.name: files.open_array(folder / f"sketch_{f.name}.npy") for f in fields(Sketch)})
        except UnreadableFile:
            found = None
        if found is None or not found.fits(self.curves, self.ranks):
            found = sketch(self.curves, self.ranks)
        return live(self.curves, self.scale, self.entry_count, self.ranks, found)

    @property
    def pair_files(self) -> list[Path]:
        """The Parquet files with the pairs of a finished run, in the order of the units."""
        return [self.path / "pairs" / f"{index:05d}.parquet" for index in range(len(self.info["plan"]["units"]))]


def open_run(path: Path) -> Run:
    """Read a run folder; raises BadRun where there is none, one of another format, or one whose run.json changed."""
    try:
        info, text = files.read_json_text(path / "run.json")
    except UnreadableFile:
        if (path / "run.json").is_file():
            raise
        raise BadRun(
            f"{path}: not a run folder (no run.json); 'headtail runs DIR' lists the runs in a folder"
        ) from None
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        found = info.get("format") if isinstance(info, dict) else None
        raise BadRun(
            f"{path}: run folder of format {found}, this version reads format {FORMAT}"
            + ("; a later headtail wrote it, install that one" if isinstance(found, int) and found > FORMAT else "")
        )
    needed = _KEYS | (_KEYS_WHEN_DONE if info.get("state") == "done" else set())
    if missing := sorted(needed - info.keys()):
        raise BadRun(f"{path}: run.json lacks {', '.join(missing)}; it was damaged or written by something else")
    if wrong := misfit(info, _FORM | (_FORM_WHEN_DONE if info["state"] == "done" else {})):
        raise BadRun(f"{path}: run.json has no such {wrong} as it should; it was damaged or written by something else")
    try:
        CurateConfig(**info["plan"]["config"])
    except (CurationError, TypeError, ValueError, AttributeError):
        raise BadRun(
            f"{path}: run.json has settings that this version does not know; it was damaged or written by a later one"
        ) from None
    if not digests.is_unchanged(text, info):
        raise BadRun(
            f"{path}: run.json was changed after the run began, or is damaged; put back a copy, or start a new run"
        )
    return Run(path, info)


def open_finished_run(path: Path) -> Run:
    """Like `open_run`, but BadRun unless the run is done."""
    run = open_run(path)
    if run.state != "done":
        raise BadRun(f"{path}: the run is {run.state}, not done; go on with 'headtail curate --resume -o {path}'")
    return run


def list_runs(folder: Path) -> list[Run]:
    """The runs directly in a folder, the newest first; whatever else is in there is passed over."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(CurationError):
            found.append(open_run(path))
    return sorted(found, key=lambda run: (run.info["created"], run.name), reverse=True)


def rename(path: Path, name: str) -> None:
    """Let people call a run otherwise, whatever its job does in the meantime; raises BadArgument, BadRun."""
    open_run(path)
    files.write_json(path / NAME_FILE, {"name": check_name(name)})


def check_name(name: str) -> str:
    """The name as it is kept, or BadArgument; it may hold every character that can be written down."""
    name = name.encode("utf-8", "replace").decode().strip()
    if not 0 < len(name) <= NAME_CHARACTERS:
        raise BadArgument(f"a name of {len(name)} characters: give one of 1 to {NAME_CHARACTERS}")
    return name


def write_info(path: Path, info: dict[str, Any]) -> None:
    """Replace run.json in one step, with the digest of itself."""
    files.write_text(path / "run.json", digests.with_digest(info))


def write_curves(path: Path, curves: Curves) -> None:
    """Write curves/, one .npy an array."""
    for f in fields(curves):
        files.write_array(path / "curves" / f"{f.name}.npy", getattr(curves, f.name))


def write_sketch(path: Path, sketch: Sketch) -> None:
    """Write the columns of the curves that the live chart draws, beside the curves."""
    for f in fields(sketch):
        files.write_array(path / "curves" / f"sketch_{f.name}.npy", getattr(sketch, f.name))


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the folder's lock; BadRun if another process does. The kernel frees it when the process ends, however."""
    try:
        descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except FileNotFoundError:
        raise BadRun(f"{path}: is not there any more; somebody moved or deleted it") from None
    try:
        for last_try in (False,) * 9 + (True,):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if last_try:
                    raise BadRun(
                        f"{path}: another process works on this run; wait for it, or cancel it first"
                    ) from None
                time.sleep(0.02)  # it may only be `is_locked`, which holds it for an instant
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a living process works on the run."""
    try:
        descriptor = os.open(path / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
