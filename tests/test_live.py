import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation import queries
from curation.live import EXACT_RANKS, heads, shown_ranks, summed_ranks
from curation.metadata import by_language, from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.folder import Run, open_run
from curation.runs.plan import create_run
from inline import INLINE


@pytest.fixture(scope="module")
def language_run(tmp_path_factory) -> Run:
    """English and German words, in as many texts as their numbers say."""
    folder = tmp_path_factory.mktemp("languages")
    rows = {"text": [], "language": []}
    for code, stem, size in (("en", "w", 30), ("de", "h", 12)):
        for position in range(1, 40 * size):
            rows["text"].append(" ".join(f"{stem}{k}" for k in range(size) if position % (k + 1) == 0))
            rows["language"].append(code)
    pq.write_table(pa.table(rows), folder / "pool.parquet")
    words = {code: [f"{stem}{k}" for k in range(40)] for code, stem in (("en", "w"), ("de", "h"))}
    metadata = by_language({code: from_entries(entries, source="test") for code, entries in words.items()})
    create_run(folder / "run", [str(folder / "pool.parquet")], metadata, CurateConfig(t=50.0, identify="never"))
    return curate.run(folder / "run", INLINE)


@pytest.fixture(params=["zipf_run", "language_run"])
def run(request) -> Run:
    """A run without languages, and one with two."""
    return request.getfixturevalue(request.param)


@given(st.integers(1, 2_000_000))
def test_the_head_is_drawn_whole_and_the_last_rank_is_drawn(entries):
    ranks = shown_ranks(entries)

    assert ranks[:EXACT_RANKS].tolist() == list(range(1, min(entries, EXACT_RANKS) + 1))
    assert ranks[-1] == entries
    assert ranks.size <= 1500
    assert (np.diff(ranks) > 0).all()


def test_later_ranks_are_spread_evenly_on_the_logarithm():
    steps = np.diff(np.log(shown_ranks(500_000)[1000:]))

    # 500 points over ln(500); rounding to whole ranks moves a point by at most half a rank of 1,000
    assert steps == pytest.approx(np.log(500) / 499, abs=0.001)


@pytest.mark.parametrize("entries", [1, 2, 200, 500_000])
def test_sums_end_at_the_last_rank(entries):
    ranks = summed_ranks(entries)

    assert (ranks[0], ranks[-1]) == (1, entries)
    assert (np.diff(ranks) > 0).all()


def test_every_number_at_every_t_is_that_of_the_library(run):
    live = run.live
    assert live.t.tolist() == run.curves.grid.tolist()

    for row, t in enumerate(live.t.tolist()):
        size = queries.size(run, t)
        for name in ("t", "kept", "expected", "sigma", "tail_share", "kept_tail_share"):
            assert getattr(live, name)[row] == getattr(size, name), (name, t)
        assert live.entries_covered[row] == size.entries_covered
        assert live.entries_at_cap[row] == size.entries_at_cap


def test_every_sketch_point_at_every_t_is_that_of_the_library(run):
    live, curves, scale = run.live, run.curves, run.scale
    of_reference = scale.entry_language[curves.ranked_entry_id] == scale.reference
    assert live.entries == of_reference.sum()
    assert live.entry_id.tolist() == curves.ranked_entry_id[of_reference][live.rank - 1].tolist()
    assert live.count.tolist() == run.entry_count[live.entry_id].tolist()
    assert (
        live.matches.tolist()
        == np.cumsum(run.entry_count[curves.ranked_entry_id[of_reference]])[live.summed - 1].tolist()
    )

    for row, t in enumerate(live.t.tolist()):
        kept = queries.entry_kept_at(run, t)[of_reference]
        assert live.entry_kept[row].tolist() == kept[live.rank - 1].tolist()
        assert live.kept_matches[row].tolist() == np.cumsum(kept)[live.summed - 1].tolist()
        count = curves.ranked_entry_count[of_reference]
        assert (live.head[row], live.head_matches[row]) == ((count >= t).sum(), count[count >= t].sum())


def test_without_languages_head_and_tail_are_those_of_the_pool(zipf_run):
    live = zipf_run.live

    assert live.head.tolist() == live.entries_at_cap.tolist()
    assert 1 - live.head_matches / live.matches[-1] == pytest.approx(live.tail_share)


def test_a_t_between_is_sketch_like_one_on_the_grid(run):
    t = float(np.nextafter(run.live.t[100], 0))
    kept = queries.entry_kept_at(run, t)
    row = np.flatnonzero(run.live.t < t)[-1]

    assert (run.ranks.kept(kept) >= run.live.entry_kept[row]).all()
    assert run.ranks.matches(kept)[-1] == kept[run.ranks.column].sum()
    head, _ = heads(run.curves, run.ranks, np.array([t]))
    assert head == (run.curves.ranked_entry_count[run.ranks.column] >= t).sum()


def test_x_or_with_old_ones_gives_the_same(zipf_run, tmp_path):
    shutil.copytree(zipf_run.path, tmp_path / "run")
    written = sorted((tmp_path / "run" / "curves").glob("sketch_*.npy"))
    assert [path.stem for path in written] == ["sketch_kept", "sketch_kept_matches", "sketch_rank", "sketch_summed"]

    np.save(written[2], np.arange(3))
    old = open_run(tmp_path / "run").live
    for path in written:
        path.unlink()
    none = open_run(tmp_path / "run").live

    for live in (old, none):
        assert live.entry_kept.tolist() == zipf_run.live.entry_kept.tolist()
        assert live.kept_matches.tolist() == zipf_run.live.kept_matches.tolist()


def test_a_run_that_looked_for_a_size_draws_its_own_t_too(make_run):
    run = make_run([f"a dog {k}" for k in range(60)] + ["cat"] * 5, size=17)

    assert run.live.entry_kept.shape[0] == run.curves.grid.size
    assert run.live.kept[run.curves.row(run.t)] == 17


def test_a_pool_that_matches_nothing_has_nothing_to_draw(make_run):
    live = make_run(["x", "y"], t=2.0).live

    assert (live.entries, live.rank.size, live.summed.size) == (0, 0, 0)
    assert live.entry_kept.shape == (live.t.size, 0)
    assert live.head.tolist() == [0] * live.t.size
