"""Files that are not what their name says, told by their first bytes."""

from pathlib import Path

from curation.errors import UnreadableFile

_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_LFS_POINTER = b"version https://git-lfs"


def check_bare(path: Path) -> None:
    """Raise UnreadableFile for a file that is empty, compressed as a whole, or only stands for one kept elsewhere."""
    try:
        with path.open("rb") as file:
            start = file.read(32)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from None
    if not start:
        raise UnreadableFile(f"{path}: empty file; it was never written, or its download failed")
    if start.startswith(_LFS_POINTER):
        raise UnreadableFile(f"{path}: a pointer of Git LFS, not the file itself; fetch it with 'git lfs pull'")
    for magic, name in _COMPRESSED.items():
        if start.startswith(magic):
            raise UnreadableFile(
                f"{path}: compressed with {name}, so no image in it could be found again; unpack it and give that"
            )
