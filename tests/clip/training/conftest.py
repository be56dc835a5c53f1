"""A run to train on, decoded once, and a workspace of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from clip.training.colours import make_colour_run, trained
from curation.clip.architectures import named_cfg
from curation.clip.checkpoint import preprocess_cfg_of
from curation.clip.encode import Preprocess
from curation.clip.training.decoded import DecodedPool, decode
from curation.clip.training.folder import Training
from curation.runs.folder import Run


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path / "workspace"))


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    """More only wait for each other with models as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_colour_run(tmp_path_factory.mktemp("colours"))


@pytest.fixture(scope="session")
def preprocess() -> Preprocess:
    """That of headtail-nano."""
    return Preprocess(preprocess_cfg_of(named_cfg("headtail-nano")))


@pytest.fixture(scope="session")
def decoded(run: Run, preprocess: Preprocess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the pictures of the run are decoded for headtail-nano."""
    folder = tmp_path_factory.mktemp("decoded")
    decode(run, folder, preprocess)
    return folder


@pytest.fixture(scope="session")
def pool(run: Run, preprocess: Preprocess, decoded: Path) -> DecodedPool:
    return decode(run, decoded, preprocess)


@pytest.fixture(scope="package")
def done(_one_thread: None, run: Run, decoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Training:
    """An undisturbed training; with as many threads as those that are compared with it."""
    return trained(tmp_path_factory.mktemp("trainings") / "undisturbed", run, decoded)
