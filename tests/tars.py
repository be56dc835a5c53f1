"""Small tar files that many tests share, and the ways in which they come to harm."""

import io
import json
import random
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

BLOCK = 512


def tar_bytes(members: Iterable[tuple[str, bytes]], kind: int = tarfile.USTAR_FORMAT) -> bytes:
    """A tar file of these members, in order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for name, data in members:
            add(tar, name, data)
    return out.getvalue()


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: object) -> None:
    """One more member, with fields of its header as given."""
    info = tarfile.TarInfo(name)
    info.size, info.type = len(data), kind
    for field, value in fields.items():
        setattr(info, field, value)
    tar.addfile(info, io.BytesIO(data))


def write_tar(path: Path, members: Iterable[tuple[str, bytes]], kind: int = tarfile.USTAR_FORMAT) -> Path:
    path.write_bytes(tar_bytes(members, kind))
    return path


def sample(number: int) -> list[tuple[str, bytes]]:
    """Image, json and text of a pair; the image is of 700 to 2,200 bytes, and no two are alike."""
    key = f"{number:06d}"
    record = {"uid": f"pair-{key}", "url": f"https://pool.example/{key}.jpg"}
    return [
        (f"{key}.jpg", image(number)),
        (f"{key}.json", json.dumps(record).encode()),
        (f"{key}.txt", f"text {number}".encode()),
    ]


def image(number: int) -> bytes:
    data = random.Random(number)
    return b"\xff\xd8" + data.randbytes(data.randrange(700, 2200)) + b"\xff\xd9"


def samples(numbers: Iterable[int]) -> list[tuple[str, bytes]]:
    return [member for number in numbers for member in sample(number)]


def header_at(tar: bytes, name: str) -> int:
    """Where the header of a member begins."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as file:
        return file.getmember(name).offset


def _put(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _insert(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at:]


def _flip(data: bytes, at: int) -> bytes:
    return _put(data, at, bytes([data[at] ^ 4]))


TAR = tar_bytes(samples(range(100)))
IMAGE, JSON, TEXT = (header_at(TAR, f"000050.{field}") for field in ("jpg", "json", "txt"))
END = header_at(TAR, "000099.txt") + 2 * BLOCK
GARBAGE = random.Random(0).randbytes(BLOCK)

DAMAGED: dict[str, tuple[Callable[[], bytes], set[int]]] = {
    "a zero block between members": (lambda: _insert(TAR, IMAGE, bytes(BLOCK)), set()),
    "a bit of a name flipped": (lambda: _flip(TAR, IMAGE + 3), {50}),
    "a bit of a size flipped": (lambda: _flip(TAR, TEXT + 134), {50}),
    "a header zeroed": (lambda: _put(TAR, JSON, bytes(BLOCK)), {50}),
    "a header of garbage": (lambda: _put(TAR, IMAGE, GARBAGE), {50}),
    "the last header of garbage": (lambda: _put(TAR, header_at(TAR, "000099.txt"), GARBAGE), {99}),
    "the first header of garbage": (lambda: _put(TAR, header_at(TAR, "000000.jpg"), GARBAGE), {0}),
    "a byte too many in an image": (lambda: _insert(TAR, IMAGE + 700, b"x"), {50}),
    "a byte too few in an image": (lambda: TAR[: IMAGE + 700] + TAR[IMAGE + 701 :], {50}),
    "a byte too many in the last text": (lambda: _insert(TAR, END - BLOCK + 3, b"x"), {99}),
    "three blocks gone": (lambda: TAR[: IMAGE + BLOCK] + TAR[IMAGE + 4 * BLOCK :], {50}),
    "a hole of zeros": (
        lambda: _put(TAR, IMAGE + 700, bytes(header_at(TAR, "000053.json") - IMAGE)),
        {50, 51, 52, 53},
    ),
    "cut at the boundary of a sample": (lambda: TAR[:IMAGE], set(range(50, 100))),
    "cut at the boundary of a member": (lambda: TAR[:TEXT], set(range(50, 100))),
    "cut inside a header": (lambda: TAR[: JSON + 100], set(range(50, 100))),
    "cut inside an image": (lambda: TAR[: IMAGE + 800], set(range(50, 100))),
    "cut before the end marker": (lambda: TAR[:END], set()),
    "cut inside the end marker": (lambda: TAR[: END + BLOCK], set()),
    "bytes after the end marker": (lambda: TAR + GARBAGE, set()),
}
"""What can happen to TAR, 100 samples, and whose samples are harmed by it."""
