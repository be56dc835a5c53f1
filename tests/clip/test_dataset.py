import pytest
from torch.utils.data import DataLoader

from curation.clip.dataset import CuratedDataset
from curation.online import curated_stream

T = 100.0


def uid_of(pair: dict[str, object]) -> object:
    return pair["uid"]


def uids(loader) -> list[str]:
    return [uid for batch in loader for uid in batch]


# torch has threads by now, and from Python 3.12 on a fork beside threads is warned of; it is what loaders do by default
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(("workers", "start"), [(0, None), (2, "fork"), (2, "spawn")])
def test_a_loader_with_workers_gives_every_pair_of_the_epoch_once(zipf_run, workers, start):
    dataset = CuratedDataset(zipf_run.path, T, transform=uid_of, shuffle=50)
    loader = DataLoader(
        dataset, batch_size=32, num_workers=workers, multiprocessing_context=start, persistent_workers=workers > 0
    )
    for epoch in (0, 1):
        dataset.set_epoch(epoch)
        found = uids(loader)
        assert len(found) == len(set(found))
        assert set(found) == {pair["uid"] for pair in curated_stream(zipf_run, T, epoch=epoch)}


def test_ranks_share_an_epoch(zipf_run):
    parts = [list(CuratedDataset(zipf_run.path, T, rank=rank, world_size=3, transform=uid_of)) for rank in range(3)]
    together = [uid for part in parts for uid in part]
    assert sorted(together) == sorted(pair["uid"] for pair in curated_stream(zipf_run, T, epoch=0))


def test_a_dataset_goes_on_where_its_state_was_taken(zipf_run):
    whole = CuratedDataset(zipf_run.path, T, transform=uid_of)
    whole.set_epoch(4)
    expected = list(whole)
    stopped = CuratedDataset(zipf_run.path, T, transform=uid_of)
    assert stopped.state_dict() == {}
    stopped.set_epoch(4)
    pairs = iter(stopped)
    begun = [next(pairs) for _ in range(100)]
    resumed = CuratedDataset(zipf_run.path, T, transform=uid_of)
    resumed.load_state_dict(stopped.state_dict())
    assert begun + list(resumed) == expected
    resumed.set_epoch(5)
    assert list(resumed) != expected
