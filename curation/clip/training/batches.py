"""The order in which a training goes through its pairs, and the batches themselves, read ahead."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from curation.clip.training.arms import Rows
from curation.clip.training.config import TrainConfig
from curation.clip.training.decoded import DecodedPool
from curation.clip.training.resume import Place
from curation.errors import BadRun


@dataclass(frozen=True)
class Batch:
    """Pairs of a step.

    items:  (B,) int64, of the decoded pool
    pixels: (B, H, W, 3) uint8
    tokens: (B, context_length) int64
    after:  the place in the data behind it
    """

    items: np.ndarray
    pixels: torch.Tensor
    tokens: torch.Tensor
    after: Place


@dataclass(frozen=True)
class Batches:
    """The batches of a training in their order: each epoch a new permutation of its rows, the last few left out."""

    pool: DecodedPool
    tokens: np.ndarray
    rows: Rows
    config: TrainConfig

    def items(self, place: Place) -> Iterator[tuple[Place, np.ndarray]]:
        """Without end: (B,) int64 items of the pool, with the place behind them."""
        size, epoch, batch = self.config.batch_size, place.epoch, place.batch
        while True:
            rows = self.rows(epoch)
            if len(rows) < size:
                higher = ", or a higher t" if self.config.needs_t else ""
                raise BadRun(
                    f"the arm {self.config.arm} has {len(rows):,} pairs with pictures, fewer than a batch of {size:,}:"
                    f" choose a smaller batch{higher}"
                )
            order = np.random.default_rng([self.config.seed, epoch]).permutation(rows)
            while batch < len(rows) // size:
                batch += 1
                yield Place(epoch, batch), order[(batch - 1) * size : batch * size]
            epoch, batch = epoch + 1, 0

    def after(self, place: Place) -> Iterator[Batch]:
        """The batches behind a place, without end; while one is trained on, the next is read."""
        with ThreadPoolExecutor(1, thread_name_prefix="batch") as reader:
            waiting = None
            for after, items in self.items(place):
                reading = reader.submit(self._read, items, after)
                if waiting is not None:
                    yield waiting.result()
                waiting = reading

    def _read(self, items: np.ndarray, after: Place) -> Batch:
        tokens = self.tokens[items].astype(np.int64)
        return Batch(items, torch.from_numpy(self.pool.pixels(items)), torch.from_numpy(tokens), after)
