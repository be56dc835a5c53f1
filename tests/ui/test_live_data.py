import json
import zlib

import numpy as np

from curation.ui.live_data import ALL, NUMBERS, packed


def unpacked(data: bytes, rows: int):
    """As live_chart.js does it."""
    plain = zlib.decompress(data[16:])
    start = 4 + int.from_bytes(plain[:4], "little")
    head = json.loads(plain[4:start])
    cells = rows * len(head["rank"])
    planes = np.frombuffer(plain, np.uint8, 4 * cells, start).reshape(4, rows, -1).astype(np.uint32)
    more = sum(plane << np.uint32(8 * byte) for byte, plane in enumerate(planes))
    return head, np.cumsum(more, axis=0), np.frombuffer(plain, "<u2", offset=start + 4 * cells).reshape(rows, -1)


def test_what_was_packed_is_what_the_live_chart_shows(zipf_run):
    live = zipf_run.live

    version, data = packed(zipf_run)
    head, entry_kept, shares = unpacked(data, live.t.size)

    assert data[:16].decode() == version
    for name in (*NUMBERS, "rank", "count", "entry_id", "summed", "matches"):
        assert head[name] == getattr(live, name).tolist()
    assert head["entry"] == zipf_run.entries["entry"].take(live.entry_id).to_pylist()
    assert (head["entries"], head["entries_matched"], head["pairs"]) == (live.entries, live.entries, 4000)
    assert entry_kept.tolist() == live.entry_kept.tolist()
    assert np.abs(shares / ALL - live.kept_matches / live.kept_matches[:, -1:]).max() <= 0.5 / ALL


def test_a_pool_that_matches_nothing_can_be_packed(make_run):
    run = make_run(["x", "y"], t=2.0)

    head, entry_kept, shares = unpacked(packed(run)[1], run.live.t.size)

    assert (head["entry"], entry_kept.size, shares.size) == ([], 0, 0)
