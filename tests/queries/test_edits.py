import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import queries
from curation.metadata import Edits, by_language, edited, from_entries
from curation.queries import edits
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from inline import INLINE
from reference import matched_entry_ids

TEXTS = ["a dog", "a hot dog", "cat", "a photo of a fox", "IMG_1.jpg", "fox , dog", "an elk", "cat cat"]
ENTRIES = ["a", "dog", "hot dog", "cat"]


def test_the_effect_of_edits_is_what_matching_anew_says(make_run):
    run = make_run(TEXTS, ENTRIES, t=2.0)
    found = edited(queries.run_metadata(run), Edits().adding(["fox", "elk", "yeti"]).removing(["cat", "hot dog"]))
    effect = queries.coverage(run, found.metadata)

    after = [matched_entry_ids(text, found.metadata.entry.to_pylist()) for text in TEXTS]
    before = [matched_entry_ids(text, ENTRIES) for text in TEXTS]
    assert (effect.looked_at, effect.of) == (8, 8)
    assert (effect.matched_before, effect.matched_after) == (sum(map(bool, before)), sum(map(bool, after)))
    assert (effect.matches_before, effect.matches_after) == (sum(map(len, before)), sum(map(len, after)))
    assert effect.added.select(["entry", "source", "pairs", "newly"]).to_pylist() == [
        {"entry": "fox", "source": "edited", "pairs": 2, "newly": 0},
        {"entry": "elk", "source": "edited", "pairs": 1, "newly": 1},
        {"entry": "yeti", "source": "edited", "pairs": 0, "newly": 0},
    ]
    assert effect.removed.select(["entry", "count", "lost"]).to_pylist() == [
        {"entry": "cat", "count": 2, "lost": 2},
        {"entry": "hot dog", "count": 1, "lost": 0},
    ]
    assert effect.added["estimate"].to_pylist() == effect.added["low"].to_pylist() == [2.0, 1.0, 0.0]
    assert (effect.entries_added, effect.entries_removed) == (3, 2)


def test_metadata_that_was_not_changed_changes_nothing(zipf_run):
    effect = queries.coverage(zipf_run, queries.run_metadata(zipf_run))
    assert (effect.matched_after, effect.matches_after) == (effect.matched_before, effect.matches_before)
    assert effect.matched_before == zipf_run.info["totals"]["matched"]
    assert effect.matches_before == zipf_run.info["totals"]["matches"]
    assert (len(effect.added), len(effect.removed)) == (0, 0)


def test_from_a_draw_the_pool_is_estimated_with_an_interval(zipf_run, monkeypatch):
    monkeypatch.setattr(edits, "LOOKED_AT", 1000)
    effect = queries.coverage(zipf_run, from_entries(["w0", "w1", "w39 x", "w0 w1"], source="other"))
    assert effect.of == 4000
    assert effect.looked_at < 1200
    (together, nothing) = effect.added.to_pylist()
    assert (together["entry"], nothing["entry"]) == ("w0 w1", "w39 x")
    assert together["low"] < 2000 < together["high"]  # every second text
    assert together["estimate"] == pytest.approx(together["pairs"] * 4000 / effect.looked_at)
    assert (nothing["pairs"], nothing["low"]) == (0, 0.0)
    assert 0 < nothing["high"] < 20


def test_intervals_hold_what_is_true_about_as_often_as_they_say():
    random = np.random.default_rng(3)
    for share in (0.001, 0.05, 0.5):
        found = random.hypergeometric(round(share * 100_000), round((1 - share) * 100_000), 2000, size=1000)
        low, high = edits.interval(found, 2000, 100_000)
        inside = ((low <= share * 100_000) & (share * 100_000 <= high)).mean()
        assert inside > 0.95 - 5 * np.sqrt(0.05 * 0.95 / 1000)


def test_with_languages_each_text_is_matched_by_its_own_list(tmp_path):
    table = {"text": ["a chat", "le chat", "un chien", "犬と猫"], "language": ["en", "fr", "fr", "ja"]}
    pq.write_table(pa.table(table), tmp_path / "p.parquet")
    lists = {
        code: from_entries(entries, source=code)
        for code, entries in (("en", ["chat"]), ("fr", ["chat"]), ("ja", ["猫"]))
    }
    create_run(tmp_path / "run", [str(tmp_path / "p.parquet")], by_language(lists), CurateConfig(t=1.0))
    run = curate.run(tmp_path / "run", INLINE)
    found = edited(queries.run_metadata(run), Edits(language="ja").adding(["犬", "chat"]).removing(["猫"]))
    effect = queries.coverage(run, found.metadata)
    assert (effect.matched_before, effect.matched_after) == (3, 3)
    assert effect.added.select(["entry", "language", "pairs"]).to_pylist() == [
        {"entry": "犬", "language": "ja", "pairs": 1},
        {"entry": "chat", "language": "ja", "pairs": 0},
    ]
    assert effect.removed.select(["entry", "language", "lost"]).to_pylist() == [
        {"entry": "猫", "language": "ja", "lost": 0}
    ]
