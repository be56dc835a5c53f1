from hypothesis import given
from hypothesis import strategies as st

from curation.metadata import dead_entries, from_entries
from curation.metadata.ngrams import NgramCounter
from reference import matched_entry_ids


def counted(*texts: str) -> tuple[dict[str, int], dict[str, int]]:
    counter = NgramCounter()
    for text in texts:
        counter.add(text)
    return dict(counter.words), dict(counter.pairs)


def test_words_and_pairs_are_counted_with_their_case():
    assert counted("The dog saw the dog", "the dog") == (
        {"The": 1, "dog": 3, "saw": 1, "the": 2},
        {"The dog": 1, "dog saw": 1, "saw the": 1, "the dog": 2},
    )


def test_no_pair_crosses_a_mark_a_line_a_bracket_a_quote_or_a_lone_sign():
    for between in (", ", ". ", "\n", " (", ") ", ' "', '" ', " - ", " & ", " _ ", "? ", "` "):
        assert counted(f"hot{between}dog") == ({"hot": 1, "dog": 1}, {}), between


def test_brackets_and_quotes_end_a_word_and_apostrophes_and_hyphens_do_not():
    words, pairs = counted('("dog(s)") [the cat] dog\'s 1,000 U.S. rock-n-roll (!)')
    expected = ["dog", "s", "the", "cat", "dog's", "1", "000", "U", "S", "rock-n-roll"]
    assert words == dict.fromkeys(expected, 1)
    assert pairs == {"the cat": 1, "dog's 1": 1, "000 U": 1}


def test_no_words_no_counts():
    assert counted("", " \n ", "- & (") == ({}, {})


TEXTS = st.text(st.sampled_from("aB1 \t\n.,`()\"“-_'&\u00a0é"), max_size=30)


@given(TEXTS)
def test_everything_counted_can_match_some_text(text):
    words, pairs = counted(text)
    entries = [*words, *pairs]
    assert dead_entries(from_entries(entries, source="x")) == []
    for entry in entries:
        assert matched_entry_ids(entry, [entry]) == [0]


@given(TEXTS)
def test_a_pair_is_at_most_as_frequent_as_its_words(text):
    words, pairs = counted(text)
    for pair, count in pairs.items():
        first, second = pair.split(" ")
        assert 1 <= count <= min(words[first], words[second])
