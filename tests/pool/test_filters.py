import pyarrow as pa
import pytest

from curation.errors import BadArgument
from curation.pool.filter_config import ALIGN, FILTERS, FilterConfig
from curation.pool.filters import SIZE_UNKNOWN, per_row_reasons
from curation.pool.pairs import PAIR_SCHEMA
from curation.runs.config import CurateConfig


def pairs(**columns) -> pa.RecordBatch:
    rows = len(next(iter(columns.values())))
    made = [pa.array(columns.get(field.name, [None] * rows), field.type) for field in PAIR_SCHEMA]
    return pa.RecordBatch.from_arrays(made, schema=PAIR_SCHEMA)


def passes(batch: pa.RecordBatch, **config) -> list[bool]:
    return (per_row_reasons(batch, FilterConfig(**config))[0] == 0).tolist()


def test_without_a_filter_every_pair_passes():
    assert FilterConfig().active_filters == ()
    assert passes(pairs(text=["", "a dog"])) == [True, True]


def test_align_wants_more_than_200_pixels_on_the_shorter_side():
    sizes = pairs(text=["a b c"] * 5, width=[200, 201, 201, None, 0], height=[500, 500, 200, 500, 500])
    assert passes(sizes, filter="align") == [False, True, False, True, False]
    assert passes(sizes, min_short_side=200) == [True, True, True, True, False]


def test_align_wants_an_aspect_ratio_below_3_either_way_round():
    sizes = pairs(text=["a b c"] * 6, width=[299, 300, 900, 100, 300, 7], height=[100, 100, 301, 300, None, 0])
    assert passes(sizes, max_aspect=3.0) == [True, False, True, False, True, False]
    assert passes(sizes, filter="align", min_short_side=0) == [True, False, True, False, True, False]


def test_a_pair_whose_size_is_not_known_passes_and_is_noted():
    sizes = pairs(text=["a", "b", "c"], width=[None, 1, 300], height=[300, None, 300])
    reasons, notes = per_row_reasons(sizes, FilterConfig(min_short_side=201))
    assert (reasons.tolist(), notes) == ([0, 0, 0], {SIZE_UNKNOWN: 2})


@pytest.mark.parametrize(("words", "kept"), [(0, False), (2, False), (3, True), (20, True), (21, False)])
def test_align_wants_3_to_20_words(words, kept):
    assert passes(pairs(text=[" ".join("x" * words)]), filter="align") == [kept]


def test_words_stand_between_any_white_space():
    texts = pairs(text=["  a  b\tc ", "a\u00a0b\u3000c", "", "   "])
    assert passes(texts, min_words=3) == [True, True, False, False]
    assert passes(texts, min_words=4) == [False] * 4


def test_characters_are_counted_not_bytes():
    texts = pairs(text=["ab", "äöü", "狗狗狗狗"])
    assert passes(texts, min_characters=3) == [False, True, True]
    assert passes(texts, max_characters=3) == [True, True, False]


def test_patterns_are_searched_for_in_the_text():
    texts = pairs(text=["a dog", "IMG_0001.jpg", "a CAT"])
    assert passes(texts, text_matches="dog|(?i)cat") == [True, False, True]
    assert passes(texts, text_lacks=r"^IMG_\d+") == [True, False, True]


@pytest.mark.parametrize("pattern", ["(", "(?<=a)b", r"(a)\1", "a{2000}"])
def test_a_pattern_that_re2_does_not_know_is_one_line(pattern):
    for option in ("text_matches", "text_lacks"):
        with pytest.raises(BadArgument, match=option.replace("_", " ")) as caught:
            CurateConfig(**{option: pattern})
        assert "\n" not in str(caught.value)


def test_a_pair_is_counted_under_the_first_filter_that_drops_it():
    batch = pairs(text=["x", "x", "a b c"], width=[9, 900, 900], height=[9, 900, 900])
    reasons, _ = per_row_reasons(batch, FilterConfig(filter="align"))
    assert [([*FILTERS][number - 1] if number else None) for number in reasons] == ["short side", "too few words", None]


def test_options_beside_a_preset_count_instead_and_0_turns_one_off():
    config = CurateConfig(filter="align", max_words=30, max_aspect=0, near_images=True)
    assert {name: getattr(config, name) for name in ALIGN} == ALIGN | {"max_words": 30, "max_aspect": 0}
    assert config.active_filters == (
        "short side", "too few words", "too many words", "similar image", "texts per image", "images per text",
        "rare words",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"min_words": -1}, "min words -1: give a number from 0 up"),
        ({"near_distance": 9}, "near distance 9: give a number from 0 to 8"),
        ({"max_aspect": float("nan")}, "max aspect nan"),
        ({"filter": "laion"}, "filter 'laion': give one of none, align"),
    ],
)
def test_a_bad_value_is_one_clear_line(config, message):
    for kind in (FilterConfig, CurateConfig):
        with pytest.raises(BadArgument) as caught:
            kind(**config)
        assert message in str(caught.value)
