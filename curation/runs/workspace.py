"""The folder with runs and metadata that the app shows, and the run over the sample data that it opens on."""

import os
import secrets
from pathlib import Path

from curation.errors import BadRun, MissingFile
from curation.metadata_files import read_metadata
from curation.runs import job
from curation.runs.config import CurateConfig
from curation.runs.folder import Run, open_run
from curation.runs.plan import create_run

SAMPLE_DATA = Path(__file__).resolve().parents[2] / "sample_data"
SAMPLE_RUN = "sample-world"
SAMPLE_T = 20.0

OWN_NAMES = frozenset(
    {
        "trash",
        "tasks",
        "exports",
        "uploads",
        "metadata",
        "views",
        "models",
        "ladders",
        "decoded",
        "features",
        "results.parquet",
    }
)
"""What lies beside the runs of a workspace and belongs to it, but for what is hidden; docs/run-folder.md says what."""


def workspace() -> Path:
    """The folder with runs: the environment variable HEADTAIL_RUNS, or `runs` in the current folder."""
    return Path(os.environ.get("HEADTAIL_RUNS") or "runs").resolve()


def new_run_folder() -> Path:
    """A folder for a new run, which is not there yet: a random id, for the name of a run is only data."""
    return workspace() / secrets.token_hex(8)


def exports_folder() -> Path:
    """Where exports go whose place is only named."""
    return workspace() / "exports"


def tasks_folder() -> Path:
    """Where tasks are: exports, verifications and dry runs, under way and done."""
    return workspace() / "tasks"


def uploads_folder() -> Path:
    """Where the files are kept that were handed over by a browser."""
    return workspace() / "uploads"


def metadata_folder() -> Path:
    """The folder with metadata of the workspace's own, edited in the app; it need not be there."""
    return workspace() / "metadata"


def thumbnail_folder() -> Path:
    """Where thumbnails are kept that the app made; it may be removed at any time."""
    return workspace() / ".thumbnails"


def models_folder() -> Path:
    """Where trainings and checkpoints of the workspace's own are, each a folder; it need not be there."""
    return workspace() / "models"


def ladders_folder() -> Path:
    """Where the ladders of the workspace are, each a folder; it need not be there."""
    return workspace() / "ladders"


def decoded_folder() -> Path:
    """Where the pictures of runs are kept decoded for trainings, see `clip.training.decoded`; it may be removed."""
    return workspace() / "decoded"


def features_folder() -> Path:
    """Where features of pictures and texts are kept, see `clip.features`; it may be removed at any time."""
    return workspace() / "features"


def results_file() -> Path:
    """The table of what was measured of checkpoints, see `clip.results`."""
    return workspace() / "results.parquet"


def ensure_sample_run() -> Path:
    """The folder of the run over the sample data; made, and its job started, where it is not there yet.

    Returns at once; the job takes some seconds. raises MissingFile where headtail came without its sample data
    """
    path = workspace() / SAMPLE_RUN
    run = _open(path) or _create(path)
    if run.state in ("planned", "interrupted"):
        job.start(path)
    return path


def _open(path: Path) -> Run | None:
    return open_run(path) if (path / "run.json").is_file() else None


def _create(path: Path) -> Run:
    if not (SAMPLE_DATA / "pool").is_dir():
        raise MissingFile(f"{SAMPLE_DATA}: no sample data here; open a run of your own with 'headtail app RUN'")
    metadata = read_metadata(SAMPLE_DATA / "metadata.parquet")
    try:
        return create_run(
            path,
            [str(SAMPLE_DATA / "pool")],
            metadata,
            CurateConfig(t=SAMPLE_T),
            name="Sample: emoji world (synthetic)",
        )
    except BadRun:
        if run := _open(path):  # another session made it in the meantime
            return run
        raise
