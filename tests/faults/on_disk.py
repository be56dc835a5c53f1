"""In a mount namespace: a run on a disk that is too small or read-only, then on one that is not. Prints JSON.

on_disk.py small|read-only KILOBYTES PLANNED MOUNT
"""

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from curation.errors import CurationError
from curation.runs import curate, job
from curation.runs.folder import list_runs, open_run
from faults.driver import last_line, told_badly
from faults.subjects import contents
from inline import INLINE


def main(how: str, kilobytes: int, planned: Path, mount: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", mount], check=True)
    path = mount / "run"
    bad: list[str] = []
    fits = True
    try:
        shutil.copytree(planned, path)
    except (OSError, shutil.Error):
        fits = False
    if how == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        bad += [f"a page would break: {error!r}" for error in _breaks(path)]
    code, said = _job(path) if fits else (1, "headtail: the plan does not fit")
    bad += told_badly(code, said)
    fired = code == 1
    if fired and fits and how == "small" and "make room and resume" not in said:
        bad.append(f"does not say what to do: {last_line(said)}")
    subprocess.run(["mount", "-o", "remount,rw,size=64m", mount], check=True)
    if not fits:
        shutil.copytree(planned, path, dirs_exist_ok=True)
    try:
        curate.run(path, INLINE)
    except (CurationError, OSError) as error:
        bad.append(f"cannot be gone on with: {error}")
    bad += [f"left: {left.name}" for left in path.rglob("*.tmp")]
    found = contents(open_run(path)) if not bad else {}
    sys.stdout.write(json.dumps({"fired": fired, "said": last_line(said), "bad": bad, "contents": found}) + "\n")


def _job(path: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", "curation", "run", path], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _breaks(path: Path) -> list[Exception]:
    """What pages do with a run that cannot be written: errors other than those that they tell."""
    found: list[Exception] = []
    for do in (lambda: list_runs(path.parent), lambda: job.cancel(path), lambda: job.start(path)):
        try:
            with suppress(CurationError, OSError):
                do()
        except Exception as error:
            found.append(error)
    return found


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
