"""A run over a pool with pictures, with what can be wrong with them."""

import hashlib
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from conftest import ZIPF_ENTRIES, zipf_texts
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.folder import Run
from curation.runs.plan import create_run
from inline import INLINE

KINDS = ("JPEG", "PNG", "WEBP", "GIF")


def uid_of(n: int) -> str:
    return hashlib.blake2b(str(n).encode(), digest_size=16).hexdigest()


def picture(n: int) -> bytes | None:
    """The image of pair n, of a kind and colour of its own; every 40th has none, every 90th is no image."""
    if n % 40 == 3:
        return None
    if n % 90 == 5:
        return b"<svg/>"
    out = io.BytesIO()
    Image.new("RGB", (4, 4), (n % 256, n // 256, 7)).save(out, KINDS[n % 4])
    return out.getvalue()


def make_picture_run(folder: Path) -> Run:
    """1,000 pairs in three row groups and two units; every 50th text is null, every 30th pair has no url."""
    table = pa.table(
        {
            "uid": [uid_of(n) for n in range(1000)],
            "url": [None if n % 30 == 9 else f"https://pool.example/{n}.jpg" for n in range(1000)],
            "text": [None if n % 50 == 7 else text for n, text in enumerate(zipf_texts(1000))],
            "image": [picture(n) for n in range(1000)],
        }
    )
    pq.write_table(table, folder / "pool.parquet", row_group_size=400)
    metadata = from_entries(ZIPF_ENTRIES, source="test")
    with pytest.MonkeyPatch.context() as small_units:
        small_units.setattr(plan, "UNIT_ROWS", 500)
        create_run(folder / "run", [str(folder / "pool.parquet")], metadata, CurateConfig(t=20.0))
    return curate.run(folder / "run", INLINE)
