import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.errors import BadArgument, BadMetadata
from curation.wikipedia.build import Sources, build, thresholds
from curation.wikipedia.config import SelectionConfig


@pytest.fixture
def ngrams(tmp_path):
    """12,800 tokens; "hot dog" has PMI log2(200 * 12,800 / (200 * 200)) = 6, "the the" about 0."""
    words = {"the": 12_301, "hot": 200, "dog": 200, "rare": 99}
    pairs = {"hot dog": 200, "the the": 11_000, "the rare": 99}
    path = tmp_path / "ngrams.parquet"
    table = {"n": [1] * 4 + [2] * 3, "gram": [*words, *pairs], "count": [*words.values(), *pairs.values()]}
    pq.write_table(pa.table(table), path)
    return path


@pytest.fixture
def titles(tmp_path):
    path = tmp_path / "titles.tsv"
    path.write_text("Hot dog\t70\nthe\t900\nRare\t69\n")
    return path


def entries(sources, **config):
    metadata, _ = build(sources, SelectionConfig(**config))
    return dict(zip(metadata.entry.to_pylist(), metadata.source.to_pylist(), strict=True))


def test_sources_are_joined_in_the_order_of_the_paper(ngrams, titles):
    sources = Sources(unigrams=ngrams, bigrams=ngrams, titles=(titles,))
    metadata, contributions = build(sources, SelectionConfig(min_pmi=6))
    assert metadata.entry.to_pylist() == ["the", "dog", "hot", "hot dog", "Hot dog"]
    assert metadata.source.to_pylist() == ["unigrams"] * 3 + ["bigrams", "titles"]
    assert [(one.source, one.available, one.chosen, one.already_there, one.new) for one in contributions] == [
        ("unigrams", 4, 3, 0, 3),
        ("bigrams", 3, 1, 0, 1),
        ("titles", 3, 2, 1, 1),
    ]


def test_the_words_of_a_bigram_file_are_counted_with_but_no_entries(ngrams):
    assert entries(Sources(bigrams=ngrams), min_pmi=6) == {"hot dog": "bigrams"}
    assert list(entries(Sources(bigrams=ngrams), max_bigrams=2)) == ["hot dog", "the the"]
    assert list(entries(Sources(bigrams=ngrams), max_bigrams=9, min_bigram_count=1)) == [
        "hot dog", "the rare", "the the"
    ]  # fmt: skip


def test_bigrams_without_counts_of_words_are_refused(tmp_path, ngrams):
    (tmp_path / "pairs.tsv").write_text("hot dog\t200\n")
    with pytest.raises(BadArgument, match=r"pairs\.tsv: no counts of words, which the score needs; give --unigrams"):
        build(Sources(bigrams=tmp_path / "pairs.tsv"), SelectionConfig())
    sources = Sources(unigrams=ngrams, bigrams=tmp_path / "pairs.tsv")
    assert entries(sources, max_unigrams=0, min_pmi=5.9) == {"hot dog": "bigrams"}


def test_no_source_and_no_entry_are_refused(ngrams):
    with pytest.raises(BadArgument, match="no source: give --wordnet DIR, --unigrams FILE"):
        build(Sources(), SelectionConfig())
    with pytest.raises(BadArgument, match="no source: give --unigrams FILE"):
        thresholds(Sources(), SelectionConfig())
    with pytest.raises(BadMetadata, match=r"not one entry reaches .*\(the highest of bigrams is 6\); see"):
        build(Sources(bigrams=ngrams), SelectionConfig(), "metaclip")


def test_what_thresholds_promises_is_what_building_gives(ngrams, titles):
    sources = Sources(unigrams=ngrams, bigrams=ngrams, titles=(titles,))
    names = {"unigrams": "min_count", "bigrams": "min_pmi", "titles": "min_views"}
    for source in thresholds(sources, SelectionConfig()):
        for effect in source.effects:
            value = effect.threshold if source.source == "bigrams" else int(effect.threshold)
            _, contributions = build(sources, SelectionConfig(**{"max_unigrams": 9, names[source.source]: value}))
            chosen = {one.source: one.chosen for one in contributions}
            assert chosen[source.source] == effect.entries, effect


def test_thresholds_name_the_chosen_one_and_the_papers(ngrams):
    found = {
        one.source: one for one in thresholds(Sources(unigrams=ngrams, bigrams=ngrams), SelectionConfig(min_count=7))
    }
    marked = [(e.threshold, e.entries, e.note) for one in found.values() for e in one.effects if e.note]
    assert marked == [(7, 4, "chosen"), (100, 3, "paper"), (8.0, 0, "chosen"), (30, 0, "paper")]
    assert (found["bigrams"].measure, found["bigrams"].available, found["bigrams"].considered) == ("pmi", 3, 2)
