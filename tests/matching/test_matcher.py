import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curation.errors import BadMetadata
from curation.matching import Matcher, string_buffers
from reference import matched_entry_ids

# few letters, so that entries and texts meet; then everything else that could go wrong
NARROW = st.sampled_from("abé ,.;:?!`\t\n\r\u00a0\x00'(-/")
ANY = st.characters(codec="utf-8")
TEXT = st.text(NARROW, max_size=40) | st.text(NARROW | ANY, max_size=40)
ENTRY = st.text(NARROW, max_size=8) | st.text(ANY, max_size=6)


@st.composite
def entries_and_texts(draw):
    entries = draw(st.lists(ENTRY, unique=True, max_size=30))
    texts = draw(st.lists(TEXT, max_size=8))
    if entries:  # texts that are made of entries meet them across every kind of border
        joined = st.lists(st.sampled_from(entries), min_size=1, max_size=6)
        between = draw(st.sampled_from([" ", "  ", ", ", ".", "\n", "", "\u00a0"]))
        texts += [between.join(parts) for parts in draw(st.lists(joined, max_size=6))]
    return entries, texts


@settings(max_examples=400, deadline=None)
@given(entries_and_texts(), st.sampled_from([2**64 - 1, 0b111, 0]))
@example((["a b", "b", "a"], ["a b a", "a  b", "a,b", "b.", ""]), 2**64 - 1)
@example((["", " ", "  ", "a "], ["", " ", "  ", "a  ", "a, b"]), 0)
def test_matches_are_exactly_those_of_the_oracle_even_if_all_token_hashes_collide(case, hash_mask):
    entries, texts = case
    matcher = Matcher(pa.array(entries, pa.string()), hash_mask=hash_mask)
    found = matcher.match(pa.array(texts, pa.string())).to_pylist()
    assert found == [matched_entry_ids(text, entries) for text in texts]


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("(dog) dog's dog-house", []),
        ("a dog.", [0]),
        ("Dog", []),
        ("dog-house", []),
        ("hot dog", [0, 1]),
        ("hot, dog", [0]),
        ("hot  dog", [0]),
        ("hot\ndog", [0, 1]),
        ("hot\u00a0dog", []),
        ("dog dog dog", [0]),
        ("the U.S. of 3.5", []),
        ("dog , cat", [0, 3]),
        ("dog,cat", [0, 3, 4]),
        ("dog, cat", [0, 3]),
    ],
)
def test_the_papers_rules_hold(text, matches):
    entries = ["dog", "hot dog", "U.S.", "cat", "dog , cat"]
    assert Matcher(pa.array(entries)).match(pa.array([text])).to_pylist() == [matches]


def test_a_text_of_a_megabyte_is_matched_like_any_other():
    entries = [str(number) for number in range(3000)]
    texts = [
        " ".join(str(number % 5000) for number in range(220_000)),
        "x" * 1_000_000,
        ",." * 500_000,
        " " * 1_000_000,
    ]
    assert min(map(len, texts)) >= 1_000_000
    found = Matcher(pa.array(entries)).match(pa.array(texts)).to_pylist()
    assert found == [list(range(3000)), [], [], []]


def test_a_sliced_array_is_matched_where_its_slice_is():
    texts = pa.array(["dog", "cat", "dog cat", None, "cat dog"])
    matcher = Matcher(pa.array(["x", "cat", "dog"]).slice(1))
    assert matcher.match(texts.slice(1, 3)).to_pylist() == [[0], [0, 1], []]
    assert matcher.match(texts.cast(pa.large_string()).slice(2)).to_pylist() == [[0, 1], [], [0, 1]]
    assert matcher.match(texts.slice(0, 0)).to_pylist() == []


def test_an_entry_that_stands_twice_is_refused():
    with pytest.raises(BadMetadata, match="'dog' stands twice"):
        Matcher(pa.array(["dog", "cat", "dog"]))


def test_no_entries_match_nothing():
    assert Matcher(pa.array([], pa.string())).match(pa.array(["dog", ""])).to_pylist() == [[], []]


def test_a_saved_matcher_answers_the_same_from_mapped_files(tmp_path):
    matcher = Matcher(pa.array(["dog", "hot dog", "cat"]))
    matcher.save(tmp_path / "matcher", np.save)
    loaded = Matcher.load(tmp_path / "matcher")
    texts = pa.array(["a hot dog", "cat, dog"])
    assert loaded.match(texts) == matcher.match(texts)
    assert loaded.n_entries == 3


def test_string_buffers_point_into_the_bytes_without_a_copy():
    strings = pa.array(["ab", "", "é"])
    data, offsets = string_buffers(strings.slice(1))
    assert offsets.tolist() == [2, 2, 4]
    assert bytes(data[2:4]) == "é".encode()
    assert not data.flags.owndata


@pytest.mark.parametrize("hash_mask", [2**64 - 1, 0])
def test_words_of_every_length_are_told_apart_to_the_last_byte(hash_mask):
    entries = [letter * length + last for length in range(40) for letter in "ab" for last in ("", "x", "\x00")]
    entries = [*dict.fromkeys(entry for entry in entries if entry), "é" * 8, "é" * 8 + " " + "b" * 20]
    texts = [*entries, " ".join(entries), ",".join(entries), "b" * 40, "é" * 8 + "\x00"]
    found = Matcher(pa.array(entries), hash_mask=hash_mask).match(pa.array(texts)).to_pylist()
    assert found == [matched_entry_ids(text, entries) for text in texts]


@pytest.mark.parametrize("break_at", [" ", ",", "."])
@pytest.mark.parametrize("length", [*range(60, 69), *range(124, 133), 4095, 4096, 4097, 10_000])
def test_breaks_are_seen_wherever_they_fall_in_a_block_of_64_bytes(break_at, length):
    entries = ["dog", "dog dog", ",", "x"]
    texts = [("x" * (length - 4) + break_at + "dog")[at:] for at in (0, 1, 3)]
    texts += [("dog" + break_at) * (length // 4), "x" * length + break_at, break_at * length]
    found = Matcher(pa.array(entries)).match(pa.array(texts)).to_pylist()
    assert found == [matched_entry_ids(text, entries) for text in texts]


def test_texts_are_read_where_they_are_and_not_beyond():
    # the last texts of a buffer are read from a copy: a buffer of any length, and a slice in front of other text
    entries = ["dog", "cat", "dog cat"]
    matcher = Matcher(pa.array(entries))
    for length in range(1, 120):
        texts = ["dog " * (length // 4) + "cat"[: length % 4]] * 3
        array = pa.array([*texts, " cat dog cat"])
        assert matcher.match(array.slice(0, 3)).to_pylist() == [matched_entry_ids(text, entries) for text in texts]


def test_many_matches_in_one_text_come_sorted_and_once():
    entries = [f"w{n}" for n in range(200)]
    matcher = Matcher(pa.array(entries))
    for count in (1, 2, 15, 16, 17, 63, 64, 65, 200):
        words = [entries[(11 * n) % count] for n in range(count)]
        texts = [" ".join(words), " ".join(words + words[::-1]), " ".join(words[:1] * 30 + words)]
        assert matcher.match(pa.array(texts)).to_pylist() == [list(range(count))] * 3


def test_long_entries_are_followed_word_by_word():
    entries = ["a", "a b", "a b c", "a b c d e f g h", "b c", "c d e"]
    texts = ["a b c d e f g h", "a b c d e f g", "a a b b c", "a b, c d e"]
    found = Matcher(pa.array(entries)).match(pa.array(texts)).to_pylist()
    assert found == [matched_entry_ids(text, entries) for text in texts]


def test_a_text_may_hold_far_more_entries_than_words():
    words = [f"w{k}" for k in range(90)]
    runs = [" ".join(words[i:j]) for i in range(90) for j in range(i + 1, 91)]
    text = " ".join(words)
    assert Matcher(pa.array(runs)).match(pa.array([text, "w3 w4", text])).to_pylist() == [
        list(range(len(runs))), sorted(runs.index(run) for run in ("w3", "w4", "w3 w4")), list(range(len(runs))),
    ]  # fmt: skip
