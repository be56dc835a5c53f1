"""Matching, compiled: texts -> entry ids, straight on Arrow's string buffers, without the GIL.

Texts are taken in blocks, and a block goes through loops, each over everything in the block, so that the cache misses
of one loop overlap instead of following one another, and no loop reads what is still being written:

    tokens      64 bytes at a time become a mask of where tokens end; each gets its key, and its slot is prefetched
    look-up     keys become token ids and payloads
    candidates  neighbours that the filter of edges does not rule out; their slots are prefetched
    edges       the payload of each candidate's slot
    emit        the entries of single tokens, then those down the trie from the candidates
    sort        the entries of each text, each once

Importing this module imports numba; only `matcher.py` does.
"""

from typing import Any

import numba as nb
import numpy as np

from curation.compiled import compiled
from curation.matching.tables import (
    NOTHING,
    SHORT,
    SLACK,
    TOKEN_WORDS,
    edge_key,
    find_edge,
    find_token,
    hash_edge,
    hash_key,
    in_filter,
    long_key,
    short_key,
)
from curation.matching.tokens import SPACES, WRAPPED_MARKS
from curation.matching.words import LANES, block_mask, load64, lowest_bit, prefetch, smaller_of_16, smaller_of_64

BLOCK = 64
"""Texts in a block: some 700 tokens, whose scratch arrays stay in the L1 and L2 cache."""

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_ENTRY = np.uint64(0xFFFFFFFF)
_PAST_ANY_ID = np.int32(2**31 - 1)

_spaces_in = block_mask(SPACES)
_marks_in = block_mask(WRAPPED_MARKS)


@nb.njit
def _scratch(capacity: Any) -> Any:
    """For each token of a block: two key words, hash, address; token id, payload. Then candidates and their slots."""
    return (
        np.empty((capacity, 4), np.uint64),
        np.empty(capacity + 1, np.int64),
        np.empty(capacity, np.uint64),
        np.empty(capacity + 1, np.int64),
        np.empty(capacity, np.uint64),
    )


@nb.njit(inline="always")
def _add_token(at: Any, address: Any, length: Any, keys: Any, slots_at: Any, last: Any, mask: Any) -> Any:
    if length <= SHORT:
        first, following = short_key(address, length)
    else:
        first, following = long_key(address, length, mask)
    h = hash_key(first, following, mask)
    prefetch(slots_at + (h & last) * np.uint64(8 * TOKEN_WORDS))
    keys[at, 0], keys[at, 1], keys[at, 2], keys[at, 3] = first, following, h, address


@nb.njit(inline="always")
def _tokenise(text: Any, length: Any, n_tokens: Any, keys: Any, slots_at: Any, last: Any, mask: Any) -> Any:
    """Add the tokens of the text at an address; the new number of tokens."""
    start = 0
    for at in range(0, length + 1, LANES):
        marks = _marks_in(text + np.uint64(at))
        breaks = _spaces_in(text + np.uint64(at)) | marks
        left = length - at
        if left < LANES:  # the end of the text ends a token as well, and is no mark
            end = _ONE << np.uint64(left)
            breaks = (breaks & (end - _ONE)) | end
            marks &= end - _ONE
        while breaks != _ZERO:
            bit = lowest_bit(breaks)
            breaks &= breaks - _ONE
            stop = at + np.int64(bit)
            _add_token(n_tokens, text + np.uint64(start), stop - start, keys, slots_at, last, mask)
            n_tokens += 1
            if (marks >> bit) & _ONE:
                _add_token(n_tokens, text + np.uint64(stop), 1, keys, slots_at, last, mask)
                n_tokens += 1
            start = stop + 1
    return n_tokens


@nb.njit(inline="always")
def _sort_distinct(found_at: Any, found: Any, first: Any, last: Any, ids: Any, filled: Any) -> Any:
    """Put found[first:last] into ids[filled:], sorted, each once; the new end. found_at: address of `found`."""
    count = last - first
    if count > 64:
        found[first:last].sort()
        for i in range(first, last):
            if i == first or found[i] != found[i - 1]:
                ids[filled] = found[i]
                filled += 1
        return filled
    # the place of an id is the number of smaller ones: compared in whole vectors, without a branch to mispredict
    address = found_at + np.uint64(4 * first)
    valid = ~_ZERO >> np.uint64(64 - count)
    taken = _ZERO
    if count <= 16:
        for i in range(first, last):
            place = smaller_of_16(address, found[np.uint64(i)], valid)
            ids[np.uint64(filled + place)] = found[np.uint64(i)]
            taken |= _ONE << np.uint64(place)
    else:
        for i in range(first, last):
            place = smaller_of_64(address, found[np.uint64(i)], valid)
            ids[np.uint64(filled + place)] = found[np.uint64(i)]
            taken |= _ONE << np.uint64(place)
    if taken == valid:
        return filled + count
    # a repeat takes the place of its equal and leaves one behind it free
    end = filled
    while taken != _ZERO:
        ids[end] = ids[filled + np.int64(lowest_bit(taken))]
        taken &= taken - _ONE
        end += 1
    return end


@nb.njit
def _with_room(ids: Any, filled: Any, more: Any) -> Any:
    if filled + more <= ids.size:
        return ids
    grown = np.empty(2 * ids.size + more, np.int32)
    grown[:filled] = ids[:filled]
    return grown


@compiled()
def match(data: Any, offsets: Any, in_place: Any, tail: Any, tables: Any) -> Any:
    """The entries of every text data[offsets[i]:offsets[i + 1]].

    in_place, tail: from that text on, texts are read from `tail`: their bytes, then SLACK more. All are arguments, for
    numba frees an array of its own after its last use, and does not count that of its address as one.
    returns entry ids (nnz,) int32, ascending and distinct within a text, and their offsets (N + 1,) int32
    """
    mask = tables.hash_mask[0]
    last = np.uint64(tables.tokens.size // TOKEN_WORDS - 1)
    last_edge = np.uint64(tables.edges.size // 2 - 1)
    slots_at, edges_at = np.uint64(tables.tokens.ctypes.data), np.uint64(tables.edges.ctypes.data)
    bytes_at = np.uint64(tables.token_bytes.ctypes.data)

    n_texts = offsets.size - 1
    data_at = np.uint64(data.ctypes.data)
    tail_at = np.uint64(tail.ctypes.data) - np.uint64(offsets[in_place])

    capacity = 4096
    keys, token_ids, payloads, candidates, candidate_slots = _scratch(capacity)
    found = np.empty(4096, np.int32)
    ends_of_texts = np.empty(BLOCK, np.int64)
    found_ends = np.empty(BLOCK, np.int64)
    ids = np.empty(16 * n_texts + 64, np.int32)  # memory that is never touched costs nothing; growing does
    ends = np.zeros(n_texts + 1, np.int32)
    filled = text = 0
    while text < n_texts:
        # tokens
        n_tokens = texts = 0
        while texts < BLOCK and text + texts < n_texts:
            start = offsets[text + texts]
            length = offsets[text + texts + 1] - start
            if n_tokens + 2 * length + 1 > capacity:  # a mark makes two tokens out of one byte
                if texts:
                    break
                capacity = 2 * length + 1
                keys, token_ids, payloads, candidates, candidate_slots = _scratch(capacity)
            address = (data_at if text + texts < in_place else tail_at) + np.uint64(start)
            n_tokens = _tokenise(address, length, n_tokens, keys, slots_at, last, mask)
            ends_of_texts[texts] = n_tokens
            texts += 1

        # look-up
        for k in range(n_tokens):
            at = find_token(keys[k, 0], keys[k, 1], keys[k, 2], keys[k, 3], tables.tokens, tables.token_start, bytes_at)
            if at >= 0:
                token_ids[k], payloads[k] = np.int64(tables.tokens[at + 2]) - 1, tables.tokens[at + 3]
            else:
                token_ids[k], payloads[k] = NOTHING, _ZERO
        for k in range(texts):
            payloads[ends_of_texts[k] - 1] &= ~_ONE  # an entry does not go on in the next text

        # candidates: written always, counted only if they are some, so that there is no branch to mispredict
        n_candidates = 0
        for token in range(n_tokens - 1):
            k = np.uint64(token)  # numba asks of a signed index whether it counts from the end
            following = token_ids[k + _ONE]
            h = hash_edge(edge_key(token_ids[k], following))
            candidates[n_candidates], candidate_slots[n_candidates] = token, h & last_edge
            may_match = in_filter(h, tables.edge_filter) & payloads[k] & np.uint64(following >= 0)
            n_candidates += np.int64(may_match & _ONE)
        for c in range(n_candidates):
            prefetch(edges_at + candidate_slots[c] * np.uint64(16))
        candidates[n_candidates] = n_tokens

        # edges
        for c in range(n_candidates):
            k = np.uint64(candidates[c])
            at = find_edge(edge_key(token_ids[k], token_ids[k + _ONE]), candidate_slots[c], tables.edges)
            candidate_slots[c] = tables.edges[at + 1] if at >= 0 else _ZERO

        # emit
        c = begin = n_found = 0
        for k in range(texts):
            end = ends_of_texts[k]
            room = 2 * (end - begin) + 64  # for what is not checked below, and a whole vector behind it
            found = _with_room(found, n_found, room)
            for token in range(begin, end):
                entry = payloads[token] >> _ONE
                found[n_found] = np.int32(entry) - np.int32(1)
                n_found += np.int64(entry != _ZERO)
            while candidates[c] < end:
                payload = candidate_slots[c]
                entry = (payload >> _ONE) & _ENTRY
                found[n_found] = np.int32(entry) - np.int32(1)
                n_found += np.int64(entry != _ZERO)
                following = candidates[c] + 2
                while payload & _ONE and following < end and token_ids[following] >= 0:
                    key = edge_key(payload >> np.uint64(33), token_ids[following])
                    h = hash_edge(key)
                    if not in_filter(h, tables.edge_filter):
                        break
                    at = find_edge(key, h & last_edge, tables.edges)
                    if at < 0:
                        break
                    payload = tables.edges[at + 1]
                    entry = (payload >> _ONE) & _ENTRY
                    if entry != _ZERO:
                        found = _with_room(found, n_found, room + 1)
                        found[n_found] = np.int32(entry) - np.int32(1)
                        n_found += 1
                    following += 1
                c += 1
            begin = end
            found_ends[k] = n_found

        # sort
        ids = _with_room(ids, filled, n_found + 64)
        begin = 0
        found_at = np.uint64(found.ctypes.data)
        for k in range(texts):
            if found_ends[k] > begin:
                filled = _sort_distinct(found_at, found, begin, found_ends[k], ids, filled)
            ends[text + k + 1] = filled
            begin = found_ends[k]
        text += texts
    return ids[:filled], ends


@compiled()
def tokenise(data: Any, offsets: Any, tables: Any) -> Any:
    """What only cutting texts into tokens and hashing them costs: their number. For benchmarks."""
    keys = np.empty((2 * np.max(offsets[1:] - offsets[:-1]) + 1, 4), np.uint64)
    mask, last = tables.hash_mask[0], np.uint64(tables.tokens.size // TOKEN_WORDS - 1)
    slots_at, total = np.uint64(tables.tokens.ctypes.data), 0
    for i in range(offsets.size - 1):
        if offsets[i + 1] + SLACK <= data.size:
            address = np.uint64(data.ctypes.data) + np.uint64(offsets[i])
            total += _tokenise(address, offsets[i + 1] - offsets[i], 0, keys, slots_at, last, mask)
    return total


@compiled()
def read_bytes(data: Any, offsets: Any) -> Any:
    """What only reading the bytes costs: the sum of all words. For benchmarks."""
    address, total = np.uint64(data.ctypes.data), _ZERO
    for at in range(offsets[0], offsets[-1] - 7, 8):
        total += load64(address + np.uint64(at))
    return total
