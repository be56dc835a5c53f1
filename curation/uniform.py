"""u(pair, entry): the uniform number of Algorithm 1, part 2, as a fixed function instead of a draw.

    u = (mix(XXH64(uid, seed) + mix(XXH64(entry, seed))) >> 11) * 2**-53

with uid and entry as UTF-8, sums modulo 2**64, XXH64 as published by xxHash, and `mix` the finaliser of SplitMix64
(Steele et al., "Fast Splittable Pseudorandom Number Generators", 2014; constants of Stafford's variant 13). So u
depends on nothing but (seed, uid, entry text): not on machine, engine, shard, order, entry ids or worker count.
"""

from functools import cache
from types import ModuleType

import numpy as np
import pyarrow as pa

from curation.matching import string_buffers


def uniform(uid: pa.Array, matched_entry_ids: pa.ListArray, entry_hash: np.ndarray, seed: int) -> np.ndarray:
    """One number for each (pair, entry), in the order of the flattened lists.

    uid:               (N,) string
    matched_entry_ids: (N,) list<int32>
    entry_hash:        (M,) uint64 from `entry_hashes`, with the same seed
    seed:              0 <= seed < 2**64
    returns            (nnz,) float64 in [0, 1), multiples of 2**-53

    >>> hashes = entry_hashes(pa.array(["dog", "cat"]), seed=0)
    >>> uniform(pa.array(["pair-1"]), pa.array([[0, 1]], pa.list_(pa.int32())), hashes, seed=0)
    array([0.8329451 , 0.06611297])
    """
    data, offsets = string_buffers(uid)
    lengths = list_lengths(matched_entry_ids)
    entry_ids = matched_entry_ids.flatten().to_numpy()
    return _kernel().uniform(data, offsets, lengths, entry_ids, entry_hash, np.uint64(seed))


def entry_hashes(entries: pa.Array, seed: int) -> np.ndarray:
    """What `uniform` needs of each entry: mix(XXH64(entry, seed)).

    entries: (M,) string
    returns  (M,) uint64
    """
    data, offsets = string_buffers(entries)
    return _kernel().entry_hashes(data, offsets, np.uint64(seed))


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of an epoch of online balancing: seed itself for epoch 0, else XXH64 of the epoch with that seed.

        epoch_seed(seed, e) = XXH64(e as 8 bytes, little endian; seed)        e > 0

    So every epoch has a draw of its own that anybody can repeat, and epoch 0 is the draw of the run.

    seed: 0 <= seed < 2**64; epoch >= 0; returns 0 <= seed < 2**64

    >>> epoch_seed(7, 0), epoch_seed(7, 1)
    (7, 4957705028731227720)
    """
    if epoch == 0:
        return seed
    data = np.frombuffer(epoch.to_bytes(8, "little"), np.uint8)
    return int(_kernel().xxh64(data, 0, 8, np.uint64(seed)))


def list_lengths(lists: pa.ListArray) -> np.ndarray:
    """(N,) int64, the length of each list; a null counts as empty.

    >>> list_lengths(pa.array([[1, 2], None, []], pa.list_(pa.int32())))
    array([2, 0, 0])
    """
    return lists.value_lengths().fill_null(0).to_numpy().astype(np.int64)


@cache
def _kernel() -> ModuleType:
    # numba costs half a second to import: only who hashes pays
    from curation import uniform_kernel

    return uniform_kernel
