"""What goes to the browser once for a run: everything that the live chart shows, at every t of the grid, packed."""

import hashlib
import json
import zlib

import numpy as np

from curation.runs.folder import Run
from curation.ui.text import label

NUMBERS = (
    "t", "kept", "expected", "sigma", "tail_share", "kept_tail_share", "entries_covered", "entries_at_cap", "head",
    "head_matches",
)  # fmt: skip
"""The fields of `Live` that are a number a threshold."""

ALL = 65_535
"""What stands for all matches, where they are only drawn."""


def packed(run: Run) -> tuple[str, bytes]:
    """What the browser needs of a run, and the 16 digits that stand at its beginning: a hash of the rest.

    Deflated: the length of the JSON that follows (uint32, little-endian), the JSON, then `Live.entry_kept` as
    differences from one t to the next, in four planes of bytes, and `Live.kept_matches` as shares of the whole, uint16.
    """
    live = run.live
    entry = run.entries["entry"].take(live.entry_id).to_pylist()
    head = {name: getattr(live, name).tolist() for name in (*NUMBERS, "rank", "count", "entry_id", "summed", "matches")}
    head |= {
        "entry": [label(name, 80) for name in entry],
        "entries": live.entries,
        "entries_matched": int(run.curves.ranked_entry_id.size),
        "pairs": run.info["totals"]["pairs"],
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    more = np.diff(live.entry_kept, axis=0, prepend=np.uint32(0)).astype("<u4")
    planes = np.ascontiguousarray(more.reshape(-1, 1).view(np.uint8).T)
    parts = [len(text).to_bytes(4, "little"), text, planes.tobytes(), shares(live.kept_matches).tobytes()]
    data = zlib.compress(b"".join(parts))
    version = hashlib.sha256(data).hexdigest()[:16]
    return version, version.encode() + data


def shares(kept_matches: np.ndarray) -> np.ndarray:
    """(..., K) uint16: sums as shares of the last, to be drawn; 65,535 is all."""
    return np.round(ALL * kept_matches / np.maximum(kept_matches[..., -1:], 1)).astype("<u2")
