from collections import Counter

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from curation.pool.pairs import PAIR_SCHEMA
from curation.pool.texts import ANOTHER_TEXT, draw_texts
from curation.uniform import entry_hashes, uniform


def batch(images: dict[int, list[str]], uid: str = "uid-{row}") -> pa.RecordBatch:
    rows = [(row, text) for row, texts in images.items() for text in texts]
    return pa.RecordBatch.from_pylist(
        [{"uid": uid.format(row=row, text=text), "text": text, "row": row} for row, text in rows], PAIR_SCHEMA
    )


def test_every_image_keeps_one_of_its_texts_and_the_others_are_counted():
    drawn, dropped = draw_texts(batch({3: ["a", "b", "c"], 4: ["d"], 9: ["e", "f"]}), seed=0)
    assert drawn.schema == PAIR_SCHEMA
    assert drawn["row"].to_pylist() == [3, 4, 9]
    assert drawn["text"][1].as_py() == "d"
    assert dropped == Counter({ANOTHER_TEXT: 3})


def test_images_with_one_text_each_stay_as_they_are():
    pairs = batch({0: ["a"], 1: ["a"], 2: ["b"]})
    assert draw_texts(pairs, seed=0) == (pairs, Counter())
    assert draw_texts(pairs.slice(0, 0), seed=0) == (pairs.slice(0, 0), Counter())


def test_of_equal_texts_the_first_is_drawn():
    drawn, dropped = draw_texts(batch({0: ["a", "a", "a"]}), seed=5)
    assert len(drawn) == 1 and dropped.total() == 2


@given(st.permutations(["a", "b", "c", "d"]), st.integers(0, 2**64 - 1), st.integers(0, 1000))
def test_the_draw_depends_on_seed_uid_and_texts_and_on_no_row_or_order(texts, seed, row):
    drawn = draw_texts(batch({0: ["a", "b", "c", "d"]}, uid="one"), seed)[0]["text"].to_pylist()
    assert draw_texts(batch({row: texts, row + 1: ["x"]}, uid="one"), seed)[0]["text"].to_pylist() == [*drawn, "x"]


def test_each_text_is_drawn_as_often_and_balancing_knows_nothing_of_it():
    n = 3000
    drawn = draw_texts(batch({row: ["dog", "cat", "hen"] for row in range(n)}), seed=0)[0]
    counts = Counter(drawn["text"].to_pylist())
    # each count is binomial: 5 sigma
    assert all(abs(count - n / 3) < 5 * (n * 2 / 9) ** 0.5 for count in counts.values())
    dogs = drawn.filter(pa.compute.equal(drawn["text"], "dog"))
    ids = pa.array([[0]] * len(dogs), pa.list_(pa.int32()))
    u = uniform(dogs["uid"], ids, entry_hashes(pa.array(["dog"]), 0), 0)
    # the mean of uniform numbers has the standard deviation 1 / sqrt(12 n)
    assert abs(u.mean() - 0.5) < 5 / (12 * len(u)) ** 0.5
