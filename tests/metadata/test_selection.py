import numpy as np
import pyarrow as pa

from curation.metadata import from_entries
from curation.metadata.counted import SCHEMA, Counted
from curation.metadata.selection import Contribution, Part, combine, score_bigrams, select, select_bigrams


def counted(**counts: int) -> Counted:
    names = {name.replace("__", " "): count for name, count in counts.items()}
    table = pa.table([pa.array(names), pa.array(names.values())], schema=SCHEMA)
    return Counted(table, len(names), sum(names.values()))


def entries(part: Part) -> list[str]:
    return part.metadata.entry.to_pylist()


def test_by_value_by_budget_and_by_both():
    words = counted(b=5, a=5, c=9, d=1)
    assert entries(select("unigrams", words, least=5)) == ["c", "a", "b"]
    assert entries(select("unigrams", words, most=2)) == ["c", "a"]
    assert entries(select("unigrams", words, least=6, most=2)) == ["c"]
    assert entries(select("unigrams", words, most=0)) == []
    assert select("unigrams", words, least=5).available == 4


def test_a_single_mark_is_no_entry_and_is_counted():
    table = pa.table({"text": ["dog", "-", "é", " x"], "count": [1, 2, 3, 4]}, schema=SCHEMA)
    part = select("unigrams", Counted(table, 4, 10, {"no count": 7}))
    assert entries(part) == ["é", "dog"]
    assert part.metadata.dropped == {"no count": 7, "single mark, or a space at an edge": 2}


WORDS = counted(hot=100, dog=50, the=4000, a=3850)  # 8,000 tokens


def test_bigrams_are_scored_against_all_words_and_unknown_words_are_counted():
    pairs = counted(hot__dog=10, the__dog=25, the__cat=4)
    scored = score_bigrams(pairs, WORDS)
    assert scored.counted.table["text"].to_pylist() == ["hot dog", "the dog"]
    assert scored.score.tolist() == [4.0, 0.0]
    assert scored.counted.dropped == {"bigrams with a word that has no count": 1}
    assert entries(select_bigrams(scored, least=4.0)) == ["hot dog"]


def test_equal_scores_are_ordered_by_count_then_by_text():
    words = counted(a=4, b=4, c=8, d=8, e=4, f=4)
    scored = score_bigrams(counted(e__f=2, a__b=2, c__d=8), words)
    assert len(np.unique(scored.score)) == 1
    assert entries(select_bigrams(scored)) == ["c d", "a b", "e f"]
    assert entries(select_bigrams(scored, most=2)) == ["c d", "a b"]


def test_the_first_source_of_an_entry_keeps_it_and_every_source_is_accounted_for():
    parts = [
        Part("wordnet", 2, from_entries(["dog", "cat"], "wordnet", {"x": 1})),
        Part("unigrams", 9, from_entries(["dog", "the"], "unigrams", {"x": 2}), best=4000.0),
    ]
    metadata, contributions = combine(parts)
    assert metadata.entry.to_pylist() == ["dog", "cat", "the"]
    assert metadata.source.to_pylist() == ["wordnet", "wordnet", "unigrams"]
    assert metadata.dropped == {"x": 3}
    assert contributions == [
        Contribution(source="wordnet", available=2, best=None, chosen=2, already_there=0, new=2),
        Contribution(source="unigrams", available=9, best=4000.0, chosen=2, already_there=1, new=1),
    ]
