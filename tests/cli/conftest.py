"""Commands called through `main`, and a pool and a run on disk for them."""

import json

import pytest

from conftest import TEXTS, write_pool
from curation import cli


@pytest.fixture
def headtail(capsys):
    """Run a command; its exit code, what it printed, and what it complained about."""

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            cli.main([*map(str, arguments)])
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


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
