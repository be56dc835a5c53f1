import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation import queries
from curation.errors import BadArgument
from curation.metadata import by_language, from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from inline import INLINE

WORDS = ["dog", "Dog", "hot dog", "dogma", "underdog", "DOG", "cat", "İstanbul", "U.S.", "a", "*dog*"]
TEXTS = ["a dog", "a hot dog", "dogma", "underdog", "a cat", "a", "Dog", "dog , hot dog"]


@pytest.fixture
def words_run(make_run):
    return make_run(TEXTS, WORDS, t=2.0)


def found(run, text="", **wanted):
    return queries.search_entries(run, text, **wanted).entries["entry"].to_pylist()


def test_equal_entries_come_first_then_those_that_begin_with_the_text_then_by_count(words_run):
    assert found(words_run, "DOG") == ["dog", "Dog", "DOG", "dogma", "hot dog", "underdog", "*dog*"]
    assert found(words_run, "hot") == ["hot dog"]
    assert found(words_run, "zebra") == []


def test_a_page_has_its_columns_and_the_number_of_all(words_run):
    page = queries.search_entries(words_run, "dog", t=1.0, limit=2, offset=3)
    assert page.total == 7
    kept = dict(zip(words_run.curves.ranked_entry_id.tolist(), queries.entry_kept_at(words_run, 1.0), strict=True))
    (dogma, hot_dog) = page.entries.to_pylist()
    assert dogma == {"entry_id": 3, "entry": "dogma", "source": "test", "count": 1, "rank": 5, "kept": kept[3]}
    assert (hot_dog["entry"], hot_dog["count"], hot_dog["rank"]) == ("hot dog", 2, 3)
    unmatched = queries.search_entries(words_run, "U.S.").entries.to_pylist()
    assert [(row["count"], row["rank"], row["kept"]) for row in unmatched] == [(0, None, 0)]


def test_which_entries_and_in_which_order(words_run):
    assert found(words_run) == found(words_run, among="matched") + found(words_run, among="unmatched")
    assert found(words_run, among="matched") == ["a", "dog", "hot dog", "Dog", "dogma", "underdog", "cat"]
    assert found(words_run, among="unmatched") == ["DOG", "İstanbul", "U.S.", "*dog*"]
    assert found(words_run, among="head", t=2.0) == ["a", "dog", "hot dog"]
    assert found(words_run, among="cap", t=2.0)[:3] == ["hot dog", "dog", "a"]
    assert found(words_run, among="rare")[:1] == ["cat"]
    assert found(words_run, "dog", among="unmatched") == ["DOG", "*dog*"]


def test_only_entries_of_a_source(tmp_path):
    pq.write_table(pa.table({"text": ["a dog"]}), tmp_path / "pool.parquet")
    metadata = from_entries(["dog", "cat", "a"], source=["wordnet", "titles", "titles"])
    create_run(tmp_path / "run", [str(tmp_path / "pool.parquet")], metadata, CurateConfig(t=1.0))
    run = curate.run(tmp_path / "run", INLINE)
    assert found(run, source="titles") == ["a", "cat"]
    assert found(run, source="wordnet") == ["dog"]
    assert queries.entry_sources(run) == ["titles", "wordnet"]
    assert queries.run_metadata(run).source.to_pylist() == ["wordnet", "titles", "titles"]


def test_a_page_holds_a_thousand_entries_at_most_and_t_is_checked(words_run):
    assert len(found(words_run, limit=10**9)) == len(WORDS)
    with pytest.raises(BadArgument):
        queries.search_entries(words_run, t=0.5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text("dogDOG hatu.*İ", max_size=5), offset=st.integers(0, 3), limit=st.integers(1, 4))
def test_a_search_finds_what_going_through_all_entries_finds(zipf_run, words_run, text, offset, limit):
    count = words_run.entry_count.tolist()
    folded = [entry.lower() for entry in WORDS]
    wanted = [k for k in range(len(WORDS)) if text.lower() in folded[k]]
    wanted.sort(key=lambda k: (folded[k] != text.lower(), not folded[k].startswith(text.lower()), -count[k], k))
    if any("i\u0307" in entry for entry in folded):  # Arrow and Python do not agree on İ in lower case
        wanted = [k for k in wanted if WORDS[k] != "İstanbul"]
    page = queries.search_entries(words_run, text, limit=100).entries["entry"].to_pylist()
    page = [entry for entry in page if entry != "İstanbul"]
    if text:
        assert page == [WORDS[k] for k in wanted]
    whole = found(words_run, text, limit=100)
    assert found(words_run, text, limit=limit, offset=offset) == whole[offset : offset + limit]


def test_the_facts_of_an_entry_are_those_of_the_run(words_run):
    facts = queries.entry_facts(words_run, 0, 2.0)
    assert (facts.entry, facts.source, facts.count, facts.rank, facts.dead) == ("dog", "test", 3, 2, None)
    assert (facts.t, facts.own_t, facts.prob, facts.by_itself, facts.language) == (2.0, 2.0, 2 / 3, 2.0, None)
    assert facts.kept == queries.count_samples(words_run, 2.0, which="kept", entry="dog")
    assert facts.variants["entry"].to_pylist() == ["Dog", "DOG"]
    assert facts.variants.column_names == ["entry_id", "entry", "source", "count"]

    a = queries.entry_facts(words_run, WORDS.index("a"), 1.0)
    assert (a.count, a.prob, a.by_itself) == (4, 0.25, 1.0)
    assert 1 <= a.kept <= 4


def test_an_entry_that_matches_nothing_has_no_rank_and_perhaps_a_reason(words_run):
    dead, alive = (queries.entry_facts(words_run, WORDS.index(entry), 2.0) for entry in ("U.S.", "DOG"))
    assert (dead.count, dead.rank, dead.kept, dead.by_itself, dead.dead) == (0, None, 0, 0.0, "'.' inside a word")
    assert (alive.count, alive.rank, alive.dead) == (0, None, None)


def test_an_entry_keeps_more_texts_at_every_higher_t(zipf_run):
    for entry_id in (0, 7, 39):
        kept = queries.entry_kept_by_t(zipf_run, entry_id)
        assert (np.diff(kept) >= 0).all()
        assert kept[-1] == zipf_run.entry_count[entry_id]
        row = zipf_run.curves.row(100.0)
        assert kept[row] == queries.entry_facts(zipf_run, entry_id, 100.0).kept
    assert not queries.entry_kept_by_t(zipf_run, 49).any()


def test_the_same_text_of_another_language_is_another_entry(tmp_path):
    pq.write_table(
        pa.table({"text": ["a chat", "le chat", "un chat"], "language": ["en", "fr", "fr"]}), tmp_path / "p.parquet"
    )
    metadata = by_language({"en": from_entries(["chat"], source="en"), "fr": from_entries(["chat"], source="fr")})
    create_run(tmp_path / "run", [str(tmp_path / "p.parquet")], metadata, CurateConfig(t=1.0))
    run = curate.run(tmp_path / "run", INLINE)
    rows = queries.search_entries(run, "chat").entries.to_pylist()
    assert [(row["language"], row["count"]) for row in rows] == [("fr", 2), ("en", 1)]
    facts = queries.entry_facts(run, 1, 1.0)
    assert (facts.language, facts.own_t) == ("fr", run.scale.language_t(1, 1.0))
    assert facts.variants.select(["entry_id", "language"]).to_pylist() == [{"entry_id": 0, "language": "en"}]
    assert queries.run_metadata(run).language.to_pylist() == ["en", "fr"]
