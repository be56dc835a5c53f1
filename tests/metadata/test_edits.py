import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import BadArgument, BadMetadata
from curation.metadata import DeadEntry, Edits, by_language, edited, from_entries

BASE = from_entries(["dog", "cat", "Cat", "a"], source="base")


def test_what_stays_keeps_its_order_and_source_then_come_merged_lists_then_what_was_added():
    other = from_entries(["unicorn", "dog", "fox"], source="other")
    found = edited(BASE, Edits().merging(other).adding(["corgi", "a"]).removing(["cat", "yeti"]))
    assert found.metadata.entry.to_pylist() == ["dog", "Cat", "a", "unicorn", "fox", "corgi"]
    assert found.metadata.source.to_pylist() == ["base", "base", "base", "other", "other", "edited"]
    assert (found.added.to_pylist(), found.removed.to_pylist()) == (["unicorn", "fox", "corgi"], ["cat"])
    assert found.left_out == {"not in the metadata": 1, "already there": 2}


def test_edits_without_effect_are_counted_with_a_reason():
    found = edited(BASE, Edits().adding(["", "dog", "new", "new", "\ud83d"]).removing(["cat", "cat", "\ud83d"]))
    assert found.metadata.entry.to_pylist() == ["dog", "Cat", "a", "new"]
    assert found.left_out == {"duplicate": 2, "bad unicode": 1, "empty": 1, "already there": 1}


def test_an_added_entry_that_cannot_match_is_named_and_stays():
    found = edited(BASE, Edits().adding(["U.S."]))
    assert found.dead == [DeadEntry("U.S.", "'.' inside a word")]
    assert "U.S." in found.metadata.entry.to_pylist()


def test_of_an_entry_the_last_word_counts():
    assert Edits().adding(["x"]).removing(["x"]).added == ()
    assert Edits().removing(["dog"]).adding(["dog"]).removed == ()
    assert not Edits()
    assert Edits().adding(["x"])


def test_a_removed_entry_does_not_come_back_through_a_merged_list():
    found = edited(BASE, Edits().removing(["fox", "dog"]).merging(from_entries(["fox", "dog", "elk"], source="other")))
    assert found.metadata.entry.to_pylist() == ["cat", "Cat", "a", "elk"]
    assert found.left_out == {"removed again": 2}


def test_spellings_become_one():
    found = edited(BASE, Edits().replacing(["Cat", "cat"], "cat"))
    assert found.metadata.entry.to_pylist() == ["dog", "cat", "a"]
    assert (found.removed.to_pylist(), found.left_out) == (["Cat"], {"already there": 1})


def test_edits_that_leave_nothing_are_refused():
    with pytest.raises(BadMetadata, match="leave not one entry"):
        edited(BASE, Edits().removing(BASE.entry.to_pylist()))


def test_of_several_languages_one_list_is_edited():
    lists = by_language({"en": BASE, "ja": from_entries(["犬", "dog"], source="ja")})
    found = edited(lists, Edits(language="ja").adding(["a.b"]).removing(["dog"]))
    assert found.metadata.entry.to_pylist() == ["dog", "cat", "Cat", "a", "犬", "a.b"]
    assert found.metadata.language.to_pylist() == ["en"] * 4 + ["ja"] * 2
    assert found.dead == []
    new = edited(lists, Edits(language="fr").adding(["chien"]))
    assert new.metadata.count_by_language() == {"en": 4, "ja": 2, "fr": 1}
    with pytest.raises(BadArgument, match=r"several languages \(en, ja\): say the list"):
        edited(lists, Edits().adding(["x"]))
    with pytest.raises(BadArgument, match="cannot be merged into one list"):
        edited(BASE, Edits().merging(lists))


words = st.lists(st.sampled_from(["dog", "cat", "Cat", "a", "fox", "elk", ""]), max_size=6)


@given(added=words, removed=words, merged=words)
def test_the_result_is_the_base_and_what_was_added_less_what_was_removed(added, removed, merged):
    edits = Edits().adding(added).merging(from_entries(merged, source="other")).removing(removed)
    wanted = dict.fromkeys(
        entry for entry in (*BASE.entry.to_pylist(), *merged, *added) if entry and entry not in removed
    )
    if not wanted:
        with pytest.raises(BadMetadata):
            edited(BASE, edits)
        return
    found = edited(BASE, edits)
    assert found.metadata.entry.to_pylist() == list(wanted)
    assert set(found.metadata.entry.to_pylist()) == (
        set(BASE.entry.to_pylist()) - set(found.removed.to_pylist()) | set(found.added.to_pylist())
    )
