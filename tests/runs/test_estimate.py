"""The dry run against the truth, which a run over the whole pool tells."""

import numpy as np
import pytest

from conftest import ZIPF_ENTRIES, write_pool
from curation.engines import Cancelled
from curation.errors import BadArgument, MissingFile
from curation.metadata import by_language, from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.estimate import estimate
from curation.runs.folder import lock
from curation.runs.plan import create_run
from curation.runs.trash import bytes_on_disk
from inline import INLINE

METADATA = from_entries(ZIPF_ENTRIES, source="test")


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """20,000 texts in row groups of 400: wk is rarer the larger k is, and all are more frequent in later groups."""
    random = np.random.default_rng(1)
    texts = []
    for row in range(20_000):
        chances = random.random(40) * (1 + 0.3 * (row > 12_000))
        texts.append(" ".join(f"w{k}" for k in range(1, 40) if chances[k] > 1 - 1 / (2 * k * k + 2)) or "x")
    return write_pool(tmp_path_factory.mktemp("estimate") / "pool.parquet", texts, row_group_size=400)


@pytest.fixture(scope="module")
def truth(pool, tmp_path_factory):
    def run(**config):
        path = tmp_path_factory.mktemp("truth") / "run"
        create_run(path, [str(pool)], METADATA, CurateConfig(**config))
        return curate.run(path, INLINE)

    return run


def dry_run(pool, seed=0, **config):
    return estimate([str(pool)], METADATA, CurateConfig(**config), INLINE, rows=5000, seed=seed)


def holds(found, truth):
    return found.low <= truth <= found.high


@pytest.mark.parametrize("config", [{"t": 20.0}, {"t": 300.0}, {"tail_share": 0.2}, {}, {"size": 5000}], ids=str)
def test_the_truth_lies_in_the_range(pool, truth, config):
    run, found = truth(**config), dry_run(pool, **config)
    totals = run.info["totals"]

    assert (found.parts, found.of_parts, found.rows_read, found.share) == (13, 50, 5200, 0.26)
    for name in ("pairs", "matched", "matches", "t", "kept"):
        assert holds(getattr(found, name), totals[name]), name
    # the run has one unit, where the sample has a file for each row group: their heads are most of so few rows
    assert 0.5 * bytes_on_disk(run.path) < found.disk_bytes.value < 2.0 * bytes_on_disk(run.path)
    assert found.free_bytes > 0
    assert set(found.seconds) == {"start", "match", "balance", "curves"}


def test_nineteen_of_twenty_samples_hold_the_truth(pool, truth):
    totals = truth(t=100.0).info["totals"]

    found = [dry_run(pool, seed, t=100.0) for seed in range(20)]

    # of 20 ranges of 95 %, fewer than 16 hold the truth in 3 of 1,000 cases
    for name in ("matched", "matches", "kept"):
        assert sum(holds(getattr(one, name), totals[name]) for one in found) >= 16, name
    assert len({one.matches.value for one in found}) > 10


def test_a_sample_of_all_is_exact_but_for_the_draw(pool, truth):
    run = truth(t=50.0)
    found = estimate([str(pool)], METADATA, CurateConfig(t=50.0), INLINE)

    totals = run.info["totals"]
    assert (found.share, found.notes) == (1.0, [])
    assert found.matches.low == found.matches.value == found.matches.high == totals["matches"]
    row = run.curves.row(50.0)
    assert found.kept.value == pytest.approx(run.curves.expected[row])
    assert found.kept.high - found.kept.value == pytest.approx(1.96 * run.curves.sigma[row])
    assert estimate([str(pool)], METADATA, CurateConfig(t=50.0), INLINE, seed=1).kept == found.kept  # no choice is left
    assert [(step.step, step.rows_in, step.dropped) for step in found.funnel[:2]] == [
        (step["step"], step["in"], step["dropped"]) for step in run.info["funnel"][:2]
    ]


def test_each_step_of_the_funnel_adds_up_with_filters_and_says_what_a_sample_cannot_know(pool):
    found = dry_run(pool, t=20.0, min_words=2, distinct_texts=True)

    assert [step.step for step in found.funnel] == [
        "read", "filter: too few words", "filter: same text", "match", "balance",
    ]  # fmt: skip
    for step, after in zip(found.funnel, [*found.funnel[1:], None], strict=True):
        assert step.rows_in == step.rows_out + sum(step.dropped.values())
        assert after is None or after.rows_in == step.rows_out
    assert any("same text" in note for note in found.notes)


def test_the_disk_of_a_run_in_one_piece_is_known(tmp_path, make_run):
    run = make_run(["w0 w1", "w2"] * 5000, ZIPF_ENTRIES, row_group_size=10_000, t=50.0)
    found = estimate([run.inputs[0].path], METADATA, CurateConfig(t=50.0), INLINE)

    # but for run.json, progress.json, log.txt, the heads of the arrays and the row of the run's own t
    assert found.disk_bytes.value == pytest.approx(bytes_on_disk(run.path), abs=35_000)


def test_of_large_row_groups_the_beginnings_are_read(tmp_path):
    pool = write_pool(tmp_path / "pool.parquet", ["w0 w1"] * 200_000, row_group_size=200_000)
    found = estimate([str(pool)], METADATA, CurateConfig(t=1000.0), INLINE, rows=1000)

    assert (found.rows_read, found.parts, found.of_parts) == (65_536, 1, 1)
    assert found.pairs.value == pytest.approx(200_000)
    assert any("one part" in note for note in found.notes)
    assert any("first rows" in note for note in found.notes)


def test_formats_that_do_not_tell_their_rows_are_read_whole(tmp_path):
    for k in range(3):
        (tmp_path / f"{k}.csv").write_text("uid,text\n" + "".join(f"{k}-{row},w0 w{row % 5}\n" for row in range(500)))
    found = estimate([str(tmp_path)], METADATA, CurateConfig(t=100.0), INLINE)

    assert (found.rows_read, found.share, found.pairs.value) == (1500, 1.0, 1500.0)


def test_a_file_without_a_row_does_no_harm(tmp_path):
    write_pool(tmp_path / "a.parquet", [])
    write_pool(tmp_path / "b.parquet", ["w0 w1"] * 50)
    found = estimate([str(tmp_path)], METADATA, CurateConfig(t=100.0), INLINE)

    assert (found.pairs.value, found.kept.value) == (50.0, 50.0)


def test_languages_have_thresholds_of_their_own(tmp_path):
    pool = tmp_path / "pool.csv"
    pool.write_text("uid,text,language\n" + "".join(f"{n},w{n % 3} w9,{('en', 'de')[n % 2]}\n" for n in range(600)))
    metadata = by_language({code: from_entries(["w0", "w1", "w2"], source="x") for code in ("en", "de")})
    config = CurateConfig(t=50.0, identify="never")
    create_run(tmp_path / "run", [str(pool)], metadata, config)
    run = curate.run(tmp_path / "run", INLINE)

    found = estimate([str(pool)], metadata, config, INLINE)

    assert found.kept.value == pytest.approx(run.curves.expected[run.curves.row(50.0)])


def test_what_cannot_be_estimated_is_answered_in_one_line(pool, tmp_path):
    with pytest.raises(MissingFile):
        dry_run(tmp_path / "nothing.parquet", t=20.0)
    with pytest.raises(BadArgument, match="nothing matched"):
        estimate([str(pool)], from_entries(["unicorn"], source="test"), CurateConfig(t=2.0), INLINE)


def test_it_can_be_cancelled_and_leaves_nothing(pool, tmp_path):
    with pytest.raises(Cancelled):
        estimate([str(pool)], METADATA, CurateConfig(t=2.0), INLINE, scratch=tmp_path, cancel=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_it_tells_how_far_it_is(pool):
    shares = []
    estimate([str(pool)], METADATA, CurateConfig(t=2.0), INLINE, rows=5000, on_share=shares.append)
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] <= 1.0


def test_what_a_killed_one_left_is_taken_away_by_the_next_and_what_one_at_work_needs_is_not(pool, tmp_path):
    for name in (".dry-run-killed", ".dry-run-at-work"):
        (tmp_path / name / "work").mkdir(parents=True)
        (tmp_path / name / "lock").touch()
    with lock(tmp_path / ".dry-run-at-work"):
        estimate([str(pool)], METADATA, CurateConfig(t=2.0), INLINE, rows=400, scratch=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".dry-run-at-work"]
