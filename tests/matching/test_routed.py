import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from curation.errors import BadMetadata
from curation.matching import RoutedMatcher

LISTS = {"en": ["dog", "chat", "a"], "fr": ["chat", "chien", "a"], "zh": ["狗", "热狗", "a"]}
# languages in turns, so that the entries of one are not next to each other
ENTRIES = [(LISTS[code][k], code) for k in range(3) for code in LISTS]
MATCHER = RoutedMatcher(pa.array([entry for entry, _ in ENTRIES]), pa.array([code for _, code in ENTRIES]))


def expected(text: str, language: str | None) -> list[int]:
    mine = [(entry_id, entry) for entry_id, (entry, code) in enumerate(ENTRIES) if code == language]
    if language == "zh":
        return [entry_id for entry_id, entry in mine if entry in text]
    found = reference.matched_entry_ids(text, [entry for _, entry in mine])
    return [mine[k][0] for k in found]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["dog", "chat", "chien", "a", "热狗", "狗", " ", " ", ","]), max_size=5).map(
                "".join
            ),
            st.sampled_from(["en", "fr", "zh", "it", None]),
        ),
        max_size=12,
    )
)
def test_each_text_is_matched_by_the_entries_of_its_language_alone(rows):
    texts, languages = (
        pa.array([text for text, _ in rows], pa.string()),
        pa.array([code for _, code in rows], pa.string()),
    )
    found = MATCHER.match(texts, languages)
    assert found.type == pa.list_(pa.int32())
    assert found.to_pylist() == [expected(text, code) for text, code in rows]


def test_the_same_string_is_another_entry_in_another_language():
    matcher = RoutedMatcher(pa.array(["chat", "chat"]), pa.array(["en", "fr"]))
    assert matcher.match(pa.array(["chat", "chat"]), pa.array(["fr", "en"])).to_pylist() == [[1], [0]]
    assert matcher.n_entries == 2


def test_a_sliced_batch_is_routed_where_its_slice_is():
    texts, languages = pa.array(["dog", "chien", "狗", "dog"]), pa.array(["en", "fr", "zh", None])
    assert MATCHER.match(texts.slice(1), languages.slice(1)).to_pylist() == [[4], [2], []]
    assert MATCHER.match(texts.slice(0, 0), languages.slice(0, 0)).to_pylist() == []


def test_which_languages_have_no_spaces_can_be_chosen():
    entries, language, text = pa.array(["dog"]), pa.array(["en"]), pa.array(["hotdogs"])
    assert RoutedMatcher(entries, language).match(text, language).to_pylist() == [[]]
    assert RoutedMatcher(entries, language, without_spaces={"en"}).match(text, language).to_pylist() == [[0]]


def test_an_entry_that_stands_twice_in_a_language_is_refused():
    with pytest.raises(BadMetadata, match="'chat' stands twice"):
        RoutedMatcher(pa.array(["chat", "chat", "chat"]), pa.array(["en", "fr", "fr"]))


def test_a_saved_matcher_finds_the_same(tmp_path):
    entries, language = pa.array(["dog", "hot dog", "chat", "狗", "热狗"]), pa.array(["en", "en", "fr", "zh", "zh"])
    matcher = RoutedMatcher(entries, language)
    matcher.save(tmp_path, np.save)
    texts = pa.array(["a hot dog", "热狗", "le chat", "dog", None])
    languages = pa.array(["en", "zh", "fr", None, "en"])
    loaded = RoutedMatcher.load(tmp_path)
    assert RoutedMatcher.is_saved_in(tmp_path)
    assert loaded.n_entries == matcher.n_entries == 5
    assert loaded.match(texts, languages).to_pylist() == [[0, 1], [3, 4], [2], [], []]
    assert matcher.match(texts, languages).to_pylist() == [[0, 1], [3, 4], [2], [], []]
