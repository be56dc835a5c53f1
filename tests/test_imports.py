import subprocess
import sys

import pytest

MODULES = [
    "curation",
    "curation.cli",
    "curation.engines.ray",
    "curation.queries",
    "curation.online",
    "curation.runs.curate",
    "curation.runs.diff",
    "curation.runs.export.verify",
    "curation.runs.export.write",
    "curation.runs.workspace",
    "curation.pool.parquet",
    "curation.wikipedia.build",
    "curation.wikipedia.count",
]
HEAVY = {"torch", "open_clip", "torchvision", "plotly", "streamlit", "ray", "pandas"}


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("module", MODULES)
def test_the_library_loads_no_torch_plotly_or_streamlit(module):
    assert loaded_by(module) & HEAVY == set()


def test_the_command_line_starts_without_numba_duckdb_and_arrow():
    assert loaded_by("curation.cli") & {"numba", "duckdb", "pyarrow", "numpy"} == set()
