"""The kinds of tasks: what the job of each does with its arguments, and what its result is."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curation.engines import Cancelled
from curation.engines.config import EngineConfig, open_engine
from curation.metadata_files import read_metadata
from curation.runs import job
from curation.runs.config import CurateConfig
from curation.runs.folder import open_finished_run
from curation.runs.plan import create_run
from curation.runs.progress import Reporter
from curation.runs.tasks import Kind, Task

Cancel = Callable[[], bool]


def _curate(task: Task, cancel: Cancel) -> dict[str, Any]:
    """Plan a new run and start its job. arguments: pool, metadata, config, engine, name, run (folder)"""
    asked = task.arguments
    run = create_run(
        Path(asked["run"]),
        asked["pool"],
        read_metadata(Path(asked["metadata"])),
        CurateConfig(**asked["config"]),
        name=asked["name"],
    )
    job.choose_engine(run.path, _engine(asked))
    job.start(run.path)
    return {"run": str(run.path)}


def _estimate(task: Task, cancel: Cancel) -> dict[str, Any]:
    """A dry run. arguments: pool, metadata, config, engine"""
    from curation.runs.estimate import estimate

    asked, told = task.arguments, 0
    advance = _advance(task, cancel, "estimate", 100)

    def on_share(share: float) -> None:
        nonlocal told
        advance(round(100 * share) - told)
        told = round(100 * share)

    with open_engine(_engine(asked)) as engine:
        found = estimate(
            asked["pool"],
            read_metadata(Path(asked["metadata"])),
            CurateConfig(**asked["config"]),
            engine,
            scratch=task.path,
            on_share=on_share,
            cancel=cancel,
        )
    return asdict(found)


def _export(task: Task, cancel: Cancel) -> dict[str, Any]:
    """Write an export. arguments: run, t, kind, images, output (folder)"""
    from curation.runs.export.options import ExportOptions
    from curation.runs.export.write import export

    asked = task.arguments
    run = open_finished_run(Path(asked["run"]))
    manifest = export(
        run,
        asked["t"],
        Path(asked["output"]),
        asked["kind"],
        ExportOptions(images=asked["images"]),
        on_rows=_advance(task, cancel, "export", run.info["totals"]["pairs"]),
        cancel=cancel,
    )
    size = sum(file["bytes"] for file in [*manifest["files"], *manifest["cards"]])
    return {"output": asked["output"], "pairs": manifest["pairs"], "files": len(manifest["files"]), "bytes": size}


def _verify(task: Task, cancel: Cancel) -> dict[str, Any]:
    """Derive pairs again and compare. arguments: run, export (folder, or None for the run), sample (units, or None)"""
    from curation.runs.export.manifest import open_export
    from curation.runs.export.verify import verify_export
    from curation.runs.verify import rows_to_check, verify_run

    asked = task.arguments
    run = open_finished_run(Path(asked["run"]))
    if asked["export"] is not None:
        rows = run.info["totals"]["rows"]
        return asdict(
            verify_export(
                open_export(Path(asked["export"])), run, on_rows=_advance(task, cancel, "verify export", rows)
            )
        )
    advance = _advance(task, cancel, "verify", rows_to_check(run, asked["sample"]))
    return asdict(verify_run(run, sample=asked["sample"], on_rows=advance))


KINDS: dict[Kind, Callable[[Task, Cancel], dict[str, Any]]] = {
    "curate": _curate,
    "estimate": _estimate,
    "export": _export,
    "verify": _verify,
}


def _engine(asked: dict[str, Any]) -> EngineConfig:
    """Where a task says that units run; older ones say nothing."""
    return EngineConfig(**asked.get("engine", {}))


def _advance(task: Task, cancel: Cancel, phase: str, total: int) -> Callable[[int], None]:
    """A function that is told how many more are done; raises Cancelled when the task is to stop."""
    report = Reporter(task.path, total, "rows", lambda progress: None)
    report.phase(phase)

    def advance(rows: int) -> None:
        if cancel():
            raise Cancelled
        report.add(rows)

    return advance
