import numpy as np
import pytest
import torch

from clip.training.colours import nano
from curation.clip.training.arms import rows_of
from curation.clip.training.batches import Batches
from curation.clip.training.resume import Place
from curation.errors import BadRun


@pytest.fixture
def batches(pool):
    tokens = np.arange(len(pool) * 4, dtype=np.int32).reshape(-1, 4)
    return Batches(pool, tokens, lambda epoch: np.arange(epoch, 50 + epoch), nano(seed=3))


def take(iterator, count):
    return [next(iterator) for _ in range(count)]


def test_each_epoch_is_a_new_permutation_of_its_rows_without_the_last_few(batches):
    found = take(batches.items(Place()), 6)  # 50 rows are 3 batches of 16
    first, second = (np.concatenate([items for _, items in found[at : at + 3]]) for at in (0, 3))
    assert len(set(first)) == len(set(second)) == 48
    assert set(first) <= set(range(50)) and set(second) <= set(range(1, 51))
    assert first.tolist() != sorted(first) and first.tolist() != (second - 1).tolist()
    assert [after for after, _ in found] == [Place(epoch, batch) for epoch in (0, 1) for batch in (1, 2, 3)]


def test_over_the_epochs_every_pair_is_left_out_now_and_then(batches):
    last = [
        set(range(50)) - {int(item) - epoch for _, items in three for item in items} for epoch, three in epochs(batches)
    ]
    assert {len(left) for left in last} == {2}
    assert len(set.union(*last)) > 20


def epochs(batches):
    every = batches.items(Place())
    return [(epoch, take(every, 3)) for epoch in range(20)]


def test_the_same_seed_gives_the_same_order_and_another_seed_another(batches, pool):
    of = [
        [
            items.tolist()
            for _, items in take(Batches(pool, batches.tokens, batches.rows, nano(seed=seed)).items(Place()), 5)
        ]
        for seed in (3, 3, 4)
    ]
    assert of[0] == of[1] != of[2]


@pytest.mark.parametrize("behind", range(8))
def test_from_any_place_the_same_batches_follow(batches, behind):
    every = take(batches.items(Place()), 10)
    place = every[behind - 1][0] if behind else Place()
    rest = take(batches.items(place), 10 - behind)
    assert [after for after, _ in rest] == [after for after, _ in every[behind:]]
    assert all(np.array_equal(ours, theirs) for (_, ours), (_, theirs) in zip(rest, every[behind:], strict=True))


def test_a_batch_holds_the_pictures_and_the_tokens_of_its_items(batches, pool):
    for (after, items), batch in zip(take(batches.items(Place()), 4), take(batches.after(Place()), 4), strict=True):
        assert (batch.after, batch.items.tolist()) == (after, items.tolist())
        assert torch.equal(batch.pixels, torch.from_numpy(pool.pixels(items)))
        assert (batch.pixels.dtype, batch.tokens.dtype) == (torch.uint8, torch.int64)
        assert batch.tokens[:, 0].tolist() == (items * 4).tolist()


def test_rows_that_fill_one_batch_are_enough(pool):
    (items,) = {
        frozenset(items.tolist())
        for _, items in take(Batches(pool, np.zeros((0, 4)), lambda epoch: np.arange(16), nano()).items(Place()), 3)
    }
    assert items == set(range(16))


def test_fewer_pairs_than_a_batch_are_refused_in_one_line(pool):
    rows = rows_of(pool, "balanced", 1.0)
    with pytest.raises(BadRun, match=r"balanced has \d pairs .* a batch of 16: choose a smaller batch, or a higher t$"):
        next(Batches(pool, np.zeros((0, 4)), rows, nano(arm="balanced")).after(Place()))
    with pytest.raises(BadRun, match=r"the arm raw has 3 pairs .*: choose a smaller batch$"):
        next(Batches(pool, np.zeros((0, 4)), lambda epoch: np.arange(3), nano(arm="raw")).after(Place()))
