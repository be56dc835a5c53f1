"""The SQL of the filters, against plain Python over small numbers and with little memory."""

import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.pool.filter_config import REASONS, FilterConfig
from curation.queries import filters

NAMES = {number: name for name, number in REASONS.items()}


def write_keys(folder, units: int = 1, **columns):
    """Keys of pairs: a value of a column stands for both halves of its key, `looks` and `instance` for themselves."""
    rows = len(next(iter(columns.values())))
    each = -(-rows // units)
    table = {
        "place": [((at // each) << 32) + at % each for at in range(rows)],
        "instance": columns.pop("instance", range(rows)),
        "reason": pa.array(columns.pop("reason", [0] * rows), pa.uint8()),
    }
    if "looks" in columns:
        table["looks"] = pa.array(columns.pop("looks"), pa.uint64())
    for name, values in columns.items():
        table |= {f"{name}_{half}": pa.array(values, pa.uint64()) for half in "ab"}
    paths = []
    for unit in range(units):
        paths.append(folder / f"{unit}.parquet")
        pq.write_table(pa.table(table).slice(unit * each, each), paths[-1])
    return paths


class Watch:
    """The names of files that were seen in a folder while the block ran."""

    def __init__(self, folder):
        self.seen, self._folder, self._over = set(), folder, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(0.005):
            self.seen.update(path.name for path in self._folder.iterdir())


def dropped(tmp_path, units: int = 1, *, columns, **config) -> dict[int, str]:
    """The number of each dropped pair -> the filter."""
    rows = len(next(iter(columns.values())))
    each = -(-rows // units)
    batches = filters.pool_drops(write_keys(tmp_path, units, **columns), FilterConfig(**config), scratch=tmp_path)
    return {
        (row["place"] >> 32) * each + row["place"] % 2**32: NAMES[row["reason"]]
        for batch in batches
        for row in batch.to_pylist()
    }


@pytest.mark.parametrize("units", [1, 3])
def test_of_equal_texts_the_first_that_is_left_stays(tmp_path, units):
    columns = {"text": [7, 8, 7, 7, 9, 8], "reason": [1, 0, 0, 0, 0, 0]}
    assert dropped(tmp_path, units, columns=columns, distinct_texts=True) == {3: "same text", 5: "same text"}


def test_of_equal_pairs_the_first_stays(tmp_path):
    columns = {"image": [1, 1, 2, 1], "text": [5, 6, 5, 5]}
    assert dropped(tmp_path, columns=columns, distinct_pairs=True) == {3: "same pair"}


def test_of_equal_images_the_first_stays_with_all_its_texts_and_null_equals_nothing(tmp_path):
    columns = {"bytes": [4, 4, None, 4, None, 5], "instance": [0, 0, 1, 2, 3, 4]}
    assert dropped(tmp_path, columns=columns, distinct_images=True) == {3: "same image"}


@pytest.mark.parametrize(("texts", "gone"), [(1000, 0), (1001, 1001)])
def test_an_image_with_more_than_1000_texts_is_out_with_all_of_them(tmp_path, texts, gone):
    columns = {"image": [1] * texts + [2], "text": [*range(texts), 0]}
    assert len(dropped(tmp_path, columns=columns, max_texts_per_image=1000)) == gone


@pytest.mark.parametrize(("images", "gone"), [(10, 0), (11, 11)])
def test_a_text_shared_by_more_than_10_images_is_out(tmp_path, images, gone):
    columns = {"image": [*range(images), 0], "text": [1] * images + [2]}
    assert len(dropped(tmp_path, columns=columns, max_images_per_text=10)) == gone


def test_the_same_pair_twice_is_one_text_of_one_image(tmp_path):
    columns = {"image": [1] * 11, "text": [1] * 11}
    assert dropped(tmp_path, columns=columns, max_images_per_text=10, max_texts_per_image=1) == {}


def test_counts_are_those_of_what_earlier_filters_left(tmp_path):
    columns = {"image": [1, 1, 1, 2, 3], "text": [5, 6, 7, 5, 5]}
    assert dropped(tmp_path, columns=columns, max_texts_per_image=2, max_images_per_text=2) == dict.fromkeys(
        (0, 1, 2), "texts per image"
    )


def test_near_images_are_those_within_the_distance_of_one_that_stays(tmp_path):
    # each 3 bits from the one before: the third is near only to one that is gone
    columns = {"looks": [0, 0b111, 0b111111, 1 << 40, 0b111, None]}
    assert dropped(tmp_path, columns=columns, near_images=True) == dict.fromkeys((1, 3, 4), "similar image")
    assert dropped(tmp_path, columns=columns, near_images=True, near_distance=0) == {4: "similar image"}


@pytest.mark.parametrize("distance", [0, 1, 3, 8])
def test_near_images_are_those_that_comparing_all_with_all_finds(tmp_path, distance):
    generator = np.random.default_rng(distance)
    looks = generator.integers(0, 2**64, 300, dtype=np.uint64)
    flips = [sum(1 << bit for bit in set(generator.integers(0, 64, at % 10).tolist())) for at in range(300)]
    looks = [int(each) for each in looks] + [int(each) ^ flip for each, flip in zip(looks, flips, strict=True)]
    stays: list[int] = []
    for at, each in enumerate(looks):
        if all((each ^ looks[earlier]).bit_count() > distance for earlier in stays):
            stays.append(at)
    found = dropped(tmp_path, 4, columns={"looks": looks}, near_images=True, near_distance=distance)
    assert sorted(found) == sorted(set(range(600)) - set(stays))
    assert found


def test_little_memory_gives_the_same_answer_through_the_disk(tmp_path, monkeypatch):
    rows, different = 1_500_000, 1_000_000  # their groups alone take some 40 MB
    text = np.random.default_rng(0).integers(0, different, rows, dtype=np.uint64)
    paths = write_keys(tmp_path, 3, text=text)
    expected = np.setdiff1d(np.arange(rows), np.unique(text, return_index=True)[1])
    monkeypatch.setattr(filters, "MEMORY_LIMIT", "60MB")
    (tmp_path / "scratch").mkdir()
    with Watch(tmp_path / "scratch") as watch:
        batches = filters.pool_drops(paths, FilterConfig(distinct_texts=True), scratch=tmp_path / "scratch", threads=2)
        place = np.concatenate([batch["place"].to_numpy() for batch in batches])
    assert ((place >> 32) * (rows // 3) + place % 2**32).tolist() == expected.tolist()
    assert watch.seen


def test_of_equally_frequent_words_those_with_the_smaller_hash_are_taken(tmp_path):
    words = pa.table({"word": pa.array([9, 5, 7, 5, 3], pa.uint64()), "count": [2, 1, 2, 4, 1]})
    pq.write_table(words, tmp_path / "words.parquet")
    found = filters.frequent_words([tmp_path / "words.parquet"], 2, scratch=tmp_path)
    assert [word for batch in found for word in batch["word"].to_pylist()] == [5, 7]
