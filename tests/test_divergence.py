import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.divergence import kl

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
