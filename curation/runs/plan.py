"""A new run: its inputs, units and configuration, frozen before any work is done."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import curation
from curation import files
from curation.engines import Unit
from curation.errors import BadArgument, BadRun
from curation.languages import check_installed
from curation.metadata import Metadata, dead_entries
from curation.metadata_files import metadata_table
from curation.options import check_path
from curation.pool.inputs import PoolFile, find_files, guess_columns, look_at_all, unchanged
from curation.runs.config import CurateConfig
from curation.runs.folder import FORMAT, Run, write_info

UNIT_ROWS = 250_000
"""A unit closes with the row group that brings it to this many rows: seconds of work, small enough to lose."""


def create_run(path: Path, pool: Sequence[str], metadata: Metadata, config: CurateConfig, name: str = "") -> Run:
    """Make the run folder of a curation that has not begun.

    raises BadRun if the folder already holds something, BadArgument if its name is no UTF-8, and what looking at the
           pool raises; then nothing is written
    """
    check_path(path.absolute())
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise BadRun(f"{path}: exists already; choose another -o, or go on with a stopped run by --resume")
    plan = make_plan(pool, metadata, config)
    path.mkdir(parents=True, exist_ok=True)
    files.write_parquet(path / "work" / "metadata.parquet", metadata_table(metadata))
    info = {
        "format": FORMAT,
        "kind": "curate",
        "name": name or path.name,
        "state": "planned",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "plan": plan,
        "plan_digest": digest(plan),
        "metadata": {
            "by_source": metadata.count_by_source(),
            "dead": len(dead_entries(metadata)),
            **({"by_language": metadata.count_by_language()} if metadata.language is not None else {}),
        },
        "versions": _versions(),
    }
    write_info(path, info)
    return Run(path, info)


def make_plan(pool: Sequence[str], metadata: Metadata, config: CurateConfig) -> dict[str, Any]:
    """What a run does, as run.json keeps it; raises BadArgument and what looking at the pool raises."""
    if not pool:
        raise BadArgument("no pool: give files, folders or patterns")
    config = with_guesses(pool, config)
    inputs = look_at_all(pool, config.columns, config.pool_format)
    _check_languages(metadata, config)
    return {
        "config": asdict(config),
        "inputs": [asdict(file) for file in inputs],
        "units": [[at, first, stop] for at, file in enumerate(inputs) for first, stop in _unit_groups(file)],
        "metadata": {"digest": metadata.digest, "entries": len(metadata), "dropped": metadata.dropped},
        "version": curation.__version__,
    }


def with_guesses(pool: Sequence[str], config: CurateConfig) -> CurateConfig:
    """The configuration with the columns that the first file of the pool has, where it lacks those of the usual name.

    raises what finding the files and looking at the first one raises
    """
    path, its_format = find_files(pool, config.pool_format)[0]
    guessed = guess_columns(its_format.fields(path), config.columns)
    return replace(config, **{f"{name}_column": column for name, column in asdict(guessed).items()})


def units(run: Run) -> list[Unit]:
    """The frozen units of a run, in order."""
    return [
        Unit(index, run.inputs[at].path, tuple(range(first, stop)))
        for index, (at, first, stop) in enumerate(run.info["plan"]["units"])
    ]


def check_plan(run: Run) -> None:
    """BadRun if the plan was edited, another version of headtail made it, or an input changed or vanished."""
    if digest(run.info["plan"]) != run.info["plan_digest"]:
        raise BadRun(f"{run.path}: the plan in run.json was changed after the run began; start a new run")
    if (made_by := run.info["plan"]["version"]) != curation.__version__:
        raise BadRun(f"{run.path}: begun by headtail {made_by}, this is {curation.__version__}; start a new run")
    check_inputs(run)


def check_inputs(run: Run) -> None:
    """BadRun if an input of the run changed or vanished."""
    for file in run.inputs:
        if not files.is_uri(file.path) and not Path(file.path).is_file():
            raise BadRun(f"{run.path}: the input {file.path} is gone; put it back, or start a new run")
        if not unchanged(file, run.config.columns):
            raise BadRun(f"{run.path}: the input {file.path} has changed since the run began; start a new run")


def digest(plan: dict[str, Any]) -> str:
    """sha256 (hex) of the plan; every receipt carries it, so that parts of two plans never mix."""
    return hashlib.sha256(json.dumps(plan, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _check_languages(metadata: Metadata, config: CurateConfig) -> None:
    """Whatever would fail only when all texts are matched."""
    languages = metadata.count_by_language()
    if languages and config.reference_language not in languages:
        raise BadArgument(
            f"reference language {config.reference_language!r}: metadata has {', '.join(languages)}; "
            "choose one of them with --reference-language"
        )
    if languages and config.identify != "never":
        check_installed()


def amounts(run: Run) -> tuple[list[int], Literal["rows", "bytes"]]:
    """How much work each unit is: rows, or bytes of the pool where not every file tells its rows beforehand."""
    plan = [(run.inputs[at], first, stop) for at, first, stop in run.info["plan"]["units"]]
    rows = [sum(file.rows_in_group[first:stop]) for file, first, stop in plan]
    if all(file.rows is not None for file in run.inputs):
        return rows, "rows"
    return [
        file.bytes if file.rows is None else file.bytes * count // max(file.rows, 1)
        for (file, _, _), count in zip(plan, rows, strict=True)
    ], "bytes"


def _unit_groups(file: PoolFile) -> list[tuple[int, int]]:
    """The row groups of a file (first, stop), gathered to units of about UNIT_ROWS rows; (0, 0) for a file without."""
    if file.rows is None:
        return [(0, 0)]
    gathered: list[list[int]] = []
    rows = UNIT_ROWS
    for group, count in enumerate(file.rows_in_group):
        if rows >= UNIT_ROWS:
            gathered.append([])
            rows = 0
        gathered[-1].append(group)
        rows += count
    return [(groups[0], groups[-1] + 1) for groups in gathered]


def _versions() -> dict[str, str]:
    names = ("pyarrow", "numpy", "numba", "duckdb")
    return {
        "headtail": curation.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }
