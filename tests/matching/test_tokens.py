import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.matching import spans, tokens
from reference import matched_entry_ids, spacing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dog", ["dog"]),
        ("", [""]),
        ("a  b", ["a", "", "b"]),
        ("dog, cat", ["dog", ",", "", "cat"]),
        ("dog,cat", ["dog", ",", "cat"]),
        ("a\tb\nc\rd", ["a", "b", "c", "d"]),
        ("(dog)", ["(dog)"]),
        ("dog's dog-house a/b", ["dog's", "dog-house", "a/b"]),
        ("no\u00a0break", ["no\u00a0break"]),
        ("what?!", ["what", "?", "", "!", ""]),
    ],
)
def test_a_text_is_cut_at_spaces_and_marks_alone(text, expected):
    assert [token.text for token in tokens(text)] == expected


@given(st.text(st.sampled_from("ab ,.;:?!`\t\n\r\u00a0\u2003\x00'"), max_size=30))
def test_tokens_are_the_inner_parts_of_the_papers_spacing(text):
    assert [token.text for token in tokens(text)] == spacing(text).split(" ")[1:-1]


@given(st.text(st.sampled_from("ab ,\n"), max_size=20))
def test_every_token_says_where_it_stands(text):
    assert all(text[token.start : token.stop] == token.text for token in tokens(text))


@given(
    st.text(st.sampled_from("ab ,."), max_size=12),
    st.lists(st.text(st.sampled_from("ab ,."), min_size=1, max_size=4), unique=True, max_size=8),
)
def test_spans_show_exactly_the_entries_that_match(text, entries):
    found = {span.entry for span in spans(text, entries)}
    assert found == {entries[entry_id] for entry_id in matched_entry_ids(text, entries)}


def test_spans_overlap_and_stand_in_order():
    assert spans("hot dog, dog", ["dog", "hot dog"]) == [(0, 7, "hot dog"), (4, 7, "dog"), (9, 12, "dog")]


def test_without_spaces_an_entry_is_found_anywhere():
    found = spans("热狗狗", ["狗", "热狗", "猫"], with_spaces=False)
    assert [(span.start, span.stop, span.entry) for span in found] == [(0, 2, "热狗"), (1, 2, "狗"), (2, 3, "狗")]
