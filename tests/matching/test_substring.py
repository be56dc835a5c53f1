import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curation.errors import BadMetadata
from curation.matching import SubstringMatcher, substring

# characters that share bytes in UTF-8, so that a match at the wrong byte would show
CHARS = st.sampled_from("狗猫犭\u72d7\u732b東é\u00a9aあ ,\x00\U0001f436") | st.characters(codec="utf-8")


def naive(entries: list[str], texts: list[str | None]) -> list[list[int]]:
    return [[entry_id for entry_id, entry in enumerate(entries) if entry in (text or "")] for text in texts]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(CHARS, min_size=1, max_size=4), unique=True, max_size=12),
    st.lists(st.none() | st.text(CHARS, max_size=12), max_size=8),
    st.sampled_from([1, 7, 2**20]),
)
@example(["ab", "b", "ba"], ["a", "b", "", "ab", "aba"], 2**20)
def test_matches_are_exactly_the_entries_that_are_substrings(entries, texts, chunk):
    before, substring.CHUNK_BYTES = substring.CHUNK_BYTES, chunk
    try:
        matcher = SubstringMatcher(pa.array(entries, pa.string()))
        found = matcher.match(pa.array(texts, pa.string()))
    finally:
        substring.CHUNK_BYTES = before
    assert found.type == pa.list_(pa.int32())
    assert found.to_pylist() == naive(entries, texts)
    assert matcher.n_entries == len(entries)


def test_overlapping_entries_all_count_and_each_once_a_text():
    entries = ["狗", "热狗", "热", "狗狗"]
    texts = ["热狗", "狗狗狗", "我的狗和热狗。", "热 狗"]
    assert SubstringMatcher(pa.array(entries)).match(pa.array(texts)).to_pylist() == [
        [0, 1, 2],
        [0, 3],
        [0, 1, 2],
        [0, 2],
    ]


def test_nothing_matches_across_the_border_of_two_texts():
    assert SubstringMatcher(pa.array(["热狗"])).match(pa.array(["热", "狗", "热狗"])).to_pylist() == [[], [], [0]]


def test_a_sliced_array_is_matched_where_its_slice_is():
    texts = pa.array(["犬", "猫", "犬と猫", None, "猫と犬"])
    matcher = SubstringMatcher(pa.array(["x", "猫", "犬"]).slice(1))
    assert matcher.match(texts.slice(1, 3)).to_pylist() == [[0], [0, 1], []]
    assert matcher.match(texts.cast(pa.large_string()).slice(2)).to_pylist() == [[0, 1], [], [0, 1]]
    assert matcher.match(texts.slice(0, 0)).to_pylist() == []


@pytest.mark.parametrize(
    ("entries", "message"), [(["狗", "猫", "狗"], "entry '狗' stands twice"), (["狗", ""], "an entry is empty")]
)
def test_entries_that_cannot_be_told_apart_are_refused(entries, message):
    with pytest.raises(BadMetadata, match=message):
        SubstringMatcher(pa.array(entries))
