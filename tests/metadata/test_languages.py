from curation.metadata import DeadEntry, by_language, dead_entries, from_entries

EN = from_entries(["dog", "chat", ""], source="one")
FR = from_entries(["chat", "chien", "chat"], source="two")


def test_a_string_of_two_languages_is_two_entries_with_ids_of_their_own():
    metadata = by_language({"en": EN, "fr": FR})
    assert metadata.entry.to_pylist() == ["dog", "chat", "chat", "chien"]
    assert metadata.language.to_pylist() == ["en", "en", "fr", "fr"]
    assert metadata.source.to_pylist() == ["one", "one", "two", "two"]
    assert metadata.dropped == {"empty": 1, "duplicate": 1}
    assert metadata.count_by_language() == {"en": 2, "fr": 2}
    assert EN.count_by_language() == {}


def test_the_digest_depends_on_the_language_of_each_entry():
    one, other = by_language({"en": EN, "fr": FR}), by_language({"en": EN, "de": FR})
    assert len({one.digest, other.digest, EN.digest, by_language({"en": EN}).digest}) == 4


def test_no_entry_is_dead_in_a_language_without_spaces():
    marked = from_entries(["a.b"], source="mine")
    assert dead_entries(by_language({"en": marked, "ja": marked})) == [DeadEntry("a.b", "'.' inside a word")]
