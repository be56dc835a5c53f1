import itertools
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from curation.balancing import (
    check_t,
    entry_prob,
    expected_size,
    keep_prob,
    p_to_t,
    t_for_size,
    t_min,
    t_to_p,
)
from curation.errors import BadArgument
from curation.matching import Matcher
from curation.uniform import entry_hashes, uniform

LISTS = pa.list_(pa.int32())


def zipf_pool(n: int = 400, n_entries: int = 30) -> tuple[pa.ListArray, np.ndarray]:
    """Entry k stands in every (k + 1)-th text."""
    matched = [[k for k in range(n_entries) if position % (k + 1) == 0] for position in range(1, n + 1)]
    return pa.array(matched, LISTS), np.array(reference.entry_counts(matched, n_entries))


def test_t_min_is_the_smallest_product_and_infinite_without_a_match():
    lists = pa.array([[0, 2], [], [1], None], LISTS)
    u = np.array([0.5, 0.25, 0.125])
    assert t_min(lists, u, np.array([10, 8, 100])).tolist() == [5.0, np.inf, 1.0, np.inf]


def test_frozen_t_min():
    entries = pa.array(["dog", "hot dog", "cat"])
    matched = Matcher(entries).match(pa.array(["a hot dog", "dog, cat", "nothing", "cat"]))
    u = uniform(pa.array(["p0", "p1", "p2", "p3"]), matched, entry_hashes(entries, 7), 7)
    assert t_min(matched, u, np.array([2_000_000, 70_000, 300])).tolist() == [
        50328.21972970938,
        132.8819785680859,
        np.inf,
        46.943884577637085,
    ]


def test_a_pair_is_kept_iff_an_entry_fires_as_algorithm_1_says():
    matched, counts = zipf_pool()
    u = np.random.default_rng(0).random(len(matched.values))
    smallest = t_min(matched, u, counts)
    for t in (1.0, 2.5, 20.0, 133.0, 400.0):
        fires = u < t / np.maximum(counts, t)[matched.values.to_numpy()]
        kept = [bool(part.any()) for part in np.split(fires, matched.offsets.to_numpy()[1:-1])]
        assert (smallest < t).tolist() == kept


@given(st.lists(st.integers(1, 50), min_size=1, max_size=10), st.floats(1, 60), st.randoms(use_true_random=False))
def test_an_entry_at_or_below_t_always_keeps_its_pairs(counts, t, rng):
    lists = pa.array([list(range(len(counts)))], LISTS)
    u = np.array([1 - 2.0**-53 if rng.random() < 0.5 else rng.random() for _ in counts])
    if min(counts) <= t:
        assert t_min(lists, u, np.array(counts))[0] < t


def test_raising_t_only_adds_pairs():
    matched, counts = zipf_pool()
    u = np.random.default_rng(1).random(len(matched.values))
    smallest = t_min(matched, u, counts)
    sets = [set(np.flatnonzero(smallest < t)) for t in (1, 3, 10, 40, 400)]
    assert all(smaller <= larger for smaller, larger in itertools.pairwise(sets))
    assert len(sets[-1]) == 400


def test_closed_forms_agree_with_algorithm_1_run_literally():
    matched, counts = zipf_pool()
    as_lists = matched.to_pylist()
    t, repeats = 15.0, 2000
    rng = random.Random(3)
    kept = np.zeros(len(as_lists))
    sizes = []
    for _ in range(repeats):
        positions = reference.balance(as_lists, counts.tolist(), t, rng)
        kept[positions] += 1
        sizes.append(len(positions))
    pi = keep_prob(matched, counts, t)
    # each frequency is binomial; 5 sigma, and never tighter than one draw
    assert np.all(np.abs(kept / repeats - pi) <= 5 * np.sqrt(pi * (1 - pi) / repeats) + 1 / repeats)
    mean, sigma = expected_size(pi)
    assert abs(np.mean(sizes) - mean) < 5 * sigma / np.sqrt(repeats)
    # the standard error of a sample standard deviation is sigma / sqrt(2 n)
    assert abs(np.std(sizes) - sigma) < 5 * sigma / np.sqrt(2 * repeats)


def test_the_size_by_t_min_agrees_with_the_closed_form_over_seeds():
    matched, counts = zipf_pool()
    entries = pa.array([f"entry {k}" for k in range(30)])
    uid = pa.array([f"pair {k}" for k in range(400)])
    t, seeds = 15.0, 300
    sizes = [
        int((t_min(matched, uniform(uid, matched, entry_hashes(entries, seed), seed), counts) < t).sum())
        for seed in range(seeds)
    ]
    mean, sigma = expected_size(keep_prob(matched, counts, t))
    assert abs(np.mean(sizes) - mean) < 5 * sigma / np.sqrt(seeds)
    assert abs(np.std(sizes) - sigma) < 5 * sigma / np.sqrt(2 * seeds)


def test_an_entry_keeps_at_least_its_cap_of_expected_texts():
    matched, counts = zipf_pool()
    t = 15.0
    pi = keep_prob(matched, counts, t)
    lengths = np.diff(matched.offsets.to_numpy())
    expected_texts = np.bincount(matched.values.to_numpy(), weights=np.repeat(pi, lengths), minlength=counts.size)
    assert np.all(expected_texts >= np.minimum(counts, t) - 1e-9)


def test_keep_prob_of_hand_made_pairs():
    lists = pa.array([[0], [1], [1, 2], []], LISTS)
    assert keep_prob(lists, np.array([10, 40, 80]), 20.0) == pytest.approx([1.0, 0.5, 1 - 0.5 * 0.75, 0.0])
    assert entry_prob(np.array([0, 20, 40]), 20.0).tolist() == [1.0, 1.0, 0.5]


def test_t_to_p_is_the_share_of_matches_on_entries_below_t():
    counts = np.array([0, 10, 30, 60])
    assert [t_to_p(counts, t) for t in (1, 10, 10.5, 31, 60, 61)] == [0.0, 0.0, 0.1, 0.4, 0.4, 1.0]


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20).filter(any), st.floats(0, 1))
def test_p_to_t_is_the_nearest_that_any_threshold_reaches(counts, p):
    counts = np.array(counts)
    best = min(abs(t_to_p(counts, t) - p) for t in range(1, 102))
    assert abs(t_to_p(counts, p_to_t(counts, p)) - p) == pytest.approx(best, abs=1e-12)


def test_p_to_t_of_nothing_is_the_smallest_threshold():
    assert p_to_t(np.array([5, 100]), 0.0) == 1.0


def test_a_tail_share_without_a_single_match_is_refused():
    for ask in (lambda: t_to_p(np.zeros(3, int), 5), lambda: p_to_t(np.zeros(3, int), 0.1)):
        with pytest.raises(BadArgument, match="nothing matched"):
            ask()


@pytest.mark.parametrize("t", [0, 0.99, -1, float("nan"), float("inf")])
def test_a_threshold_below_one_is_refused(t):
    with pytest.raises(BadArgument, match="give 1 or more"):
        check_t(t)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_a_tail_share_outside_0_and_1_is_refused(p):
    with pytest.raises(BadArgument, match="from 0 to 1"):
        p_to_t(np.array([1, 2]), p)


@given(st.floats(0, 1e9), st.floats(1e-9, 1e9))
def test_t_for_size_lies_between_its_neighbours(lower, width):
    upper = lower + width
    t = t_for_size(lower, upper)
    assert t >= 1
    if lower >= 1 and upper > lower:
        assert lower < t <= upper


@pytest.mark.parametrize(
    ("lower", "upper", "t"), [(19.9, 20.4, 20.0), (0.2, 0.7, 1.0), (99.1, 100.0, 100.0), (1.25, 1.2583, 1.258)]
)
def test_t_for_size_is_round(lower, upper, t):
    assert t_for_size(lower, upper) == t
