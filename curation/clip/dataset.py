"""The curated set as a dataset of torch, drawn afresh each epoch: what `online.py` streams, for a DataLoader."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.utils.data import IterableDataset, get_worker_info

from curation.online import CuratedStream, curated_stream
from curation.runs.folder import open_finished_run


class CuratedDataset(IterableDataset[Any]):
    """The curated set of a run at t, for a DataLoader with any number of workers and ranks.

    Each worker of each rank gets its share of the pairs. Call `set_epoch` before each epoch, as with torch's
    DistributedSampler; workers that persist hear of it too. Ranks do not get equally many pairs: count steps, or leave
    the last ones out, where all have to take part in each step.
    """

    def __init__(
        self,
        run: Path | str,
        t: float,
        *,
        seed: int | None = None,
        images: bool = False,
        shuffle: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        transform: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        """run: its folder; the others as `curated_stream` takes them.

        rank, world_size: those of torch.distributed where it was initialised and they are not given, else 0 of 1
        transform:        makes of each pair what the model takes; called in the worker
        """
        ours = distributed.is_available() and distributed.is_initialized()
        self._rank = rank if rank is not None else distributed.get_rank() if ours else 0
        self._world_size = world_size if world_size is not None else distributed.get_world_size() if ours else 1
        self._run, self._t = Path(run), t
        self._seed, self._images, self._shuffle = seed, images, shuffle
        self._transform = transform
        # in shared memory: also workers that were started before see the next epoch
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]
        self._stream: CuratedStream | None = None
        self._start: dict[str, Any] | None = None

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration draws."""
        self._epoch.fill_(epoch)

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        self._stream = curated_stream(
            open_finished_run(self._run),
            self._t,
            epoch=int(self._epoch),
            seed=self._seed,
            rank=self._rank,
            world_size=self._world_size,
            worker=worker.id if worker else 0,
            num_workers=worker.num_workers if worker else 1,
            images=self._images,
            shuffle=self._shuffle,
            start=self._start,
        )
        self._start = None
        return self._stream if self._transform is None else map(self._transform, self._stream)

    def state_dict(self) -> dict[str, Any]:
        """Where this worker's stream stands, as a DataLoader that keeps state asks each worker; {} before the first."""
        return self._stream.state_dict() if self._stream is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The next iteration goes on where this state was taken, in its epoch."""
        self._start = state or None
        if state:
            self.set_epoch(state["epoch"])
