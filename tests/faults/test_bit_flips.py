"""A bit that flips in a file of a finished run: `headtail verify` finds it, and what the app reads answers in words."""

import shutil
from pathlib import Path
from random import Random

import pytest

from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation import drawn, queries, rare
from curation.errors import CurationError
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.folder import open_finished_run
from curation.runs.plan import create_run
from curation.runs.verify import verify_run
from inline import INLINE

NOT_RESULTS = {"lock", "log.txt", "progress.json", "engine.json"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """1,000 pairs in two units, with filters, rare entries and a draw, as only large runs have them."""
    folder = tmp_path_factory.mktemp("flips")
    pool = write_pool(folder / "pool.parquet", zipf_texts(1000), row_group_size=500)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(plan, "UNIT_ROWS", 500)
        for module, name, value in (
            (rare, "SMALL_RUN", 100), (rare, "RARE", 30), (drawn, "SMALL_RUN", 100), (drawn, "DRAWN", 300),
        ):  # fmt: skip
            small.setattr(module, name, value)
        config = CurateConfig(t=30.0, max_words=30)
        create_run(folder / "run", [str(pool)], from_entries(ZIPF_ENTRIES, source="test"), config)
        return curate.run(folder / "run", INLINE)


def test_the_run_has_every_kind_of_file(run):
    names = {path.relative_to(run.path).parts[0] for path in run.path.rglob("*") if path.is_file()}
    assert names - NOT_RESULTS == {
        "run.json",
        "entries.parquet",
        "pairs",
        "filtered",
        "curves",
        "rare",
        "drawn.parquet",
    }
    assert rare.rare_places(run.path / "rare", 35).size > 0
    assert verify_run(run).findings == []
    assert answers(run.path)


def test_a_bit_that_flips_in_any_file_is_found(run, tmp_path):
    assert unnoticed(run.path, tmp_path, times=50, seed=1) == []


@pytest.mark.long
def test_of_four_hundred_bits_that_flip_none_goes_unnoticed(run, tmp_path):
    assert unnoticed(run.path, tmp_path, times=400, seed=0) == []


def unnoticed(original: Path, scratch: Path, times: int, seed: int) -> list[str]:
    """Flips that verifying does not find, and such at which a reader breaks; the files take turns."""
    random = Random(seed)
    names = sorted(
        path.relative_to(original) for path in original.rglob("*") if path.is_file() and path.name not in NOT_RESULTS
    )
    bad = []
    for number in range(times):
        copy = scratch / str(number)
        shutil.copytree(original, copy)
        victim = copy / names[number % len(names)]
        data = bytearray(victim.read_bytes())
        bit = random.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        victim.write_bytes(data)
        where = f"bit {bit} of {names[number % len(names)]}"
        bad += [where] if not is_found(copy) else []
        try:
            answers(copy)
        except CurationError:
            pass
        except Exception as error:
            bad.append(f"{where}: {error!r}")
        shutil.rmtree(copy)
    return bad


def is_found(path: Path) -> bool:
    try:
        return bool(verify_run(open_finished_run(path), sample=0).findings)
    except CurationError:
        return True


def answers(path: Path) -> list[object]:
    """What pages ask a run for."""
    run = open_finished_run(path)
    return [
        queries.size(run, run.t),
        run.live,
        queries.funnel(run, queries.size(run, run.t)),
        queries.samples(run, run.t, limit=12),
        queries.samples(run, run.t, entry=35, limit=12),
        queries.search_entries(run, text="w3", t=run.t),
        queries.entry_facts(run, 35, run.t),
        queries.count_samples(run, run.t),
        queries.with_uids(run, ["pair-000007"]),
    ]
