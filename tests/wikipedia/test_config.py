import pytest

from curation.errors import BadArgument
from curation.wikipedia.config import SelectionConfig


def chosen(compat=None, **given):
    config = SelectionConfig(**given).resolved(compat)
    return (
        config.min_count,
        config.min_pmi,
        config.min_bigram_count,
        config.min_views,
        config.min_hourly_views,
    )


def test_defaults_and_what_the_original_did():
    assert chosen() == (100, 8.0, 100, 70, 1)
    assert chosen("metaclip") == (100, 30, 1, 70, 50)


def test_a_budget_alone_sets_no_threshold_and_what_is_given_stays():
    assert chosen(max_unigrams=5, max_bigrams=5, max_titles=5) == (1, None, 100, 1, 1)
    assert chosen("metaclip", min_count=3, min_pmi=4.5, max_bigrams=9, min_bigram_count=7) == (3, 4.5, 7, 70, 50)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_count": 0}, "--min-count 0: give a number from 1 up"),
        ({"max_titles": -1}, "--max-titles -1: give a number from 0 up"),
        ({"min_pmi": float("nan")}, "--min-pmi nan: give a number that is finite"),
        ({"score": "npmi"}, "--score npmi: no threshold is known for it; give --min-pmi or --max-bigrams"),
    ],
)
def test_values_outside_what_is_allowed(given, message):
    with pytest.raises(BadArgument, match=message):
        SelectionConfig(**given)


def test_a_negative_score_is_allowed():
    assert SelectionConfig(score="pmi2", min_pmi=-3.0).min_pmi == -3.0
