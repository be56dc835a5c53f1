"""A pool and a run on disk for commands."""

import json

import pytest

from conftest import TEXTS, write_pool


@pytest.fixture
def world(tmp_path):
    """A pool and metadata on disk."""
    write_pool(tmp_path / "pool.parquet", TEXTS)
    (tmp_path / "entries.json").write_text(json.dumps(["dog", "hot dog", "cat", "a", "photo", "U.S."]))
    return tmp_path


@pytest.fixture
def run_folder(world, headtail):
    code, _, _ = headtail(
        "curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2, "-o", world / "run"
    )
    assert code == 0
    return world / "run"
