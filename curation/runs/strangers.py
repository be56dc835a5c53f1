"""What lies in a folder with runs and is none: let be, and listed, so that nobody looks for a run that is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curation.errors import CurationError
from curation.runs.folder import Run, open_run
from curation.runs.workspace import OWN_NAMES

NAMED = 10


@dataclass(frozen=True)
class Stranger:
    """name: of the file or folder, which may be no Unicode; reason: why it is no run, in words"""

    name: str
    reason: str


def list_strangers(folder: Path, runs: Sequence[Run]) -> list[Stranger]:
    """All that is directly in a folder, by name, but for its runs, hidden files, and what the workspace keeps there.

    runs: those of the folder
    """
    ours = {run.path.name for run in runs} | OWN_NAMES
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    strange = [path for path in found if path.name not in ours and not path.name.startswith(".")]
    return [Stranger(path.name, reason) for path in strange if (reason := _why_no_run(path)) is not None]


def in_words(strangers: Sequence[Stranger]) -> str:
    """One line that names them, or the first of many.

    >>> in_words([Stranger("a.txt", "a file"), Stranger("b", "no run.json")])
    '2 things here are no runs: a.txt, b'
    """
    things = "1 thing here is no run" if len(strangers) == 1 else f"{len(strangers):,} things here are no runs"
    more = f" and {len(strangers) - NAMED:,} more" if len(strangers) > NAMED else ""
    return f"{things}: {', '.join(one.name for one in strangers[:NAMED])}{more}"


def _why_no_run(path: Path) -> str | None:
    """None where it has become one in the meantime."""
    if not path.is_dir():
        return "a file"
    if not (path / "run.json").is_file():
        return "no run.json"
    try:
        open_run(path)
    except CurationError as error:
        return str(error).removeprefix(f"{path}: ").removeprefix(f"{path / 'run.json'}: ")
    return None
