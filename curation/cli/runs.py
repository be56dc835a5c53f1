"""The runs that are there: the commands runs and watch."""

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.cli.apps import app
from curation.cli.options import Json, RunFolder
from curation.cli.size import print_size
from curation.errors import BadRun, CurationError
from curation.terminal import number, plain, print_json, progress_bar

if TYPE_CHECKING:
    from curation.runs.folder import Run
    from curation.runs.progress import Progress

LOOK_EVERY_S = 0.5


@app.command
def runs(folder: Path = Path("runs"), *, as_json: Json = False) -> None:
    """A line a run; of those under way with the phase that it is in and how far it is; last, what is no run."""
    from curation.runs.folder import list_runs
    from curation.runs.strangers import in_words, list_strangers

    there = list_runs(folder)
    strangers = list_strangers(folder, there)
    rows = [
        {
            **_where_it_stands(found),
            "created": found.info["created"],
            "rows": found.rows,
            "t": found.info["totals"]["t"] if "totals" in found.info else None,
            "kept": found.info["totals"]["kept"] if "totals" in found.info else None,
        }
        for found in there
    ]
    if as_json:
        print_json({"runs": rows, "strangers": strangers})
    elif not rows:
        print(f"no runs in {folder}; make one with 'headtail curate POOL --metadata FILE -o {folder}/NAME'")
    for row in rows if not as_json else ():
        when = row["created"][:16].replace("T", " ")
        kept = f"{row['kept']:,} kept at t = {number(row['t'])}" if row["kept"] is not None else ""
        stands = f"{row['phase']} {row['share']:.0%}" if row["phase"] is not None else ""
        rows_there = "" if row["rows"] is None else f"{row['rows']:,} rows"
        print(f"{row['state']:<12}{when}  {rows_there:>19}  {plain(row['folder'])}  {stands or kept}".rstrip())
    if strangers and not as_json:
        print(plain(in_words(strangers)))


@app.command
def watch(run: RunFolder, *, as_json: Json = False) -> None:
    """Follow a run that the app or another machine works on, until it ends; Ctrl-C leaves it alone.

    Exits with 0 if it is done in the end, else with 1. With --json it says where the run stands now, and exits with 0.
    """
    from curation.runs.folder import open_run

    found = open_run(run)
    if as_json:
        print_json({**_where_it_stands(found), "error": found.info.get("error"), "progress": _progress(found)})
        return
    with progress_bar() as show:
        while (found := open_run(run)).state in ("planned", "running"):
            if (progress := _progress(found)) is not None:
                show(progress)
            time.sleep(LOOK_EVERY_S)
    if found.state != "done":
        error = f" ({found.info['error']})" if found.info.get("error") else ""
        raise BadRun(f"{run}: {found.state}{error}; go on with 'headtail curate --resume -o {run}'")
    print_size(run, found.t, as_json)


def _where_it_stands(run: "Run") -> dict[str, Any]:
    """folder, name, state; phase and share of it from 0 to 1, where a job works on it."""
    from curation.runs.standing import share

    progress = _progress(run)
    return {
        "folder": str(run.path),
        "name": run.name,
        "state": run.state,
        "phase": progress and progress.phase,
        "share": progress and share(progress),
    }


def _progress(run: "Run") -> "Progress | None":
    from curation.runs.standing import standing

    with suppress(CurationError):
        return standing(run.path) if run.state == "running" else None
    return None
