from dataclasses import replace

import pytest

from curation.queries import EntryWhy, Why
from curation.ui.gallery import MORE_CHARACTERS, MORE_ENTRIES, card, highlighted, reason


def entry(name: str, count: int, u: float, t: float) -> EntryWhy:
    return EntryWhy(
        entry_id=0, entry=name, source="test", count=count, prob=t / max(count, t), u=u, product=u * count,
        keeps=u * count < t,
    )  # fmt: skip


def pair(text: str, *entries: tuple[str, int, float], t: float = 20.0) -> Why:
    found = sorted((entry(*values, t) for values in entries), key=lambda e: e.product)
    t_min = found[0].product if found else float("inf")
    return Why(
        uid="u1", text=text, url=None, image=None, t=t, t_min=t_min, keep_prob=0.5, kept=t_min < t, entries=found
    )  # fmt: skip


def test_entries_are_marked_where_they_stand():
    assert highlighted(pair("a dog, no cat", ("dog", 10, 0.5), ("cat", 1000, 0.9))) == [
        ["a ", "", ""],
        ["dog", "keeps", "dog"],
        [", no ", "", ""],
        ["cat", "matches", "cat"],
    ]


def test_overlapping_places_become_one_mark_that_keeps_if_one_of_them_does():
    found = highlighted(pair("big hot dog house", ("hot dog", 1000, 0.9), ("dog house", 10, 0.5), ("big", 1000, 0.9)))

    assert found == [["big", "matches", "big"], [" ", "", ""], ["hot dog house", "keeps", "hot dog, dog house"]]


def test_the_parts_of_a_caption_are_the_caption():
    text = "a 🐶 dog, [dog] \u202edog dog"

    assert "".join(part for part, _, _ in highlighted(pair(text, ("dog", 1, 0.1), ("a", 9, 0.1)))) == text


def test_half_a_word_at_the_cut_is_not_marked():
    text = "x" * (MORE_CHARACTERS - 4) + " dogs"

    assert highlighted(pair(text, ("dog", 1, 0.1))) == [[text[:-1], "", ""]]


@pytest.mark.parametrize(
    ("why", "sentence"),
    [
        (pair("x"), "Dropped: no entry of the metadata stands in this text."),
        (
            pair("a unicorn", ("a", 1000, 0.001), ("unicorn", 12, 0.9)),
            "Kept: “unicorn” stands in 12 texts, no more than t = 20, so all of its texts stay.",
        ),
        (
            pair("a dog", ("a", 1000, 0.5), ("dog", 100, 0.1)),
            "Kept: “dog” stands in 100 texts and keeps each with p = 0.2; "
            "its draw for this pair, u = 0.1, is below that.",
        ),
        (
            pair("a dog", ("a", 1000, 0.5), ("dog", 100, 0.75)),
            "Dropped: each of its entries stands in more than t = 20 texts and draws by chance; none drew this pair. "
            "Nearest is “dog”, which keeps it for t above 75.",
        ),
    ],
)
def test_the_reason_is_a_sentence(why, sentence):
    assert reason(why) == sentence


def test_a_card_with_very_many_entries_shows_the_ones_that_decide():
    why = pair("w", *[(f"w{k}", 1000 + k, 0.5) for k in range(MORE_ENTRIES + 7)])

    shown = card(why, None)

    assert [values[0] for values, _ in shown["entries"]] == [f"w{k}" for k in range(MORE_ENTRIES)]
    assert shown["more_entries"] == 7


def test_a_card_shows_the_numbers_behind_the_reason():
    shown = card(pair("a dog", ("dog", 100, 0.75)), image="/thumb/1")

    assert shown["entries"] == [[["dog", "100", "0.2", "0.75", "75"], False]]
    assert shown["facts"][:2] == [["t_min", "75"], ["pi, the chance to be kept at this t", "0.5000"]]
    assert shown["image"] == "/thumb/1"


def test_in_a_language_without_spaces_entries_are_marked_inside_words_and_judged_by_its_own_t():
    found = pair("红色热狗照片", ("热狗", 3, 0.9), t=20.0)
    found = replace(found, language="zh", language_t=4.0)
    assert highlighted(found) == [["红色", "", ""], ["热狗", "keeps", "热狗"], ["照片", "", ""]]
    assert reason(found) == "Kept: “热狗” stands in 3 texts, no more than t = 4 for “zh”, so all of its texts stay."
