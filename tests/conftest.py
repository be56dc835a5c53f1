"""Small pools and runs that many tests share."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import cli, terminal
from curation.metadata import from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.folder import Run
from curation.runs.plan import create_run
from inline import INLINE

ENTRIES = ["dog", "hot dog", "cat", "a", "photo", "unicorn", "U.S."]
TEXTS = ["a dog", "a hot dog", "dog, cat", "photo of a cat", "IMG_0001.jpg", "a photo", "dog dog dog", ""]


def write_pool(path: Path, texts: Sequence[str | None], row_group_size: int = 1000, first: int = 0) -> Path:
    """A pool of texts, with uids that number the pairs from `first`."""
    table = pa.table(
        {
            "uid": [f"pair-{first + at:06d}" for at in range(len(texts))],
            "url": [f"https://pool.example/{first + at}.jpg" for at in range(len(texts))],
            "text": pa.array(texts, pa.string()),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group_size)
    return path


def write_damaged_pool(path: Path) -> Path:
    """A pool of 5,000 texts whose footer is whole and some of whose pages are not; their checksums tell."""
    pq.write_table(
        pa.table({"text": [f"text {n}" for n in range(5000)]}), path, use_dictionary=False, write_page_checksum=True
    )
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 64] = b"\xff" * 64
    path.write_bytes(data)
    return path


def zipf_texts(n: int) -> list[str]:
    """Texts over the words w0, w1, ...: the word wk stands in about n / (k + 1) of them."""
    return [" ".join(f"w{k}" for k in range(40) if position % (k + 1) == 0) for position in range(1, n + 1)]


ZIPF_ENTRIES = [f"w{k}" for k in range(50)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes run the tests, a file goes to one of them, and all that need a browser to the same."""
    # its marks of groups would do, but with pytest 9.2 they have no effect
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)

    return Scheduling(config, log)


@pytest.fixture(autouse=True)
def main_module_stays(monkeypatch):
    """Streamlit puts the script of a page in the place of the main module, which a spawned process would run then."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Curate texts into a run folder of its own and give back the finished run."""

    def make(
        texts: Sequence[str | None] = TEXTS,
        entries: Sequence[str] = ENTRIES,
        *,
        name: str = "run",
        workers: int = 1,
        row_group_size: int = 1000,
        **config: object,
    ) -> Run:
        pool = write_pool(tmp_path / f"{name}-pool.parquet", texts, row_group_size)
        settings = CurateConfig(**(config or {"t": 2.0}))
        create_run(tmp_path / name, [str(pool)], from_entries(entries, source="test"), settings)
        return curate.run(tmp_path / name, INLINE)

    return make


@pytest.fixture
def headtail(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Run a command; its exit code, what it printed, and what it complained about."""
    monkeypatch.setattr(terminal, "QUIET_S", 3600.0)  # a busy machine makes a short run a long one

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            cli.main([*map(str, arguments)])
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture(scope="session")
def zipf_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """4,000 pairs over 50 entries, the first of which stands in every text; t = 100."""
    folder = tmp_path_factory.mktemp("zipf")
    pool = write_pool(folder / "pool.parquet", zipf_texts(4000), row_group_size=700)
    create_run(folder / "run", [str(pool)], from_entries(ZIPF_ENTRIES, source="test"), CurateConfig(t=100.0))
    return curate.run(folder / "run", INLINE)


@pytest.fixture(scope="session")
def picture_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """980 pairs with pictures over 50 entries, and what can be wrong with pictures; t = 20."""
    from pictures import make_picture_run

    return make_picture_run(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def kept(picture_run: Run) -> dict[str, dict[str, Any]]:
    """uid -> row of each pair that `picture_run` keeps at its own t, with its number in the pool as `n`."""
    from pictures import uid_of

    numbers = {uid_of(n): n for n in range(1000)}
    rows = [row for path in picture_run.pair_files for row in pq.read_table(path).to_pylist()]
    return {row["uid"]: {**row, "n": numbers[row["uid"]]} for row in rows if row["t_min"] < 20.0}
