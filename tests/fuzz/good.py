"""A small run and an export of it, to be mangled."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from curation.metadata import from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.export.write import export
from curation.runs.folder import open_run
from curation.runs.plan import create_run
from inline import INLINE

TEXTS = ["a dog", "a hot dog", "dog, cat", "photo of a cat", "a photo", "dog dog dog"]


@cache
def folder() -> Path:
    """One folder for all that a process writes."""
    made = tempfile.mkdtemp(prefix="headtail-fuzz-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


@cache
def good_run() -> Path:
    path = folder() / "good-run"
    pq.write_table(pa.table({"text": TEXTS, "url": [f"u{n}" for n in range(len(TEXTS))]}), folder() / "pool.parquet")
    entries = from_entries(["dog", "hot dog", "cat"], source="test")
    create_run(path, [str(folder() / "pool.parquet")], entries, CurateConfig(t=2.0))
    curate.run(path, INLINE)
    return path


@cache
def good_export() -> Path:
    path = folder() / "good-export"
    export(open_run(good_run()), 2.0, path, "parquet")
    return path
