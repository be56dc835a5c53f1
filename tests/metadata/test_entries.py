import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from curation.metadata import DeadEntry, dead_entries, from_entries, merge
from reference import matched_entry_ids


def test_what_is_no_entry_is_left_out_and_counted():
    metadata = from_entries(["dog", "", "dog", None, 7, "\ud83d", " "], source="mine")
    assert metadata.entry.to_pylist() == ["dog", " "]
    assert metadata.dropped == {"empty": 1, "duplicate": 1, "not a string": 2, "bad unicode": 1}


def test_merging_keeps_order_first_sources_and_reasons():
    merged = merge([from_entries(["b", "a", ""], source="one"), from_entries(["a", "c"], source="two")])
    assert merged.entry.to_pylist() == ["b", "a", "c"]
    assert merged.source.to_pylist() == ["one", "one", "two"]
    assert merged.dropped == {"empty": 1, "duplicate": 1}
    assert merged.count_by_source() == {"one": 2, "two": 1}


def test_dead_entries_are_named_with_the_reason():
    metadata = from_entries(["dog", "U.S.", "3.5", "tab\there", ".", "a , b", "(dog)", ". ."], source="mine")
    assert dead_entries(metadata) == [
        DeadEntry("U.S.", "'.' inside a word"),
        DeadEntry("3.5", "'.' inside a word"),
        DeadEntry("tab\there", "'\\t' is a space in a text, never part of a word"),
        DeadEntry(". .", "two marks in a row, between which a text always has a word or a second space"),
    ]


@given(st.text(st.sampled_from("ab ,.\t\u00a0"), min_size=1, max_size=6))
def test_an_entry_is_dead_iff_not_even_the_text_made_for_it_matches_it(entry):
    metadata = from_entries([entry], source="mine")
    can_match = bool(matched_entry_ids(_tightest_text(entry), [entry]))
    assert bool(dead_entries(metadata)) == (not can_match)


def _tightest_text(entry: str) -> str:
    """The text whose tokens are those of the entry: marks bring their own spaces along."""
    text, tokens = "", entry.split(" ")
    for position, token in enumerate(tokens):
        before_is_mark = position > 0 and tokens[position - 1] in (",", ".")
        if position and not before_is_mark and token not in (",", "."):
            text += " "
        text += token
    return text


def test_the_digest_depends_on_entries_and_their_order_alone():
    one = from_entries(["a", "b"], source="x")
    assert one.digest == from_entries(["a", "b"], source="y").digest
    assert one.digest != from_entries(["b", "a"], source="x").digest
    assert one.digest != from_entries(["ab"], source="x").digest
    assert isinstance(one.entry, pa.StringArray)
