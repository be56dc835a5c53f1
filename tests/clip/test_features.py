import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from curation.clip import features
from curation.clip.features import FeatureStore, item_digest
from curation.engines.unit import Cancelled
from curation.errors import BadArgument

CHECKPOINT = "c0ffee"
DIGESTS = [item_digest(f"item {n}") for n in range(10)]


def feature(n: int) -> list[float]:
    return [float(n), n + 0.5, -float(n)]


class Maker:
    """Makes features and notes of what."""

    def __init__(self, numbers=range(10)):
        self.numbers, self.asked = list(numbers), []

    def __call__(self, items: np.ndarray) -> np.ndarray:
        self.asked.append(items.tolist())
        return np.array([feature(self.numbers[item]) for item in items], np.float32)


def refuse(items):
    raise AssertionError(f"{items} were to be there already")


def rows(numbers):
    return [feature(n) for n in numbers]


def segments(folder):
    return sorted(folder.rglob("*.npy"))


def test_what_was_made_once_is_read_by_the_next_and_in_any_order(tmp_path):
    maker = Maker()
    made = FeatureStore(tmp_path).features_of(CHECKPOINT, "image", DIGESTS, maker, batch=4)
    assert made.dtype == np.float32 and made.tolist() == rows(range(10))
    assert maker.asked == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    turned = FeatureStore(tmp_path).features_of(CHECKPOINT, "image", DIGESTS[::-1], refuse)
    assert turned.tolist() == rows(range(9, -1, -1))


def test_only_what_is_missing_is_made_and_put_beside_the_rest(tmp_path):
    store = FeatureStore(tmp_path)
    store.features_of(CHECKPOINT, "image", DIGESTS[3:6], Maker([3, 4, 5]))
    maker = Maker()
    assert store.features_of(CHECKPOINT, "image", DIGESTS, maker).tolist() == rows(range(10))
    assert maker.asked == [[0, 1, 2, 6, 7, 8, 9]]
    assert len(segments(tmp_path)) == 2
    assert store.features_of(CHECKPOINT, "image", DIGESTS, refuse).tolist() == rows(range(10))


def test_an_item_that_comes_again_is_made_once(tmp_path):
    maker, told = Maker([7, 8, 7, 7, 9, 8]), []
    digests = [DIGESTS[n] for n in maker.numbers]
    found = FeatureStore(tmp_path).features_of(CHECKPOINT, "image", digests, maker, batch=2, on_progress=told.append)
    assert found.tolist() == rows([7, 8, 7, 7, 9, 8])
    assert maker.asked == [[0, 1], [4]]
    assert told == [0, 5, 1]
    told.clear()
    FeatureStore(tmp_path).features_of(CHECKPOINT, "image", digests, refuse, on_progress=told.append)
    assert told == [6]


def test_another_checkpoint_and_another_view_have_features_of_their_own(tmp_path):
    store = FeatureStore(tmp_path)
    store.features_of(CHECKPOINT, "image", DIGESTS[:1], Maker([0]))
    assert store.features_of("decaf", "image", DIGESTS[:1], Maker([5])).tolist() == rows([5])
    assert store.features_of(CHECKPOINT, "image-flip", DIGESTS[:1], Maker([6])).tolist() == rows([6])
    assert store.features_of(CHECKPOINT, "image", DIGESTS[:1], refuse).tolist() == rows([0])


def test_digests_that_end_in_zeros_stay_apart(tmp_path):
    digests = [bytes(16), b"a" + bytes(15), b"aa" + bytes(14), b"\0a" + bytes(14)]
    store = FeatureStore(tmp_path)
    store.features_of(CHECKPOINT, "text", digests, Maker())
    assert store.features_of(CHECKPOINT, "text", digests, refuse).tolist() == rows(range(4))


def test_an_item_without_a_feature_is_handed_on_and_not_kept(tmp_path):
    def make(items):
        return np.array([[np.nan] * 3 if item == 1 else feature(item) for item in items], np.float32)

    store = FeatureStore(tmp_path)
    assert np.isnan(store.features_of(CHECKPOINT, "image", DIGESTS[:3], make)).tolist() == [
        [n == 1] * 3 for n in range(3)
    ]
    maker = Maker()
    assert store.features_of(CHECKPOINT, "image", DIGESTS[:3], maker).tolist() == rows(range(3))
    assert maker.asked == [[1]]


def damage_cut(data):
    return data[: len(data) - 7]


def damage_bit(data):
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


@pytest.mark.parametrize("damage", [damage_cut, damage_bit, lambda data: b"", lambda data: b"x" * len(data)])
@pytest.mark.parametrize("opened_before", [False, True])
def test_a_damaged_segment_is_set_aside_and_made_again(tmp_path, damage, opened_before):
    store = FeatureStore(tmp_path)
    store.features_of(CHECKPOINT, "image", DIGESTS[:4], Maker())
    (path,) = segments(tmp_path)
    if opened_before:
        store.features_of(CHECKPOINT, "image", DIGESTS[:4], refuse)
    path.write_bytes(damage(path.read_bytes()))
    os.utime(path, ns=(1, 1))
    maker = Maker()
    assert store.features_of(CHECKPOINT, "image", DIGESTS[:4], maker).tolist() == rows(range(4))
    assert maker.asked == [[0, 1, 2, 3]]
    assert [one.name for one in tmp_path.rglob("*.damaged")] == [f"{path.stem}.damaged"]
    assert FeatureStore(tmp_path).features_of(CHECKPOINT, "image", DIGESTS[:4], refuse).tolist() == rows(range(4))


def test_who_cancels_keeps_what_was_made(tmp_path):
    maker = Maker()
    with pytest.raises(Cancelled):
        FeatureStore(tmp_path).features_of(
            CHECKPOINT, "image", DIGESTS, maker, batch=4, cancel=lambda: len(maker.asked) == 2
        )
    maker = Maker()
    FeatureStore(tmp_path).features_of(CHECKPOINT, "image", DIGESTS, maker)
    assert maker.asked == [[8, 9]]


def test_what_is_made_is_kept_from_time_to_time(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "KEEP_BYTES", 2 * (16 + 3 * 4))
    store = FeatureStore(tmp_path)
    store.features_of(CHECKPOINT, "image", DIGESTS, Maker(), batch=1)
    assert len(segments(tmp_path)) == 5
    assert store.features_of(CHECKPOINT, "image", DIGESTS, refuse).tolist() == rows(range(10))


def slowly(items):
    time.sleep(0.01)
    return np.array([feature(item) for item in items], np.float32)


def write_one_by_one(folder, order):
    features.KEEP_BYTES = 1
    digests = [DIGESTS[n] for n in order]
    FeatureStore(folder).features_of(
        CHECKPOINT, "image", digests, lambda items: slowly([order[n] for n in items]), batch=1
    )


def test_two_writers_at_once_and_one_that_is_killed_leave_nothing_wrong(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    orders = [list(range(10)), list(range(9, -1, -1)), list(range(10))]
    writers = [spawn.Process(target=write_one_by_one, args=(tmp_path, order)) for order in orders]
    for writer in writers:
        writer.start()
    while not segments(tmp_path):
        time.sleep(0.005)
    os.kill(writers[2].pid, signal.SIGKILL)
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers[:2]] == [0, 0]
    assert FeatureStore(tmp_path).features_of(CHECKPOINT, "image", DIGESTS, refuse).tolist() == rows(range(10))
    assert not list(tmp_path.rglob("*.damaged"))


def test_old_leftovers_of_a_killed_writer_are_removed_and_young_ones_stay(tmp_path):
    folder = tmp_path / CHECKPOINT / "image"
    folder.mkdir(parents=True)
    for name, age in ((".a.npy.1.tmp", 2 * features.LEFTOVER_SECONDS), (".b.npy.2.tmp", 60)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    FeatureStore(tmp_path).features_of(CHECKPOINT, "image", DIGESTS, Maker())
    assert [path.name for path in folder.glob(".*.tmp")] == [".b.npy.2.tmp"]


def test_no_items_have_no_features_and_wrong_names_are_refused(tmp_path):
    store = FeatureStore(tmp_path)
    assert store.features_of(CHECKPOINT, "image", [], refuse).shape == (0, 0)
    with pytest.raises(BadArgument, match="lower-case"):
        store.features_of("../up", "image", DIGESTS, Maker())
    with pytest.raises(BadArgument, match="16 bytes"):
        store.features_of(CHECKPOINT, "image", [b"short"], Maker())
    assert not list(tmp_path.iterdir())
