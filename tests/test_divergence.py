import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.divergence import align, kl

COUNTS = st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), max_size=20)


def test_kl_is_the_sum_it_says_it_is():
    p, q = [30.5 / 41, 10.5 / 41], [10.5 / 41, 30.5 / 41]
    expected = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert kl(np.array([30, 10, 0]), np.array([10, 30, 0])) == pytest.approx(expected, rel=1e-12)


def test_an_entry_of_one_side_alone_counts_and_does_not_make_it_infinite():
    assert 0.0 < kl(np.array([5, 5]), np.array([10, 0])) < math.inf


def test_entries_that_neither_side_has_change_nothing():
    a, b = np.array([3, 4]), np.array([1, 9])
    assert kl(np.append(a, [0] * 1000), np.append(b, [0] * 1000)) == kl(a, b)


@given(COUNTS)
def test_kl_is_never_negative_and_zero_for_the_same(counts):
    a, b = (np.array([pair[side] for pair in counts], np.int64) for side in (0, 1))
    assert kl(a, b) >= 0.0
    assert kl(a, a) == 0.0


def test_the_alignment_is_the_sum_it_says_it_is():
    p = [9.5 / 30, 1.5 / 30, 0.5 / 30]  # 25 matches on 10 entries
    t = [0.5, 0.25, 0.25]
    found = align(np.array([2.0, 1.0, 1.0]), np.array([9, 1, 0]), entries=10, matches=25)
    assert found.kl == pytest.approx(sum(a * math.log(a / b) for a, b in zip(t, p, strict=True)), rel=1e-12)
    assert found.mass == pytest.approx(11.5 / 30, rel=1e-12)


@given(
    st.lists(st.tuples(st.floats(1e-6, 1e6), st.integers(0, 10**9)), min_size=1, max_size=20),
    st.integers(0, 10**6),
    st.integers(0, 10**12),
)
def test_an_alignment_is_a_part_within_and_a_part_for_the_mass(rows, more_entries, more_matches):
    weight, count = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], np.int64)
    found = align(weight, count, len(rows) + more_entries, int(count.sum()) + more_matches)
    assert 0.0 < found.mass <= 1.0 + 1e-12
    assert found.within >= 0.0
    assert found.kl == pytest.approx(found.within - math.log(found.mass), abs=1e-9)
    assert align(weight * 3.0, count, len(rows) + more_entries, int(count.sum()) + more_matches).kl == pytest.approx(
        found.kl, abs=1e-9
    )


def test_counts_in_proportion_to_the_classes_are_aligned():
    assert align(np.array([3.0, 1.0]), np.array([149, 49]), entries=2, matches=198).kl == pytest.approx(0.0, abs=1e-5)


def test_a_task_without_an_entry_has_no_alignment():
    assert math.isnan(align(np.zeros(0), np.zeros(0, np.int64), entries=5, matches=9).kl)
