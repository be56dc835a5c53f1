"""Image files that a pool names: read only where they lie in the folder that the pool came with."""

import stat
from collections.abc import Iterator
from pathlib import Path

MAX_IMAGE_BYTES = 50_000_000
IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp", "gif")

_PART = 2**20


def why_unusable(folder: Path, name: str) -> str | None:
    """Why the file of this name, relative to the folder, must not be read; None if it may.

    A name that leads out of the folder is refused, by ".." or by a link, as is what is no plain file.
    """
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            return "image is outside of the folder"
        found = path.stat()
    except (OSError, ValueError, RuntimeError):  # also names that no file can have, and links in a circle
        return "image is not in the folder"
    if not stat.S_ISREG(found.st_mode):
        return "image is not in the folder"
    return f"image is over {MAX_IMAGE_BYTES // 10**6} MB" if found.st_size > MAX_IMAGE_BYTES else None


def read_image(folder: Path, name: str) -> bytes | None:
    """The bytes of an image; None if it must not be read, or cannot."""
    try:
        return None if why_unusable(folder, name) else b"".join(read_parts(folder, name))
    except OSError:
        return None


def read_parts(folder: Path, name: str) -> Iterator[bytes]:
    """The bytes of an image that may be read, a megabyte at a time; raises OSError."""
    with (folder / name).open("rb") as file:
        while part := file.read(_PART):
            yield part
