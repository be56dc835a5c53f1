from typing import get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.metadata.scores import SCORES, npmi, pmi, pmi2
from curation.wikipedia.config import SelectionConfig


def scored(function, pair, first, second, tokens):
    return float(function(np.array([pair]), np.array([first]), np.array([second]), tokens)[0])


def test_the_formulas_by_hand():
    # 10 * 8000 / (100 * 50) = 16
    assert scored(pmi, 10, 100, 50, 8000) == 4.0
    # of at most log2(8000 / 10)
    assert scored(npmi, 10, 100, 50, 8000) == pytest.approx(4 / np.log2(800), abs=1e-9)
    # 10 * 10 / (100 * 50) = 1 / 50
    assert scored(pmi2, 10, 100, 50, 8000) == pytest.approx(-np.log2(50), abs=1e-9)


def test_words_that_never_stand_apart():
    assert scored(npmi, 7, 7, 7, 1000) == 1.0
    assert scored(pmi2, 7, 7, 7, 1000) == 0.0
    assert scored(pmi, 7, 7, 7, 1000) > scored(pmi, 70, 70, 70, 1000)  # PMI favours the rare


@given(st.integers(1, 10**4), st.integers(1, 10**4), st.integers(1, 10**4))
def test_words_that_meet_as_often_as_by_chance_have_pmi_zero(scale, a, b):
    # c_ab = c_a c_b / N exactly
    assert scored(pmi, scale, scale * a, scale * b, scale * a * b) == 0.0


def test_pmi_of_words_drawn_independently_is_about_zero():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 4, 200_001)
    pairs = words[:-1] * 4 + words[1:]
    count, pair_count = np.bincount(words), np.bincount(pairs)
    score = pmi(pair_count, np.repeat(count, 4), np.tile(count, 4), words.size)
    # each of the 16 pairs is expected 12,500 times: 5 sigma of a count is 5 / sqrt(12,500) = 4.5 % of it
    assert np.abs(score).max() < np.log2(1.045)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**3), st.integers(1, 10**3))
def test_equal_ratios_give_equal_scores(a, b, pair, scale):
    one = scored(pmi, pair, a, b, 10**9)
    assert scored(pmi, pair * scale, a * scale, b * scale, 10**9 * scale) == one


def test_the_score_that_can_be_asked_for_are_those_there_are():
    assert get_args(get_type_hints(SelectionConfig)["score"]) == tuple(SCORES)
