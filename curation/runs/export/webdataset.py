"""WebDataset: tar shards in which the image, the text and a JSON of each pair stand side by side under one key."""

import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation import files
from curation.errors import UnreadableFile
from curation.pool.image_suffix import image_suffix
from curation.runs.export.format import PAIR_COLUMNS, Format, Task, Written
from curation.runs.export.shards import shards

SHARD_ROWS = 10_000
_IMAGE_SUFFIXES = ("jpg", "png", "webp", "gif")
_IN_JSON = ("uid", "url", "matched_entry_ids", "matched_entries", "t_min")
_READ_ROWS = 256


def _usable(pairs: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
    """Pairs with an image whose kind shows; the others would be keys that readers pass over or trip on."""
    kinds = [None if image is None else image_suffix(image) for image in pairs["image"].to_pylist()]
    usable = pairs.filter(pa.array([kind is not None for kind in kinds], pa.bool_()))
    nulls = pairs["image"].null_count
    unknown = len(pairs) - nulls - len(usable)
    return usable, Counter({"no image": nulls, "image is no JPEG, PNG, WebP or GIF": unknown})


def _write(folder: Path, pairs: Iterator[pa.RecordBatch], task: Task) -> Written:
    rows: dict[str, int] = {}
    key = 0
    for shard in shards(pairs, task.options.shard_rows or SHARD_ROWS, task.options.shard_bytes):
        name = f"{len(rows):05d}.tar"
        with files.whole(folder / name) as temporary:
            rows[name] = _write_shard(temporary, shard, key)
            _validate(temporary, rows[name], key)
        key += rows[name]
    return Written(rows, Counter())


def _write_shard(path: Path, batches: Iterator[pa.RecordBatch], first_key: int) -> int:
    key = first_key
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for batch in batches:
            for pair in batch.to_pylist():
                about = json.dumps({name: pair[name] for name in _IN_JSON}, ensure_ascii=False)
                _add(tar, f"{key:09d}.{image_suffix(pair['image'])}", pair["image"])
                _add(tar, f"{key:09d}.txt", pair["text"].encode())
                _add(tar, f"{key:09d}.json", about.encode())
                key += 1
    return key - first_key


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    # all other fields of the header at their zeros: the same pairs give the same bytes
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _validate(path: Path, rows: int, first_key: int) -> None:
    """Read a shard back before it counts: as many pairs as were written, whole, side by side, under their own keys."""
    found = 0
    for found, (key, _) in enumerate(_samples(path), start=1):
        if key != f"{first_key + found - 1:09d}":
            raise UnreadableFile(f"{path}: key {key!r} stands where {first_key + found - 1:09d} was written")
    if found != rows:
        raise UnreadableFile(f"{path}: {rows} pairs were written, {found} can be read")


def _samples(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """key, {"image", "txt", "json"} of each pair; UnreadableFile for any member that this module does not write."""
    try:
        with tarfile.open(path, "r:") as tar:
            members = iter(tar)
            for first in members:
                key, _, suffix = first.name.partition(".")
                triple = [first, next(members, None), next(members, None)]
                names = [f"{key}.{suffix}", f"{key}.txt", f"{key}.json"]
                if suffix not in _IMAGE_SUFFIXES or [member and member.name for member in triple] != names:
                    raise UnreadableFile(f"{path}: {first.name[:80]!r} does not begin a pair of image, txt and json")
                data = [_content(tar, member) for member in triple if member is not None]
                tar.members = []  # type: ignore[attr-defined]  # or it would remember every member
                yield key, dict(zip(("image", "txt", "json"), data, strict=True))
    except (tarfile.TarError, OSError) as error:
        raise UnreadableFile(f"{path}: damaged ({error})") from None


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isreg() else None
    data = file.read() if file is not None else None
    if data is None or len(data) != member.size:
        raise UnreadableFile(f"{Path(str(tar.name))}: {member.name[:80]!r} is cut short, or no regular file")
    return data


def _read(folder: Path, paths: Sequence[str], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([PAIR_COLUMNS.field(name) for name in columns])
    rows: list[dict[str, Any]] = []
    for path in paths:
        for key, sample in _samples(folder / path):
            rows.append(_pair(folder / path, key, sample))
            if len(rows) == _READ_ROWS:
                yield _typed(rows, schema, folder / path)
                rows = []
        if rows:
            yield _typed(rows, schema, folder / path)
            rows = []


def _typed(rows: list[dict[str, Any]], schema: pa.Schema, path: Path) -> pa.RecordBatch:
    try:
        return pa.RecordBatch.from_pylist(rows, schema)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise UnreadableFile(f"{path}: a pair is not of the types that an export has ({error})") from None


def _pair(path: Path, key: str, sample: dict[str, bytes]) -> dict[str, Any]:
    try:
        about = json.loads(sample["json"])
        pair = {name: about[name] for name in _IN_JSON}
        return {**pair, "text": sample["txt"].decode(), "image": sample["image"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableFile(f"{path}: {key}: not what a pair consists of ({type(error).__name__})") from None


WEBDATASET = Format(
    name="webdataset",
    columns=("uid", "text", "url", "matched_entry_ids", "matched_entries", "t_min", "image"),
    write=_write,
    read=_read,
    usable=_usable,
    needs_images=True,
)
