"""Several texts for one image: which of them speaks for it (arXiv:2507.22062)."""

from collections import Counter

import numpy as np
import pyarrow as pa

from curation.uniform import entry_hashes, uniform

ANOTHER_TEXT = "another text of the image was drawn"

_STREAM = 0x9E3779B97F4A7C15
"""Added to the seed, so that the draw of a text tells nothing about the draw of balancing."""


def draw_texts(pairs: pa.RecordBatch, seed: int) -> tuple[pa.RecordBatch, Counter[str]]:
    """One pair for each image, drawn among those of its texts.

    Rows with the same `row` belong to one image; a reader gives all of them in one batch. The one whose uniform number
    of (seed, uid, text) is smallest is drawn, each with the same chance: so the draw depends on no file, row or order.

    pairs:   PAIR_SCHEMA
    seed:    0 <= seed < 2**64
    returns  the drawn pairs in their order, and how many others were left out, by reason

    >>> columns = {"uid": ["a", "b", "c"], "text": ["dog", "cat", "hen"], "row": [0, 0, 1]}
    >>> drawn, dropped = draw_texts(pa.RecordBatch.from_pydict(columns), seed=0)
    >>> drawn["text"].to_pylist(), dict(dropped)
    (['cat', 'hen'], {'another text of the image was drawn': 1})
    """
    row = pairs["row"].to_numpy()
    if np.unique(row).size == row.size:
        return pairs, Counter()
    seed = (seed + _STREAM) % 2**64
    each_its_own = pa.ListArray.from_arrays(
        pa.array(np.arange(row.size + 1, dtype=np.int32)), pa.array(np.arange(row.size, dtype=np.int32))
    )
    u = uniform(pairs["uid"], each_its_own, entry_hashes(pairs["text"], seed), seed)
    order = np.lexsort((u, row))  # stable: of equal texts with equal uids the first
    first = np.concatenate([[True], np.diff(row[order]) != 0])
    drawn = np.sort(order[first])
    return pairs.take(pa.array(drawn)), Counter({ANOTHER_TEXT: row.size - drawn.size})
