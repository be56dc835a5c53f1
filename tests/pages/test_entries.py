import base64
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import queries
from curation.metadata import by_language, from_entries
from curation.metadata_files import read_metadata, save_metadata, saved_metadata
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from curation.ui.text import share
from inline import INLINE

ENTRIES = ["dog", "Dog", "hot dog", "cat", "a", "unicorn", "U.S.", "*fox*"]
TEXTS = ["a dog", "a hot dog", "dog, cat", "a cat", "Dog", "a", "a photo", "IMG_1.jpg", "an *fox*"]


@pytest.fixture
def words_run(make_run):
    return make_run(TEXTS, ENTRIES, t=2.0)


def find(page, text):
    page.app.text_input(key="find").set_value(text).run()


def choose(page, entry):
    page.app.text_input(key="entry").set_value(entry).run()


def look_at(page, view):
    page.app.session_state["view"] = view
    page.app.run()


def table(page, column):
    """The table with this column, as lists."""
    (found,) = (frame.value for frame in page.app.dataframe if column in frame.value.columns)
    return found.astype(object).where(found.notna(), None).to_dict("list")


def press(page, key):
    page.app.button(key=key).click().run()
    assert not page.app.exception


def edit(page, lines, key, by=""):
    page.app.text_area(key="edit_lines").set_value(lines)
    page.app.text_input(key="edit_by").set_value(by)
    press(page, key)


@pytest.fixture
def page(words_run, open_page):
    return open_page("entries")


def test_the_entries_found_are_those_of_the_library(words_run, page):
    assert table(page, "rank")["entry"] == queries.search_entries(words_run).entries["entry"].to_pylist()
    assert page.captions.startswith("8 of the 8 entries; texts of all 9 pairs of the pool, and of those kept at t = 2")

    find(page, "DOG")
    wanted = queries.search_entries(words_run, "dog", t=2.0).entries.drop_columns("entry_id").to_pydict()
    assert table(page, "rank") == wanted
    assert page.captions.startswith("3 of the 8 entries")

    page.app.segmented_control(key="among").set_value("unmatched").run()
    assert table(page, "rank")["entry"] == []
    find(page, "")
    assert table(page, "rank") | {"entry": ["unicorn", "U.S."], "rank": [None, None]} == table(page, "rank")


def test_a_long_list_has_pages(zipf_workspace, open_page, monkeypatch):
    monkeypatch.setattr("curation.ui.entry_search.PAGE", 20)
    page = open_page("entries")
    page.app.get("pagination")[0].set_value(3).run()
    wanted = queries.search_entries(zipf_workspace, limit=20, offset=40).entries["entry"].to_pylist()
    assert table(page, "rank")["entry"] == wanted
    assert len(wanted) == 10


def test_only_entries_of_a_source_where_there_are_several(tmp_path, words_run, open_page):
    assert not [box for box in open_page("entries").app.selectbox if box.key == "source"]
    pq.write_table(pa.table({"text": ["a dog"]}), tmp_path / "pool.parquet")
    metadata = from_entries(["dog", "cat", "a"], source=["wordnet", "titles", "titles"])
    create_run(tmp_path / "two", [str(tmp_path / "pool.parquet")], metadata, CurateConfig(t=1.0))
    curate.run(tmp_path / "two", INLINE)
    page = open_page("entries", run="two")
    page.app.selectbox(key="source").set_value("titles").run()
    assert table(page, "rank")["entry"] == ["a", "cat"]


def test_the_four_numbers_of_an_entry(zipf_workspace, open_page):
    page = open_page("entries")
    assert page.numbers == {}
    choose(page, "w0")
    facts = queries.entry_facts(zipf_workspace, 0, 100.0)
    assert page.numbers == {
        "Texts in the pool": "4,000",
        "Kept": f"{facts.kept:,}",
        "Kept by itself": "100",
        "Rank": "1",
    }
    assert "Source: test." in page.texts
    page.set_t(33.3)
    assert page.numbers["Kept"] == f"{queries.entry_facts(zipf_workspace, 0, 33.3).kept:,}"


def test_the_curve_of_an_entry_is_that_of_the_run(zipf_workspace, open_page):
    page = open_page("entries")
    choose(page, "w3")
    kept, by_itself, count, now = page.figure["data"]
    assert np.array_equal(decoded(kept["y"]), queries.entry_kept_by_t(zipf_workspace, 3))
    assert np.array_equal(decoded(by_itself["y"]), np.minimum(1000, zipf_workspace.curves.grid))
    assert count["y"] == [1000, 1000]
    assert decoded(now["y"]).tolist() == [queries.entry_facts(zipf_workspace, 3, 100.0).kept]


def decoded(values):
    """The numbers of a trace, which Plotly writes as base64."""
    if isinstance(values, list):
        return np.array(values)
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])


def test_who_keeps_its_pairs_is_told_in_numbers_bars_and_a_table(zipf_workspace, open_page):
    page = open_page("entries")
    choose(page, "w0")
    look_at(page, "Who keeps its pairs")
    carried = queries.carried(zipf_workspace, 0, 100.0)
    assert "All 4,000 pairs with the entry were looked at." in page.captions
    assert (
        f"{carried.kept:,} are kept: {carried.by_itself:,} by the entry itself, and {carried.by_others:,} that it drops"
        f" but another entry keeps; {carried.by_tail:,} of these an entry of the tail."
    ) in page.captions
    shown = table(page, "carried")
    assert shown["carried"] == carried.entries["carried"].to_pylist()
    assert shown["alone"] == carried.entries["alone"].to_pylist()
    bars = {name: n for bar in page.figure["data"] for (name, *_), n in zip(bar["customdata"], bar["x"], strict=True)}
    assert bars == dict(zip(shown["entry"][:12], shown["carried"][:12], strict=True))

    choose(page, "w39")
    assert [text for text in page.texts if text.startswith("No pair was carried through")]


def test_what_else_its_pairs_match_in_two_orders(zipf_workspace, open_page):
    page = open_page("entries")
    choose(page, "w5")
    look_at(page, "What else its pairs match")
    company = queries.company(zipf_workspace, 5)
    assert (
        f"All 666 pairs with the entry were looked at. Other entries that they match: {company.total}." in page.captions
    )
    assert table(page, "shared") == company.entries.drop_columns("entry_id").to_pydict()
    page.app.segmented_control(key="order").set_value("lift").run()
    lifts = queries.company(zipf_workspace, 5, order="lift").entries["lift"].to_pylist()
    assert table(page, "shared")["lift"] == lifts


def test_examples_are_kept_and_dropped_pairs_with_the_entry(zipf_workspace, open_page):
    page = open_page("entries")
    choose(page, "w0")
    look_at(page, "Examples")
    kept, dropped = ([card["kept"] for card in one["cards"]] for one in components(page, "gallery"))
    assert (kept, dropped) == ([True] * 6, [False] * 6)
    total = queries.count_samples(zipf_workspace, 100.0, which="dropped", entry="w0")
    assert f"Dropped: {total:,} of its 4,000 texts, at t = 100" in page.captions


def components(page, name):
    found = [one.proto for one in page.app.get("bidi_component")]
    return [json.loads(one.json) for one in found if one.component_name == f"headtail_{name}"]


def test_an_entry_that_matches_nothing_says_why(page):
    choose(page, "U.S.")
    assert page.numbers == {"Texts in the pool": "0", "Kept": "0", "Kept by itself": "0", "Rank": "–"}
    assert "Source: test; no text can match it: '.' inside a word." in page.texts
    choose(page, "unicorn")
    assert "Source: test; no text of the pool holds it." in page.texts


def test_other_spellings_are_shown(page):
    choose(page, "dog")
    assert "Source: test; written otherwise: “Dog” (1 text)." in page.texts


def test_an_unknown_entry_is_answered_with_entries_like_it(page):
    choose(page, "DOG")
    assert "“DOG” is no entry of this run's metadata." in page.texts
    assert "Entries like it that match: “dog”, “Dog”, “hot dog”" in page.texts
    assert page.numbers == {}


def test_the_same_text_in_two_languages_is_chosen_by_the_language(tmp_path, open_page):
    texts = {"text": ["a chat", "le chat", "un chat"], "language": ["en", "fr", "fr"]}
    pq.write_table(pa.table(texts), tmp_path / "pool.parquet")
    metadata = by_language({"en": from_entries(["chat"], source="en"), "fr": from_entries(["chat"], source="fr")})
    create_run(tmp_path / "languages", [str(tmp_path / "pool.parquet")], metadata, CurateConfig(t=1.0))
    curate.run(tmp_path / "languages", INLINE)
    page = open_page("entries")
    choose(page, "chat")
    assert page.numbers["Texts in the pool"] == "1"
    page.app.selectbox(key="entry_language").set_value("fr").run()
    assert page.numbers["Texts in the pool"] == "2"
    assert [text for text in page.texts if text.startswith("Source: fr; language: fr, where t is")]


def open_editor(page):
    page.app.session_state["edit"] = True
    page.app.run()


def test_edits_show_their_effect_before_anything_is_saved(words_run, page, workspace):
    open_editor(page)
    edit(page, "photo\n\nfox\nU.S.\ndog.\n", "edit_adding")
    edit(page, "hot dog\nyeti\na", "edit_removing")

    metadata = from_entries(["dog", "Dog", "cat", "unicorn", "U.S.", "*fox*", "photo", "fox", "dog."], source="any")
    effect = queries.coverage(words_run, metadata)
    assert page.numbers == {
        "Entries": "9",
        "Pairs that match": share(effect.matched_after, 9),
        "Matches a text": f"{effect.matches_after / 9:.3f}",
        "Pairs looked at": "9",
    }
    deltas = {metric.label: metric.delta for metric in page.app.metric}
    assert deltas == {
        "Entries": "+3 −2",
        "Pairs that match": f"{effect.matched_after - effect.matched_before:+} pairs",
        "Matches a text": f"{effect.matches_after / 9 - effect.matches_before / 9:+.3f}",
        "Pairs looked at": "100.0 %",
    }
    assert "All 9 pairs of the run were matched anew with the edited metadata: exact." in page.captions
    added, removed = table(page, "newly"), table(page, "lost")
    assert dict(zip(added["entry"], added["pairs"], strict=True)) == {"photo": 1, "fox": 0, "dog.": 0}
    assert dict(zip(removed["entry"], removed["lost"], strict=True)) == {"a": 1, "hot dog": 0}
    assert "Without effect: 1 (not in the metadata)" in page.texts
    assert "Without effect: 1 (already there)" in page.texts
    assert "No text can match “dog.”: '.' inside a word" in page.texts
    assert not (workspace / "metadata").exists()


def test_edited_metadata_is_saved_as_a_new_file(words_run, page, workspace):
    open_editor(page)
    edit(page, "photo", "edit_adding")
    press(page, "edit_saving")
    assert "metadata is saved under a name; give one" in page.texts
    assert saved_metadata(workspace / "metadata") == []

    page.app.text_input(key="edit_title").set_value("../../My <b>pets</b>")
    press(page, "edit_saving")
    (saved,) = saved_metadata(workspace / "metadata")
    assert (saved.title, saved.entries) == ("../../My <b>pets</b>", 9)
    assert saved.path.parent == workspace / "metadata"
    assert read_metadata(saved.path).entry.to_pylist() == [*ENTRIES, "photo"]
    assert f"Saved as {saved.path}" in page.texts
    assert "Entries" not in page.numbers

    page.app.selectbox(key="edit_saved").set_value("../../My <b>pets</b>")
    press(page, "edit_merging")
    assert page.numbers["Entries"] == "9"


def test_an_entry_can_be_removed_and_can_replace_its_other_spellings(page):
    choose(page, "dog")
    press(page, "edit_spellings")
    assert page.app.metric[4].delta == "+0 −1"
    assert table(page, "lost")["entry"] == ["Dog"]
    assert table(page, "lost")["lost"] == [1]
    press(page, "edit_remove")
    assert table(page, "lost")["entry"] == ["Dog", "dog"]
    press(page, "edit_discard")
    assert "Entries" not in page.numbers


def test_spellings_become_one_by_hand(page):
    open_editor(page)
    edit(page, "Dog\ndog", "edit_replacing", by="hound")
    assert table(page, "newly")["entry"] == ["hound"]
    assert sorted(table(page, "lost")["entry"]) == ["Dog", "dog"]


def test_metadata_that_cannot_be_merged_is_answered_in_a_line(page, workspace, tmp_path):
    open_editor(page)
    page.app.text_input(key="edit_path").set_value("/nowhere/birds.txt")
    press(page, "edit_merging")
    assert [text for text in page.texts if text.startswith("/nowhere/birds.txt: no such file")]
    save_metadata(from_entries(["wren", "dog"], source="birds"), workspace / "metadata", "Birds")
    (saved,) = saved_metadata(workspace / "metadata")
    page.app.text_input(key="edit_path").set_value(str(saved.path))
    press(page, "edit_merging")
    assert table(page, "newly")["entry"] == ["wren"]
    assert table(page, "newly")["source"] == ["birds"]
    assert not [text for text in page.texts if "no such file" in text]


def test_edits_that_leave_nothing_are_refused_and_change_nothing(page):
    open_editor(page)
    edit(page, "\n".join(ENTRIES), "edit_removing")
    assert [text for text in page.texts if text.startswith("these edits leave not one entry")]
    assert "Entries" not in page.numbers


def test_of_a_draw_the_pool_is_estimated(zipf_workspace, open_page, monkeypatch):
    monkeypatch.setattr("curation.queries.edits.LOOKED_AT", 1000)
    page = open_page("entries")
    open_editor(page)
    edit(page, "w0 w1", "edit_adding")
    metadata = from_entries([*zipf_workspace.entries["entry"].to_pylist(), "w0 w1"], source="test")
    effect = queries.coverage(zipf_workspace, metadata)
    assert f"{effect.looked_at:,} of the 4,000 pairs of the run, drawn at random, were matched anew" in page.captions
    (row,) = effect.added.to_pylist()
    shown = table(page, "newly")
    assert [shown[name] for name in ("pairs", "estimate", "low", "high")] == [
        [row["pairs"]], *([round(row[name])] for name in ("estimate", "low", "high"))
    ]  # fmt: skip
