"""The arms of the paper's ladder: which pairs of one pool a training sees (arXiv:2309.16671, Table 4, section 3.4)."""

from collections.abc import Callable

import numpy as np
import pyarrow.compute as pc

from curation.clip.training.config import ARMS, Arm
from curation.clip.training.decoded import DecodedPool
from curation.errors import BadArgument
from curation.languages.identification import identify
from curation.online import redrawn
from curation.uniform import epoch_seed

Rows = Callable[[int], np.ndarray]
"""epoch -> (n,) int64, the items of a decoded pool that it goes through, ascending."""


def rows_of(pool: DecodedPool, arm: Arm, t: float) -> Rows:
    """The items of an arm, for any epoch; only those of `online` differ from one epoch to another.

    raw       all pairs with a picture
    english   those whose text is English, as the run says, or as it is identified where the run says nothing
    matched   those that match an entry
    balanced  those with t_min < t, the curated set of the run
    online    those with t_min < t in a draw of the epoch's own; that of epoch 0 is the run's

    raises MissingExtra where a language would have to be identified and cannot be
    """
    if arm == "online":
        return lambda epoch: np.flatnonzero(_t_min(pool, epoch) < t)
    fixed = _fixed(pool, arm, t)
    return lambda epoch: fixed


def _fixed(pool: DecodedPool, arm: Arm, t: float) -> np.ndarray:
    if arm == "raw":
        return np.arange(len(pool))
    if arm == "english":
        said = "language" in pool.pairs.column_names
        languages = pool.pairs["language"] if said else identify(pool.pairs["text"].combine_chunks())
        return np.flatnonzero(pc.fill_null(pc.equal(languages, "en"), False).to_numpy(zero_copy_only=False))
    if arm == "matched":
        return np.flatnonzero(np.isfinite(_t_min(pool, 0)))
    if arm == "balanced":
        return np.flatnonzero(_t_min(pool, 0) < t)
    raise BadArgument(f"arm {arm!r}: give one of {', '.join(ARMS)}")


def _t_min(pool: DecodedPool, epoch: int) -> np.ndarray:
    """(N,) float64: of the run where it is its own draw, else drawn anew with the seed of the epoch."""
    if epoch == 0:
        return pool.pairs["t_min"].to_numpy()
    return redrawn(pool.run, pool.pairs, epoch_seed(pool.run.seed, epoch))
