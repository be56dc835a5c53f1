import pytest

from curation import queries
from curation.clip.ladder.budget import Budget, budget, lowest_t
from curation.clip.ladder.summary import MANY_PASSES


@pytest.mark.parametrize(("arm", "pairs"), [("raw", 8), ("matched", 6), ("english", None)])
def test_an_arm_without_t_goes_over_the_pairs_that_it_takes(make_run, arm, pairs):
    assert budget(make_run(), arm, 2.0, 24) == Budget(samples=24, pairs=pairs)


@pytest.mark.parametrize("arm", ["balanced", "online"])
def test_a_balanced_arm_goes_over_what_its_t_keeps(zipf_run, arm):
    kept = queries.size(zipf_run, 100.0).kept
    found = budget(zipf_run, arm, 100.0, 3 * kept)
    assert (found.pairs, found.passes, found.too_many) == (kept, 3.0, False)


def test_more_than_twelve_passes_are_too_many():
    assert not Budget(samples=1200, pairs=100).too_many
    assert Budget(samples=1201, pairs=100).too_many
    assert not Budget(samples=1201, pairs=None).too_many


def test_from_the_lowest_t_on_the_passes_are_not_too_many(zipf_run):
    samples = 12 * 900
    t = lowest_t(zipf_run, samples)
    assert queries.size(zipf_run, t).kept == 900
    assert samples / queries.size(zipf_run, t).kept == MANY_PASSES
    assert queries.size(zipf_run, t * 0.95).kept < 900


def test_no_t_is_high_enough_where_even_all_that_match_are_too_few(zipf_run):
    assert lowest_t(zipf_run, 12 * 4001) is None
