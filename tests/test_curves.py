import numpy as np
import pyarrow as pa
import pytest

from curation.balancing import expected_size, keep_prob, t_min, t_to_p
from curation.curves import CurveBuilder, threshold_grid
from curation.errors import CurationError

LISTS = pa.list_(pa.int32())


@pytest.fixture(scope="module")
def world():
    """500 pairs over 40 entries, five of which match nothing."""
    rng = np.random.default_rng(0)
    lists = [sorted(set((35 * rng.random(rng.integers(0, 6)) ** 3).astype(int).tolist())) for _ in range(500)]
    matched = pa.array(lists, LISTS)
    counts = np.bincount(matched.flatten().to_numpy(), minlength=40)
    smallest = t_min(matched, rng.random(len(matched.flatten())), counts)
    return matched, counts, smallest


@pytest.fixture(scope="module")
def curves(world):
    matched, counts, smallest = world
    builder = CurveBuilder(counts, threshold_grid(int(counts.max()), more=[17.3]))
    for start in (0, 123, 400):  # batches of any size
        stop = {0: 123, 123: 400, 400: 500}[start]
        builder.add(matched.slice(start, stop - start), smallest[start:stop])
    return builder.finish()


def test_every_row_says_what_counting_says(world, curves):
    matched, counts, smallest = world
    for row, t in enumerate(curves.grid):
        kept = matched.filter(pa.array(smallest < t))
        per_entry = np.bincount(kept.flatten().to_numpy(), minlength=counts.size)
        mean, sigma = expected_size(keep_prob(matched, counts, t))
        assert curves.kept[row] == len(kept)
        assert curves.expected[row] == pytest.approx(mean, rel=1e-12)
        assert curves.sigma[row] == pytest.approx(sigma, rel=1e-9, abs=1e-9)
        assert curves.entry_kept[row].tolist() == per_entry[curves.ranked_entry_id].tolist()
        assert curves.entries_covered[row] == np.count_nonzero(per_entry)
        assert curves.tail_share[row] == t_to_p(counts, t)
        assert curves.kept_tail_share[row] == per_entry[counts < t].sum() / per_entry.sum()


def test_entries_are_ranked_by_count_and_those_without_a_match_are_left_out(world, curves):
    counts = world[1]
    assert curves.ranked_entry_count.tolist() == sorted(counts[counts > 0].tolist(), reverse=True)
    assert counts[curves.ranked_entry_id].tolist() == curves.ranked_entry_count.tolist()
    ties = np.flatnonzero(np.diff(curves.ranked_entry_count) == 0)
    assert ties.size
    assert np.all(np.diff(curves.ranked_entry_id)[ties] > 0)


def test_at_the_largest_count_everything_that_matches_is_kept(world, curves):
    assert curves.grid[-1] == world[1].max()
    assert curves.kept[-1] == np.isfinite(world[2]).sum()
    assert curves.sigma[-1] == 0


def test_the_grid_holds_1_the_largest_count_the_papers_thresholds_and_ones_own():
    grid = threshold_grid(1_234_567, more=[18_000.5])
    assert grid[0] == 1
    assert grid[-1] == 1_234_567
    assert {15_000.0, 20_000.0, 35_000.0, 170_000.0, 18_000.5} <= set(grid)
    assert np.all(np.diff(grid) > 0)
    assert 240 <= grid.size <= 256 + 5


def test_the_grid_of_a_small_pool_leaves_out_what_is_above_its_largest_count():
    assert threshold_grid(3).max() == 3
    assert threshold_grid(0).tolist() == [1.0]


def test_a_t_between_the_grid_points_has_no_row(curves):
    assert curves.row(17.3) is not None
    assert curves.grid[curves.row(17.3)] == 17.3
    assert curves.row(17.30001) is None
    assert curves.row(1e12) is None


def test_a_pool_that_matches_nothing_gives_empty_curves():
    builder = CurveBuilder(np.zeros(3, np.int64), threshold_grid(0))
    builder.add(pa.array([[], []], LISTS), np.array([np.inf, np.inf]))
    curves = builder.finish()
    assert (curves.kept.tolist(), curves.expected.tolist(), curves.entry_kept.shape) == ([0], [0.0], (1, 0))


def test_a_count_beyond_the_arrays_is_refused():
    with pytest.raises(CurationError, match="split the pool"):
        CurveBuilder(np.array([2**32]), threshold_grid(5))
