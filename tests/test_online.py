import json
from itertools import islice

import pytest

from curation import queries
from curation.errors import BadArgument
from curation.online import curated_stream
from pictures import picture

T = 100.0
LAYOUTS = [(1, 1), (1, 3), (2, 1), (2, 2), (5, 7)]


def uids(stream) -> list[str]:
    return [pair["uid"] for pair in stream]


@pytest.fixture(scope="module")
def epochs(zipf_run) -> list[set[str]]:
    """The curated set of the first 60 epochs."""
    return [set(uids(curated_stream(zipf_run, T, epoch=epoch))) for epoch in range(60)]


def test_epoch_0_is_the_curated_set_of_the_run(zipf_run, epochs):
    pairs = list(curated_stream(zipf_run, T, epoch=0))
    kept = queries.samples(zipf_run, T, which="kept", limit=200)
    assert len(pairs) == queries.size(zipf_run, T).kept
    by_uid = {pair["uid"]: pair for pair in pairs}
    for row in kept.to_pylist():
        wanted = {name: row[name] for name in ("uid", "text", "url", "matched_entry_ids", "t_min")}
        assert by_uid[row["uid"]] == wanted


@pytest.mark.parametrize("shuffle", [0, 100])
@pytest.mark.parametrize(("world_size", "num_workers"), LAYOUTS)
def test_all_workers_of_all_ranks_together_give_the_set_of_the_epoch_each_pair_once(
    zipf_run, epochs, world_size, num_workers, shuffle
):
    parts = [
        uids(
            curated_stream(
                zipf_run,
                T,
                epoch=3,
                rank=rank,
                world_size=world_size,
                worker=worker,
                num_workers=num_workers,
                shuffle=shuffle,
            )
        )
        for rank in range(world_size)
        for worker in range(num_workers)
    ]
    together = [uid for part in parts for uid in part]
    assert len(together) == len(set(together))
    assert set(together) == epochs[3]
    mean = len(together) / len(parts)
    assert max(map(len, parts)) <= 3 * mean


def test_every_epoch_draws_afresh_and_again_the_same(zipf_run, epochs):
    assert len({frozenset(epoch) for epoch in epochs}) == 60
    assert set(uids(curated_stream(zipf_run, T, epoch=7))) == epochs[7]
    assert set(uids(curated_stream(zipf_run, T, epoch=7, seed=1))) != epochs[7]


def test_the_size_of_an_epoch_is_the_expected_one_within_5_sigma(zipf_run, epochs):
    size = queries.size(zipf_run, T)
    assert all(abs(len(epoch) - size.expected) <= 5 * size.sigma for epoch in epochs)
    # the mean of 60 independent draws varies by sigma / sqrt(60)
    mean = sum(map(len, epochs)) / 60
    assert abs(mean - size.expected) <= 5 * size.sigma / 60**0.5


@pytest.mark.parametrize("shuffle", [0, 1, 64, 10_000])
@pytest.mark.parametrize("stop", [0, 1, 63, 64, 65, 200])
def test_a_resumed_stream_gives_exactly_the_rest(zipf_run, shuffle, stop):
    arguments = {"epoch": 2, "rank": 1, "world_size": 2, "shuffle": shuffle}
    whole = list(curated_stream(zipf_run, T, **arguments))
    stream = curated_stream(zipf_run, T, **arguments)
    begun = list(islice(stream, stop))
    state = json.loads(json.dumps(stream.state_dict()))
    assert begun + list(curated_stream(zipf_run, T, **arguments, start=state)) == whole
    assert begun + list(stream) == whole


def test_a_stream_that_ended_stays_ended_when_resumed(zipf_run):
    stream = curated_stream(zipf_run, T, epoch=0, shuffle=50)
    assert len(list(stream)) > 0
    assert list(curated_stream(zipf_run, T, epoch=0, shuffle=50, start=stream.state_dict())) == []


def test_a_state_of_another_stream_is_refused(zipf_run):
    state = curated_stream(zipf_run, T, epoch=0).state_dict()
    with pytest.raises(BadArgument, match=r"another stream \(epoch, shuffle differs\)"):
        curated_stream(zipf_run, T, epoch=1, shuffle=5, start=state)


def test_shuffling_mixes_and_is_fixed_by_seed_and_epoch(zipf_run):
    plain = uids(curated_stream(zipf_run, T, epoch=1))
    mixed = uids(curated_stream(zipf_run, T, epoch=1, shuffle=200))
    assert sorted(plain) == sorted(mixed)
    assert plain != mixed == uids(curated_stream(zipf_run, T, epoch=1, shuffle=200))


@pytest.mark.parametrize("shuffle", [0, 100])
def test_pairs_bring_their_own_images_when_asked(picture_run, kept, shuffle):
    pairs = list(curated_stream(picture_run, 20.0, epoch=0, images=True, shuffle=shuffle))
    assert {pair["uid"] for pair in pairs} == set(kept)
    for pair in pairs:
        assert pair["image"] == picture(kept[pair["uid"]]["n"])
    stream = curated_stream(picture_run, 20.0, epoch=0, images=True, shuffle=shuffle)
    begun = list(islice(stream, 150))
    start = stream.state_dict()
    rest = list(curated_stream(picture_run, 20.0, epoch=0, images=True, shuffle=shuffle, start=start))
    assert begun + rest == pairs


@pytest.mark.parametrize(
    "arguments", [{"rank": 1}, {"rank": -1}, {"worker": 2, "num_workers": 2}, {"epoch": -1}, {"shuffle": -1}]
)
def test_numbers_out_of_range_are_refused(zipf_run, arguments):
    with pytest.raises(BadArgument, match="give numbers from 0 up"):
        curated_stream(zipf_run, T, **{"epoch": 0, **arguments})
    with pytest.raises(BadArgument, match="give 1 or more"):
        curated_stream(zipf_run, 0.5, epoch=0)
