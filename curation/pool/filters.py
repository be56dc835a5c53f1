"""Filters that look at one pair at a time: a mask each, True for the pairs that pass."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.pool.filter_config import FILTERS, REASONS, FilterConfig

SIZE_UNKNOWN = "size of the image is not known"
"""A note: a pair whose pool does not say how large its image is passes the filters of size."""


def per_row_reasons(pairs: pa.RecordBatch, config: FilterConfig) -> tuple[np.ndarray, Counter[str]]:
    """The first filter that drops each pair, and what was noted.

    pairs:   PAIR_SCHEMA
    returns  (N,) uint8 of REASONS, 0 for a pair that passes all of them

    >>> texts = pa.RecordBatch.from_pydict({"text": ["a dog", "a dog on a mat", "cat"]})
    >>> per_row_reasons(texts, FilterConfig(min_words=3))[0]
    array([3, 0, 3], dtype=uint8)
    """
    reasons, notes = np.zeros(len(pairs), np.uint8), Counter[str]()
    active = [name for name in config.active_filters if name in MASKS]
    for name in active:
        passes = MASKS[name](pairs, getattr(config, FILTERS[name]))
        reasons[(reasons == 0) & ~passes] = REASONS[name]
    if "short side" in active or "aspect ratio" in active:
        unknown = pc.or_(pairs["width"].is_null(), pairs["height"].is_null())
        notes[SIZE_UNKNOWN] = int(pc.sum(unknown).as_py() or 0)
    return reasons, +notes


def short_side(pairs: pa.RecordBatch, least: int) -> np.ndarray:
    """The shorter side has at least so many pixels; also where the size is not known."""
    return _mask(pc.greater_equal(pc.min_element_wise(pairs["width"], pairs["height"], skip_nulls=False), least))


def aspect(pairs: pa.RecordBatch, below: float) -> np.ndarray:
    """Longer side < below * shorter side; also where the size is not known."""
    sides = [pairs[name].cast(pa.float64()) for name in ("width", "height")]
    longer, shorter = (of(*sides, skip_nulls=False) for of in (pc.max_element_wise, pc.min_element_wise))
    return _mask(pc.less(longer, pc.multiply(shorter, below)))


def words(text: pa.Array) -> pa.ListArray:
    """The words of each text: what stands between white space (Unicode), as it is written.

    >>> words(pa.array([" a  dog, ", ""])).to_pylist()
    [['a', 'dog,'], []]
    """
    trimmed = pc.utf8_trim_whitespace(text)
    split = pc.utf8_split_whitespace(trimmed)
    empty = pc.equal(pc.binary_length(trimmed), 0)
    return pc.if_else(empty, pa.scalar([], split.type), split) if pc.any(empty).as_py() else split


def word_counts(text: pa.Array) -> pa.Array:
    """(N,) how many words each text has."""
    return pc.list_value_length(words(text))


def _mask(passes: pa.Array) -> np.ndarray:
    """(N,) bool; what cannot be told passes."""
    return pc.fill_null(passes, True).to_numpy(zero_copy_only=False)


MASKS: dict[str, Callable[[pa.RecordBatch, "int | float | str"], np.ndarray]] = {
    "short side": short_side,  # type: ignore[dict-item]
    "aspect ratio": aspect,  # type: ignore[dict-item]
    "too few words": lambda pairs, least: _mask(pc.greater_equal(word_counts(pairs["text"]), least)),
    "too many words": lambda pairs, most: _mask(pc.less_equal(word_counts(pairs["text"]), most)),
    "too few characters": lambda pairs, least: _mask(pc.greater_equal(pc.utf8_length(pairs["text"]), least)),
    "too many characters": lambda pairs, most: _mask(pc.less_equal(pc.utf8_length(pairs["text"]), most)),
    "text must match": lambda pairs, pattern: _mask(pc.match_substring_regex(pairs["text"], pattern)),
    "text must lack": lambda pairs, pattern: ~_mask(pc.match_substring_regex(pairs["text"], pattern)),
}
"""The filters that need no other pair, by the names of FILTERS; each takes pairs and the value of its option."""
