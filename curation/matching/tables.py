"""The entries as a trie over tokens, in flat arrays. Importing this module imports numba; only `matcher.py` does.

A token of up to 15 bytes is its own key: two words that hold its bytes, zeros behind them, and its length. A longer
token has its hash and its length for a key, and on a hit its bytes are compared. So two tokens are never taken for one
another, whatever the hash: a collision costs time, not truth. The key of an edge is the pair (node, token) itself.
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np

from curation.compiled import compiled
from curation.matching.words import load64

SHORT = 15
"""The longest token, in bytes, that is its own key."""

SLACK = 80
"""How many bytes behind a token may be read (and ignored): a block of 64, and two words."""

TOKEN_WORDS, EDGE_WORDS = 4, 2
NOTHING = np.int64(-1)

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_LONG = np.uint64(0xFF << 56)  # in the top byte of the second key word, where a short token has its length
_ODD_1 = np.uint64(0x9E3779B97F4A7C15)
_ODD_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_ODD_3 = np.uint64(0xD6E8FEB86659FD93)
_FIRST_BYTES = np.array([(1 << 8 * min(n, 8)) - 1 for n in range(16)], np.uint64)
_NEXT_BYTES = np.array([(1 << 8 * max(n - 8, 0)) - 1 for n in range(16)], np.uint64)
_LENGTH = np.array([n << 56 for n in range(16)], np.uint64)


class Tables(NamedTuple):
    """The trie. Read-only; each array may be memory-mapped.

    tokens:      (4 * 2**k,) uint64, open addressing: two key words, token id + 1 (0: the slot is empty), payload
    edges:       (2 * 2**j,) uint64, open addressing: key (0: the slot is empty), child node << 33 | payload
    edge_filter: (2**b / 64,) uint64, a bit for each hash of an edge: small enough for the L2 cache, it rules out most
    token_start: (V + 1,) int64 into token_bytes
    token_bytes: (B + SLACK,) uint8
    hash_mask:   (1,) uint64, put over every hash (all ones; fewer only to test collisions)
    n_entries:   (1,) int64

    A payload is (entry id + 1) << 1, or 0 where no entry ends, and 1 more where a longer entry goes on. The node of a
    first token is its token id; the nodes behind edges are numbered on from there.
    """

    tokens: np.ndarray
    edges: np.ndarray
    edge_filter: np.ndarray
    token_start: np.ndarray
    token_bytes: np.ndarray
    hash_mask: np.ndarray
    n_entries: np.ndarray


@nb.njit(inline="always")
def short_key(address: Any, length: Any) -> Any:
    """The key of a token of at most SHORT bytes, without a branch."""
    first = load64(address) & _FIRST_BYTES[length]
    following = (load64(address + np.uint64(8)) & _NEXT_BYTES[length]) | _LENGTH[length]
    return first, following


@nb.njit(inline="always")  # a call, though rare, takes the registers of the loop around it
def long_key(address: Any, length: Any, mask: Any) -> Any:
    """The key of a longer token: a hash of all its bytes, and its length."""
    h = np.uint64(length)
    for at in range(0, length, 8):
        word = load64(address + np.uint64(at)) & _FIRST_BYTES[min(length - at, 8)]
        h = (h ^ word) * _ODD_1
        h ^= h >> np.uint64(31)
    return h & mask, _LONG | np.uint64(length)


@nb.njit(inline="always")
def hash_key(first: Any, following: Any, mask: Any) -> Any:
    """A hash whose low bits choose the slot of a token."""
    h = first * _ODD_1 ^ following * _ODD_2
    h = (h ^ (h >> np.uint64(32))) * _ODD_3
    return (h ^ (h >> np.uint64(29))) & mask


@nb.njit(inline="always")
def edge_key(node: Any, token: Any) -> Any:
    """The key of an edge; never 0."""
    return ((np.uint64(node) << np.uint64(32)) | (np.uint64(token) & np.uint64(0xFFFFFFFF))) + _ONE


@nb.njit(inline="always")
def hash_edge(key: Any) -> Any:
    """A hash whose low bits choose the slot of an edge; the bits from 20 on choose its bit in the filter."""
    h = key * _ODD_1
    return h ^ (h >> np.uint64(32))


@nb.njit(inline="always")
def _same_bytes(one: Any, other: Any, length: Any) -> Any:
    for at in range(0, length, 8):
        mask = _FIRST_BYTES[min(length - at, 8)]
        if (load64(one + np.uint64(at)) ^ load64(other + np.uint64(at))) & mask != _ZERO:
            return False
    return True


@nb.njit(inline="always")
def find_token(first: Any, following: Any, h: Any, address: Any, tokens: Any, token_start: Any, bytes_at: Any) -> Any:
    """The first word of the token's slot in `tokens`, or -1 - (that of the free slot where it belongs).

    address: of the token's bytes (looked at only if it is long); bytes_at: address of token_bytes
    """
    last = np.uint64(tokens.size // TOKEN_WORDS - 1)
    slot = h & last
    while True:
        at = slot * np.uint64(TOKEN_WORDS)
        token = tokens[at + np.uint64(2)]
        if token == _ZERO:
            return NOTHING - np.int64(at)
        if tokens[at] == first and tokens[at + _ONE] == following:
            if following < _LONG:
                return np.int64(at)
            begin = np.uint64(token_start[np.int64(token) - 1])
            if _same_bytes(address, bytes_at + begin, np.int64(following & ~_LONG)):
                return np.int64(at)
        slot = (slot + _ONE) & last


@nb.njit(inline="always")
def find_edge(key: Any, slot: Any, edges: Any) -> Any:
    """The first word of the edge's slot, looked for from `slot` on, or -1 - (that of the free slot for it)."""
    last = np.uint64(edges.size // EDGE_WORDS - 1)
    while True:
        at = np.int64(slot) * EDGE_WORDS
        if edges[at] == key:
            return at
        if edges[at] == _ZERO:
            return NOTHING - at
        slot = (slot + _ONE) & last


@nb.njit(inline="always")
def in_filter(h: Any, edge_filter: Any) -> Any:
    """1 if an edge with this hash may exist, 0 if none does."""
    bit = (h >> np.uint64(20)) & np.uint64(edge_filter.size * 64 - 1)
    return (edge_filter[np.int64(bit >> np.uint64(6))] >> (bit & np.uint64(63))) & _ONE


@compiled()
def build(data: Any, offsets: Any, n_tokens: Any, slots: Any, edge_slots: Any, filter_words: Any, mask: Any) -> Any:
    """The arrays of `Tables` for the entries data[offsets[e]:offsets[e + 1]], and the first duplicate entry, or -1.

    data:     followed by SLACK bytes that may be read
    n_tokens: of all entries together; slots: a power of two above that; edge_slots: one above n_tokens - entries;
              filter_words: a power of two
    """
    address = np.uint64(data.ctypes.data)
    tokens = np.zeros(TOKEN_WORDS * slots, np.uint64)
    edges = np.zeros(EDGE_WORDS * edge_slots, np.uint64)
    edge_filter = np.zeros(filter_words, np.uint64)
    token_start = np.zeros(n_tokens + 1, np.int64)
    token_bytes = np.zeros(data.size + SLACK, np.uint8)
    bytes_at = np.uint64(token_bytes.ctypes.data)
    vocabulary = 0
    # 1. the vocabulary, before the nodes, for the ids of first nodes are those of the tokens
    slot_of = np.empty(n_tokens, np.int64)
    seen = 0
    for entry in range(offsets.size - 1):
        start, end = offsets[entry], offsets[entry + 1]
        while True:
            stop = start
            while stop < end and data[stop] != 32:
                stop += 1
            here, length = address + np.uint64(start), stop - start
            if length <= SHORT:
                first, following = short_key(here, length)
            else:
                first, following = long_key(here, length, mask)
            h = hash_key(first, following, mask)
            at = find_token(first, following, h, here, tokens, token_start, bytes_at)
            if at < 0:
                at = NOTHING - at
                begin = token_start[vocabulary]
                token_bytes[begin : begin + length] = data[start:stop]
                vocabulary += 1
                token_start[vocabulary] = begin + length
                tokens[at], tokens[at + 1], tokens[at + 2] = first, following, np.uint64(vocabulary)
            slot_of[seen] = at
            seen += 1
            if stop == end:
                break
            start = stop + 1
    # 2. the trie: payloads, first at the tokens, from the second token on at the edges
    nodes, seen, duplicate = vocabulary, 0, -1
    for entry in range(offsets.size - 1):
        at = slot_of[seen]
        node, payload, payload_at = np.int64(tokens[at + 2]) - 1, tokens, at + 3
        seen += 1
        for k in range(offsets[entry], offsets[entry + 1]):
            if data[k] != 32:
                continue
            payload[payload_at] |= _ONE
            key = edge_key(node, tokens[slot_of[seen] + 2] - _ONE)
            h = hash_edge(key)
            at = find_edge(key, h & np.uint64(edge_slots - 1), edges)
            if at < 0:
                at = NOTHING - at
                edges[at], edges[at + 1] = key, np.uint64(nodes) << np.uint64(33)
                nodes += 1
                bit = (h >> np.uint64(20)) & np.uint64(filter_words * 64 - 1)
                edge_filter[np.int64(bit >> np.uint64(6))] |= _ONE << (bit & np.uint64(63))
            node, payload, payload_at = np.int64(edges[at + 1] >> np.uint64(33)), edges, at + 1
            seen += 1
        if (payload[payload_at] >> _ONE) & np.uint64(0xFFFFFFFF) != _ZERO:
            duplicate = entry
            break
        payload[payload_at] |= np.uint64(entry + 1) << _ONE
    return (
        tokens,
        edges,
        edge_filter,
        token_start[: vocabulary + 1].copy(),
        token_bytes[: token_start[vocabulary] + SLACK].copy(),
        duplicate,
    )
