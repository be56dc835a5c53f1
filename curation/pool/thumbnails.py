"""Thumbnails of a pool's images, made once and kept on disk.

A file is named by a digest of what it shows: input file, place in it, size. So a pool that changes gets other names,
and nothing that comes from outside ever becomes part of a path.
"""

import hashlib
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from curation.pool.columns import Columns
from curation.pool.decoder import Decoder
from curation.pool.images import read_images
from curation.pool.inputs import PoolFile

SIDE = 160
"""Pixels of the longer side."""

NO_IMAGE = "no image: the pool file has none in this row, or is gone or changed"

KEPT = 65_536
"""So many thumbnails are kept, about 400 MB; of more, those that were made first are removed."""


def thumbnail_key(inputs: Sequence[PoolFile], reference: str) -> str:
    """64 hexadecimal digits that name the thumbnail of an image reference of a run, "<input>:<where in it>"."""
    number, _, where = reference.partition(":")
    known = number.isascii() and number.isdecimal() and int(number) < len(inputs)
    file = inputs[int(number)] if known else None
    what = f"{SIDE}\0{file.path if file else number}\0{file.digest if file else ''}\0{where}"
    return hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()


def kept_thumbnail(folder: Path, key: str) -> bytes | None:
    """The JPEG of a thumbnail that was made before; None if there is none, or only a part of one."""
    try:
        data = _path(folder, key).read_bytes()
    except OSError:
        return None
    return data if data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9") else None


def thumbnails(
    decoder: Decoder, inputs: Sequence[PoolFile], columns: Columns, references: Sequence[str | None], folder: Path
) -> list[bytes | str | None]:
    """A small JPEG for each image reference of a run, or why there is none; None for a pair without an image.

    What is not in the folder yet is read from the pool, all of it at once, and kept there.
    """
    found: list[bytes | str | None] = [
        None if reference is None else kept_thumbnail(folder, thumbnail_key(inputs, reference))
        for reference in references
    ]
    missing = [at for at, reference in enumerate(references) if reference is not None and found[at] is None]
    wanted = [references[at] for at in missing]
    images = read_images(inputs, columns, wanted) if wanted else []
    made = iter(decoder.thumbnails([image for image in images if image is not None], SIDE))
    for at, image in zip(missing, images, strict=True):
        found[at] = one = NO_IMAGE if image is None else next(made)
        if isinstance(one, bytes):
            _keep(folder, thumbnail_key(inputs, references[at] or ""), one)
    return found


def _keep(folder: Path, key: str, data: bytes) -> None:
    """That it cannot be kept is no reason not to show it."""
    path = _path(folder, key)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
        temporary.write_bytes(data)  # not synced: of a file that a crash left in parts, the end is missing
        temporary.replace(path)
        beside = list(os.scandir(path.parent))
        if len(beside) > KEPT // 256:
            for old in sorted(beside, key=lambda file: file.stat().st_mtime_ns)[: len(beside) // 4]:
                Path(old).unlink(missing_ok=True)


def _path(folder: Path, key: str) -> Path:
    return folder / key[:2] / f"{key}.jpg"
