"""What the tests of all formats share: read a whole file, and find the real crawl files."""

import os
from collections import Counter
from pathlib import Path

import pytest

from curation.pool.columns import Columns
from curation.pool.formats import format_of

SHARED = Path(os.environ.get("HEADTAIL_SHARED", Path(__file__).parents[3] / "shared"))
"""Real files that lie beside the repository; not part of it."""


def read_all(path, columns=None, using=None):
    """(rows, dropped, damages, notes) of a file."""
    scanned = list((using or format_of(path)).read(path, columns or Columns()))
    rows = [row for batch in scanned for row in batch.pairs.to_pylist()]
    dropped = sum((batch.dropped for batch in scanned), start=Counter())
    notes = sum((batch.notes for batch in scanned), start=Counter())
    return rows, dict(dropped), [batch.damage for batch in scanned if batch.damage], dict(notes)


def texts_of(path, **more):
    """(texts, dropped) of a file."""
    rows, dropped, _, _ = read_all(path, **more)
    return [row["text"] for row in rows], dropped


def real_file(name):
    """A real file, or a skipped test where there is none."""
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"no {path}: set HEADTAIL_SHARED to the folder it lies in")
    return path
