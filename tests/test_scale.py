import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curation.balancing import p_to_t, t_to_p
from curation.errors import BadArgument
from curation.scale import language_scale, one_language

COUNTS = st.lists(st.integers(0, 40) | st.integers(0, 10**6), min_size=1, max_size=12).filter(any)
WHOLE_T = st.integers(1, 60) | st.integers(1, 10**6 + 2)


def scale_of(english: list[int], other: list[int]):
    language = np.array([0] * len(english) + [1] * len(other), np.int32)
    return language_scale(np.array(english + other), language, ["en", "xx"], "en")


def on_scale(scale, value: float) -> float:
    return float(scale.to_reference(np.array([value]), np.array([1], np.int32))[0])


@given(COUNTS, COUNTS, WHOLE_T)
def test_at_every_whole_t_the_threshold_is_the_papers(english, other, t):
    expected = p_to_t(np.array(other), t_to_p(np.array(english), t))
    assert scale_of(english, other).language_t(1, t) == expected


@given(COUNTS, COUNTS, WHOLE_T, st.floats(0, 1, exclude_max=True), st.integers(0, 11))
@example([1], [1], 1, 1 - 2.0**-53, 0)
@example([10**6], [10**6], 10**6, 1 - 2.0**-53, 0)
@example([3, 4, 5], [10**6, 2], 4, 0.5, 0)
def test_a_pair_is_kept_at_a_whole_t_on_the_scale_iff_it_is_by_its_language_threshold(english, other, t, u, which):
    scale = scale_of(english, other)
    product = u * other[which % len(other)]
    assert (on_scale(scale, product) < t) == (product < scale.language_t(1, t))


@given(COUNTS, COUNTS, st.floats(1, 10**6 + 2), st.floats(0, 1, exclude_max=True), st.integers(0, 11))
def test_between_whole_t_the_two_agree_up_to_rounding(english, other, t, u, which):
    scale = scale_of(english, other)
    product, language_t = u * other[which % len(other)], scale.language_t(1, t)
    # a step rises by at most max(other) + 1 while t goes by 1, and t is rounded by 2**-53 of itself; 8 roundings
    rounding = 4 * (max(other) + 1) * 2.0**-52 * t
    if abs(product - language_t) > rounding:
        assert (on_scale(scale, product) < t) == (product < language_t)


@given(COUNTS, COUNTS, st.lists(st.floats(1, 10**6 + 2), min_size=2, max_size=8))
def test_raising_t_never_lowers_the_threshold_of_a_language(english, other, thresholds):
    found = scale_of(english, other).language_ts(1, np.sort(thresholds))
    assert np.all(np.diff(found) >= 0)
    assert found[0] >= 1


@given(COUNTS, COUNTS, st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=8))
def test_the_order_of_pairs_of_a_language_stays_and_all_are_kept_in_the_end(english, other, us):
    scale = scale_of(english, other)
    products = np.sort(np.array(us) * max(other))
    found = scale.to_reference(products, np.ones(products.size, np.int32))
    assert np.all(np.diff(found) >= 0)
    top = scale.top(np.array(english + other))
    assert found[-1] < top <= max(english) + 1


def test_different_numbers_of_one_step_stay_different():
    # en: shares 0, .1, .4, 1 from t = 1, 11, 31, 61; xx: 0, .2, 1 from 1, 3, 9
    scale = scale_of([10, 30, 60], [2, 8])
    assert [on_scale(scale, value) for value in (0.25, 1.0, 2.0, 3.0, 6.0, 7.5)] == [
        0.25,
        30.0,
        30.5,
        60.0,
        60.5,
        60.75,
    ]
    assert [scale.language_t(1, t) for t in (1, 30, 30.5, 31, 60.5, 61, 1000)] == [1, 1, 2, 3, 6, 9, 9]


def test_an_entry_is_in_the_tail_iff_its_count_is_below_the_threshold_of_its_language():
    counts = np.array([10, 30, 60, 2, 8, 0])
    scale = language_scale(counts, np.array([0, 0, 0, 1, 1, 1], np.int32), ["en", "xx"], "en")
    for t in range(1, 70):
        in_tail = [
            count < scale.language_t(language, t) for count, language in zip(counts, [0, 0, 0, 1, 1, 1], strict=True)
        ]
        assert (scale.entry_level(counts) < t).tolist() == in_tail
    assert scale.tail_share(counts, 31) == (10 + 30 + 2) / 110


def test_t_of_the_reference_is_t_and_products_are_as_they_were():
    scale = scale_of([10, 30], [2, 8])
    assert [scale.language_t(0, t) for t in (1, 1.5, 12345.678)] == [1, 1.5, 12345.678]
    values = np.array([0.0, 3.3, np.inf])
    assert scale.to_reference(values, np.zeros(3, np.int32)).tolist() == values.tolist()
    assert one_language(3).to_reference(values, np.zeros(3, np.int32)).tolist() == values.tolist()


def test_a_pair_without_a_match_stays_infinite():
    assert on_scale(scale_of([10, 30], [2, 8]), np.inf) == np.inf


def test_a_language_without_a_match_takes_t_as_it_is():
    assert scale_of([10, 30], [0, 0]).language_t(1, 17.0) == 17.0


def test_a_reference_language_that_matched_nothing_is_refused_in_one_line():
    with pytest.raises(BadArgument, match=r"nothing matched in the reference language 'en'.*--reference-language"):
        scale_of([0, 0], [1, 2])
    assert scale_of([0, 0], [0]).language_t(1, 5.0) == 5.0
