"""The compiled part of `uniform.py`. Importing this module imports numba."""

from typing import Any

import numba as nb
import numpy as np

from curation.compiled import compiled

# the constants of XXH64
_P1 = np.uint64(0x9E3779B185EBCA87)
_P2 = np.uint64(0xC2B2AE3D27D4EB4F)
_P3 = np.uint64(0x165667B19E3779F9)
_P4 = np.uint64(0x85EBCA77C2B2AE63)
_P5 = np.uint64(0x27D4EB2F165667C5)


@nb.njit(inline="always")
def _rotate(x: Any, bits: Any) -> Any:
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@nb.njit(inline="always")
def _word(data: Any, at: Any, size: Any) -> Any:
    """`size` bytes from `at`, little endian."""
    word = np.uint64(0)
    for k in range(size):
        word |= np.uint64(data[at + k]) << np.uint64(8 * k)
    return word


@nb.njit(inline="always")
def _round(lane: Any, word: Any) -> Any:
    return _rotate(lane + word * _P2, 31) * _P1


@compiled()
def xxh64(data: Any, start: Any, stop: Any, seed: Any) -> Any:
    """XXH64 of data[start:stop], as the xxHash specification has it."""
    at = start
    if stop - start >= 32:
        lane1, lane2, lane3, lane4 = seed + _P1 + _P2, seed + _P2, seed, seed - _P1
        while stop - at >= 32:
            lane1 = _round(lane1, _word(data, at, 8))
            lane2 = _round(lane2, _word(data, at + 8, 8))
            lane3 = _round(lane3, _word(data, at + 16, 8))
            lane4 = _round(lane4, _word(data, at + 24, 8))
            at += 32
        h = _rotate(lane1, 1) + _rotate(lane2, 7) + _rotate(lane3, 12) + _rotate(lane4, 18)
        for lane in (lane1, lane2, lane3, lane4):
            h = (h ^ _round(np.uint64(0), lane)) * _P1 + _P4
    else:
        h = seed + _P5
    h += np.uint64(stop - start)
    while stop - at >= 8:
        h = _rotate(h ^ _round(np.uint64(0), _word(data, at, 8)), 27) * _P1 + _P4
        at += 8
    if stop - at >= 4:
        h = _rotate(h ^ (_word(data, at, 4) * _P1), 23) * _P2 + _P3
        at += 4
    while at < stop:
        h = _rotate(h ^ (np.uint64(data[at]) * _P5), 11) * _P1
        at += 1
    h = (h ^ (h >> np.uint64(33))) * _P2
    h = (h ^ (h >> np.uint64(29))) * _P3
    return h ^ (h >> np.uint64(32))


@nb.njit(inline="always")
def _mix(x: Any) -> Any:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@compiled()
def entry_hashes(data: Any, offsets: Any, seed: Any) -> Any:
    """mix(XXH64(entry, seed)) of every string data[offsets[i]:offsets[i + 1]]."""
    hashes = np.empty(offsets.size - 1, np.uint64)
    for i in range(hashes.size):
        hashes[i] = _mix(xxh64(data, offsets[i], offsets[i + 1], seed))
    return hashes


@compiled()
def uniform(data: Any, offsets: Any, lengths: Any, entry_ids: Any, entry_hash: Any, seed: Any) -> Any:
    """u of every (pair, entry), as `uniform.py` defines it."""
    u = np.empty(entry_ids.size, np.float64)
    at = 0
    for i in range(lengths.size):
        if lengths[i] == 0:
            continue
        pair = xxh64(data, offsets[i], offsets[i + 1], seed)
        for k in range(at, at + lengths[i]):
            # 53 bits: what a float64 in [0, 1) holds exactly
            u[k] = np.float64(_mix(pair + entry_hash[entry_ids[k]]) >> np.uint64(11)) * 2.0**-53
        at += lengths[i]
    return u
