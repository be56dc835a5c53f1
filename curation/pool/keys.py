"""128-bit keys by which equal texts, images and image bytes of a pool are found.

A key is the two XXH64, each mixed, of the same bytes with two seeds (`uniform.entry_hashes`): among 10**10 values, two
different ones share a key with a chance of about 10**-19.
"""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.pool.filters import words
from curation.uniform import entry_hashes

SEEDS = (0, 0x9E3779B97F4A7C15)

Key = tuple[np.ndarray, np.ndarray]
"""Two (N,) uint64: the halves of a key for each of N values."""


def string_keys(strings: pa.Array) -> Key:
    """Keys of strings without nulls."""
    first, second = (entry_hashes(strings, seed) for seed in SEEDS)
    return first, second


def image_keys(pairs: pa.RecordBatch, image_input: int) -> Key:
    """Which image each pair is of: that of its url, else that of its reference, else that of its row.

    pairs:       PAIR_SCHEMA; image_input: the number of the input, which references and rows are those of
    """
    row = pc.cast(pairs["row"], pa.string())
    return string_keys(
        pc.coalesce(
            pc.binary_join_element_wise("url", pairs["url"], " "),
            pc.binary_join_element_wise("image", str(image_input), pairs["image"], " "),
            pc.binary_join_element_wise("row", str(image_input), row, " "),
        )
    )


def bytes_key(image: bytes) -> tuple[int, int]:
    """The two halves of a key of an image's bytes: 128-bit BLAKE2b."""
    digest = hashlib.blake2b(image, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def word_hashes(text: pa.Array) -> pa.ListArray:
    """The words of each text as hashes of 64 bits: list<uint64>."""
    split = words(text)
    return pa.ListArray.from_arrays(
        pa.array(np.concatenate([[0], np.cumsum(pc.list_value_length(split).to_numpy())]).astype(np.int32)),
        pa.array(entry_hashes(split.flatten(), SEEDS[0]), pa.uint64()),
    )
