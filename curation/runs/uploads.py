"""Files that a browser handed over: each in a folder of its own, under a name of ours.

uploads/<id>/upload.json   title (what its file was called there: only data), bytes, created
uploads/<id>/file<suffix>  its bytes; the suffix is one that we know
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from curation import files
from curation.errors import BadArgument
from curation.metadata_files import SUFFIXES as METADATA_SUFFIXES
from curation.pool.formats import FORMATS

POOL_SUFFIXES = tuple(sorted({suffix for each in FORMATS.values() for suffix in each.suffixes}))

__all__ = ["METADATA_SUFFIXES", "POOL_SUFFIXES", "keep_upload"]


def keep_upload(folder: Path, title: str, data: bytes, suffixes: Iterable[str]) -> Path:
    """Write an uploaded file below `folder`; returns its path.

    title: as the browser named it; nothing of it gets into the path but an end that is among `suffixes`
    raises BadArgument for a file with another end, or without a byte
    """
    title = title.encode("utf-8", "replace").decode()
    fitting = [suffix for suffix in suffixes if title.lower().endswith(suffix)]
    if not fitting:
        raise BadArgument(f"{title[-80:]!r}: give a file that ends in one of {' '.join(suffixes)}")
    if not data:
        raise BadArgument(f"{title[-80:]!r}: the file is empty")
    kept = folder / secrets.token_hex(8)
    path = kept / f"file{max(fitting, key=len)}"
    with files.whole(path) as temporary:
        temporary.write_bytes(data)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    files.write_json(kept / "upload.json", {"title": title[:1000], "bytes": len(data), "created": created})
    return path
