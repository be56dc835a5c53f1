"""The compiled part of the matcher: a trie over tokens, walked straight on Arrow string buffers.

Importing this module imports numba; only `matcher.py` does. Everything here takes and returns flat arrays and runs
without the GIL. The tables, all of them in one `Tables`:

    vocabulary  open addressing, token hash -> token id. A hit compares the bytes of the token, so that two tokens with
                one hash are still two tokens: a collision costs time, never a wrong answer.
    edges       open addressing, (node, token id) -> child node. The key is the pair itself, so it cannot collide.
    root        token id -> the node of the entries that begin with it
    node_entry  node -> entry id, or -1
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np

BREAK_NONE, BREAK_SPACE, BREAK_MARK = 0, 1, 2

_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_EMPTY = np.uint64(0)

_u8, _i32, _i64, _u64 = (nb.types.Array(t, 1, "C", readonly=True) for t in (nb.uint8, nb.int32, nb.int64, nb.uint64))


class Tables(NamedTuple):
    """The trie as flat arrays; each may be memory-mapped read-only.

    vocabulary_hash:  (2**k,) uint64, 0 where the slot is empty
    vocabulary_token: (2**k,) int32
    token_start:      (V + 1,) int64 into token_bytes
    token_bytes:      (B,) uint8
    root:             (V,) int32 node, or -1
    edge_key:         (2**j,) uint64, node << 32 | token id, 0 where the slot is empty
    edge_child:       (2**j,) int32
    node_entry:       (nodes,) int32 entry id, or -1; node 0 is the root
    node_inner:       (nodes,) uint8, 1 where a longer entry goes on
    hash_mask:        (1,) uint64 put over every token hash (all ones; fewer only to test collisions)
    """

    vocabulary_hash: np.ndarray
    vocabulary_token: np.ndarray
    token_start: np.ndarray
    token_bytes: np.ndarray
    root: np.ndarray
    edge_key: np.ndarray
    edge_child: np.ndarray
    node_entry: np.ndarray
    node_inner: np.ndarray
    hash_mask: np.ndarray


@nb.njit(inline="always")
def _finish_hash(h: Any, mask: Any) -> Any:
    # FNV mixes its last byte only upwards, and a slot is taken from the low bits
    h = (h ^ (h >> np.uint64(32))) * _MIX
    h = (h ^ (h >> np.uint64(29))) & mask
    return h | np.uint64(1) << np.uint64(63)  # never 0, which marks an empty slot


@nb.njit(inline="always")
def _find_token(
    h: Any,
    data: Any,
    start: Any,
    stop: Any,
    vocabulary_hash: Any,
    vocabulary_token: Any,
    token_start: Any,
    token_bytes: Any,
) -> Any:
    """The id of the token data[start:stop], or -1 - (the free slot where it belongs)."""
    last = np.uint64(vocabulary_hash.size - 1)
    slot = h & last
    while vocabulary_hash[slot] != _EMPTY:
        if vocabulary_hash[slot] == h:
            token = vocabulary_token[slot]
            begin = token_start[token]
            length = token_start[token + 1] - begin
            if length == stop - start:
                same = True
                for k in range(length):
                    if token_bytes[begin + k] != data[start + k]:
                        same = False
                        break
                if same:
                    return np.int64(token)
        slot = (slot + np.uint64(1)) & last
    return np.int64(-1) - np.int64(slot)


@nb.njit(inline="always")
def _find_edge(node: Any, token: Any, edge_key: Any) -> Any:
    """The slot of the edge, or -1 - (the free slot where it belongs)."""
    key = (np.uint64(node) << np.uint64(32)) | np.uint64(token)
    last = np.uint64(edge_key.size - 1)
    h = key * _MIX
    slot = (h ^ (h >> np.uint64(32))) & last
    while edge_key[slot] != _EMPTY:
        if edge_key[slot] == key:
            return np.int64(slot)
        slot = (slot + np.uint64(1)) & last
    return np.int64(-1) - np.int64(slot)


_tables_type = nb.types.Tuple(
    (
        nb.uint64[::1], nb.int32[::1], nb.int64[::1], nb.uint8[::1], nb.int32[::1],
        nb.uint64[::1], nb.int32[::1], nb.int32[::1], nb.uint8[::1], nb.int64,
    )
)  # fmt: skip


@nb.njit(_tables_type(_u8, _i64, nb.int64, nb.int64, nb.uint64), nogil=True, cache=True)
def build(data: Any, offsets: Any, n_tokens: Any, slots: Any, mask: Any) -> Any:
    """The tables of the entries data[offsets[e]:offsets[e + 1]].

    n_tokens: how many tokens all entries have together; slots: a power of two, at least twice n_tokens
    returns   the fields of `Tables` but hash_mask, and then the first entry that stands there twice, or -1
    """
    vocabulary_hash = np.zeros(slots, np.uint64)
    vocabulary_token = np.zeros(slots, np.int32)
    token_start = np.zeros(n_tokens + 1, np.int64)
    token_bytes = np.empty(data.size, np.uint8)
    root = np.full(n_tokens, -1, np.int32)
    edge_key = np.zeros(slots, np.uint64)
    edge_child = np.zeros(slots, np.int32)
    node_entry = np.full(n_tokens + 1, -1, np.int32)
    node_inner = np.zeros(n_tokens + 1, np.uint8)
    tokens, nodes, duplicate = 0, 1, -1
    for entry in range(offsets.size - 1):
        end = offsets[entry + 1]
        start = offsets[entry]
        node = 0
        while True:
            h = _FNV_OFFSET
            stop = start
            while stop < end and data[stop] != 32:
                h = (h ^ np.uint64(data[stop])) * _FNV_PRIME
                stop += 1
            h = _finish_hash(h, mask)
            token = _find_token(h, data, start, stop, vocabulary_hash, vocabulary_token, token_start, token_bytes)
            if token < 0:
                slot = -1 - token
                token = tokens
                vocabulary_hash[slot] = h
                vocabulary_token[slot] = token
                begin = token_start[token]
                for k in range(stop - start):
                    token_bytes[begin + k] = data[start + k]
                token_start[token + 1] = begin + stop - start
                tokens += 1
            if node == 0:
                if root[token] < 0:
                    root[token] = nodes
                    nodes += 1
                node = root[token]
            else:
                node_inner[node] = 1
                slot = _find_edge(node, token, edge_key)
                if slot < 0:
                    slot = -1 - slot
                    edge_key[slot] = (np.uint64(node) << np.uint64(32)) | np.uint64(token)
                    edge_child[slot] = nodes
                    nodes += 1
                node = edge_child[slot]
            if stop == end:
                break
            start = stop + 1
        if node_entry[node] >= 0:
            duplicate = entry
            break
        node_entry[node] = entry
    return (
        vocabulary_hash,
        vocabulary_token,
        token_start[: tokens + 1].copy(),
        token_bytes[: token_start[tokens]].copy(),
        root[:tokens].copy(),
        edge_key,
        edge_child,
        node_entry[:nodes].copy(),
        node_inner[:nodes].copy(),
        np.int64(duplicate),
    )


@nb.njit(inline="always")
def _keep_distinct(ids: Any, first: Any, last: Any) -> Any:
    """Sort ids[first:last], drop repeats, return the new end."""
    if last - first > 48:
        ids[first:last].sort()
    else:
        for i in range(first + 1, last):  # nearly every text: insertion sort beats the call
            value = ids[i]
            j = i - 1
            while j >= first and ids[j] > value:
                ids[j + 1] = ids[j]
                j -= 1
            ids[j + 1] = value
    end = first
    for i in range(first, last):
        if end == first or ids[i] != ids[end - 1]:
            ids[end] = ids[i]
            end += 1
    return end


@nb.njit(
    nb.types.Tuple((nb.int32[::1], nb.int64[::1]))(
        _u8, _i64, _u8, _u64, _i32, _i64, _u8, _i32, _u64, _i32, _i32, _u8, _u64
    ),
    nogil=True,
    cache=True,
)
def match(
    data: Any,
    offsets: Any,
    break_class: Any,
    vocabulary_hash: Any,
    vocabulary_token: Any,
    token_start: Any,
    token_bytes: Any,
    root: Any,
    edge_key: Any,
    edge_child: Any,
    node_entry: Any,
    node_inner: Any,
    hash_mask: Any,
) -> Any:
    """The entries of every text data[offsets[i]:offsets[i + 1]].

    break_class: (256,) uint8, what each byte does to a token: BREAK_NONE, BREAK_SPACE or BREAK_MARK
    returns      entry ids (nnz,) int32, ascending and distinct within a text, and their offsets (N + 1,) int64
    """
    mask = hash_mask[0]
    n_texts = offsets.size - 1
    longest = 0
    for i in range(n_texts):
        longest = max(longest, offsets[i + 1] - offsets[i])
    # a mark makes two tokens out of one byte, and the last token has no byte of its own
    token_ids = np.empty(2 * longest + 1, np.int32)
    ids = np.empty(max(16, 4 * n_texts), np.int32)
    ends = np.zeros(n_texts + 1, np.int64)
    filled = 0
    for i in range(n_texts):
        # 1. the tokens of the text, as ids; -1 for one that no entry has
        n_tokens = 0
        end = offsets[i + 1]
        start = at = offsets[i]
        h = _FNV_OFFSET
        while at <= end:
            kind = break_class[data[at]] if at < end else BREAK_SPACE
            if kind == BREAK_NONE:
                h = (h ^ np.uint64(data[at])) * _FNV_PRIME
                at += 1
                continue
            token_ids[n_tokens] = max(
                np.int64(-1),
                _find_token(
                    _finish_hash(h, mask), data, start, at,
                    vocabulary_hash, vocabulary_token, token_start, token_bytes,
                ),
            )  # fmt: skip
            n_tokens += 1
            if kind == BREAK_MARK:
                h = _finish_hash((_FNV_OFFSET ^ np.uint64(data[at])) * _FNV_PRIME, mask)
                token_ids[n_tokens] = max(
                    np.int64(-1),
                    _find_token(h, data, at, at + 1, vocabulary_hash, vocabulary_token, token_start, token_bytes),
                )
                n_tokens += 1
            at += 1
            start = at
            h = _FNV_OFFSET
        # 2. from every token, down the trie as far as the following tokens lead
        first = filled
        for begin in range(n_tokens):
            if token_ids[begin] < 0:
                continue
            node = root[token_ids[begin]]
            following = begin + 1
            while node >= 0:
                if node_entry[node] >= 0:
                    if filled == ids.size:
                        grown = np.empty(2 * ids.size, np.int32)
                        grown[:filled] = ids
                        ids = grown
                    ids[filled] = node_entry[node]
                    filled += 1
                if node_inner[node] == 0 or following == n_tokens or token_ids[following] < 0:
                    break
                slot = _find_edge(node, token_ids[following], edge_key)
                if slot < 0:
                    break
                node = edge_child[slot]
                following += 1
        filled = _keep_distinct(ids, first, filled)
        ends[i + 1] = filled
    return ids[:filled].copy(), ends
