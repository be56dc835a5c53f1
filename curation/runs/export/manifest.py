"""The manifest of an export: what it was made of, and the digest of every file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import curation
from curation import files, queries
from curation.errors import BadRun
from curation.runs.folder import Run
from curation.runs.form import FILE, POOL_FILE, STEP, count, misfit, number

MANIFEST = "_manifest.json"
"""Readers of Parquet folders pass over names that begin with an underscore."""
FORMAT = 2
RULE = "t_min < t"


@dataclass(frozen=True)
class Export:
    """An export that was read from its folder."""

    path: Path
    manifest: dict[str, Any]

    @property
    def kind(self) -> str:
        """Name of its format."""
        return str(self.manifest["kind"])

    @property
    def t(self) -> float:
        """The threshold."""
        return float(self.manifest["t"])

    @property
    def files(self) -> list[str]:
        """Names of its files, relative to the folder; not the cards and the manifest."""
        return [file["path"] for file in self.manifest["files"]]


def make_manifest(
    run: Run,
    size: queries.Size,
    *,
    kind: str,
    columns: Sequence[str],
    pairs: int,
    dropped: dict[str, int],
    rows: dict[str, int],
    cards: Sequence[str],
    folder: Path,
) -> dict[str, Any]:
    """The manifest of an export whose files stand in `folder`.

    dropped: kept pairs that the format cannot hold, by reason; rows: file -> pairs in it
    """
    plan = run.info["plan"]
    return {
        "format": FORMAT,
        "kind": kind,
        "columns": list(columns),
        "rule": RULE,
        "t": size.t,
        "seed": run.seed,
        "pairs": pairs,
        "funnel": make_funnel(run, size, dropped),
        "name": run.name,
        "run": str(run.path.resolve()),
        "plan_digest": run.info["plan_digest"],
        "config": plan["config"],
        "metadata": plan["metadata"],
        "inputs": plan["inputs"],
        "files": [_file(folder, path, count) for path, count in rows.items()],
        "cards": [_file(folder, path, size.entries) for path in cards],
        "versions": {**run.info["versions"], "exported by headtail": curation.__version__},
    }


def make_funnel(run: Run, size: queries.Size, dropped: dict[str, int]) -> list[dict[str, Any]]:
    """The steps of the run at this size, and that of the export; of the reasons to drop, those that met a pair."""
    dropped = {reason: count for reason, count in dropped.items() if count}
    steps = [
        {"step": step.step, "in": step.rows_in, "out": step.rows_out, "dropped": step.dropped}
        for step in queries.funnel(run, size)
    ]
    out = size.kept - sum(dropped.values())
    return [*steps, {"step": "export", "in": size.kept, "out": out, "dropped": dropped}]


def open_export(path: Path) -> Export:
    """Read an export by its folder, or by its manifest; raises BadRun where there is none, or one of another format."""
    folder = path.parent if path.name == MANIFEST else path
    if not (folder / MANIFEST).is_file():
        raise BadRun(f"{path}: not an export (no {MANIFEST})")
    manifest = files.read_json(folder / MANIFEST)
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise BadRun(f"{path}: export of format {found}, this version reads format {FORMAT}; export it again")
    if missing := sorted(_KEYS - manifest.keys()):
        raise BadRun(f"{path}: {MANIFEST} lacks {', '.join(missing)}; it was damaged or written by something else")
    if wrong := misfit(manifest, _FORM):
        raise BadRun(
            f"{path}: {MANIFEST} has no such {wrong} as it should; it was damaged or written by something else"
        )
    return Export(folder, manifest)


def _file(folder: Path, path: str, rows: int) -> dict[str, Any]:
    size = (folder / path).stat().st_size
    return {"path": path, "rows": rows, "bytes": size, "sha256": files.sha256(folder / path)}


_KEYS = {"kind", "columns", "t", "seed", "pairs", "funnel", "run", "plan_digest", "config", "metadata", "inputs"}
_KEYS |= {"files", "cards", "name", "rule"}
_FORM = {
    "kind": str, "columns": [str], "rule": str, "t": number, "pairs": count, "name": str, "run": str,
    "plan_digest": str, "funnel": [STEP], "config": dict, "metadata": dict,
    "inputs": [POOL_FILE], "files": [FILE], "cards": [FILE],
}  # fmt: skip
