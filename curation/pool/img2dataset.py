"""Folders that img2dataset wrote: shards of downloaded images, with a table of all that was asked for.

    00000.parquet 00000_stats.json, and the images in 00000.tar, or in 00000/000000000.jpg ..., or in the table itself

See https://github.com/rom1504/img2dataset. The table tells what is in a shard: a row for each url, with its caption,
key and status. Only rows whose status is "success" are pairs; the others are counted by their status. A shard whose
table is gone is read as the tar file that it is.

The text is the column called as the text column, or else `caption`, which is what img2dataset calls it. The key is no
uid, for every download numbers its images from 0. Sizes are those before resizing, where they are known: afterwards all
may be squares.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import files
from curation.errors import CurationError, UnreadableFile
from curation.pool import webdataset
from curation.pool.batches import measured_batches
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.image_files import IMAGE_SUFFIXES, read_image
from curation.pool.pairs import Scanned, as_text, usable_pairs
from curation.pool.parquet import damaged, stream_cells
from curation.pool.tables import check_text_column, pair_columns
from curation.pool.tar import Damage

SUCCESS = "success"
IMAGE_COLUMNS = ("jpg", "png", "webp")

_STATS = "_stats.json"
_SHARD = re.compile(r"[0-9]+\.(parquet|tar)")
_ROW = re.compile(r"[0-9]{1,18}")


def folder(path: Path) -> list[Path] | None:
    """The table of each shard, or its tar file where there is no table; None without a shard that has statistics."""
    names = {entry.name for entry in path.iterdir()}
    shards = sorted({name.rpartition(".")[0] for name in names if _SHARD.fullmatch(name)})
    if not any(shard + _STATS in names for shard in shards):
        return None
    return [path / (f"{shard}.parquet" if f"{shard}.parquet" in names else f"{shard}.tar") for shard in shards]


def fields(path: Path) -> list[str]:
    """The columns of a shard's table; raises UnreadableFile."""
    if path.suffix == ".tar":
        return webdataset.fields(path)
    with files.open_parquet(path) as table:
        return list(table.schema_arrow.names)


def read(path: Path, columns: Columns) -> Iterator[Scanned]:
    """The pairs of a shard; a row is a row of its table.

    raises UnreadableFile where the table is damaged, MissingColumn where it has no text, as without captions
    """
    if path.suffix == ".tar":
        yield from webdataset.read(path, columns)
        return
    names = fields(path)
    columns = _as_named_here(columns, names)
    wanted = {columns.uid, columns.text, columns.url, columns.width, columns.height, columns.language, "key", "status"}
    with files.open_parquet(path) as table:
        check_text_column(path, table.schema_arrow, columns.text)
        found = _images_of(path, names)
        damage = "; ".join(found.damage) or None
        row = 0
        try:
            for batch in measured_batches(
                table, range(table.num_row_groups), [name for name in names if name in wanted]
            ):
                yield _pairs(batch, row, columns, found, damage)
                row += len(batch)
                damage = None
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, row, error) from None


def images(path: Path, columns: Columns, references: Sequence[str]) -> list[bytes | None]:
    """The bytes behind references: "<offset>+<size>" in the tar file, a file name, or a row of the table."""
    in_tar = [reference for reference in references if "+" in reference]
    in_table = [reference for reference in references if _ROW.fullmatch(reference)]
    found = dict(zip(in_tar, webdataset.images(path.with_suffix(".tar"), columns, in_tar), strict=True))
    found |= _table_images(path, in_table) if in_table else {}
    for reference in set(references) - found.keys():
        found[reference] = read_image(path.with_suffix(""), reference)
    return [found[reference] for reference in references]


@dataclass
class _Images:
    """Where the images of a shard are.

    kind:   "tar", "folder", "table", or "" without images
    by_key: references by key, for a tar file and a folder
    damage: of the tar file
    """

    kind: str
    by_key: dict[str, str] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)


def _as_named_here(columns: Columns, names: Sequence[str]) -> Columns:
    if columns.text == Columns.text and Columns.text not in names:
        columns = replace(columns, text="caption")
    if "original_width" in names and (columns.width, columns.height) == (Columns.width, Columns.height):
        columns = replace(columns, width="original_width", height="original_height")
    return columns


def _images_of(path: Path, names: Sequence[str]) -> _Images:
    if path.with_suffix(".tar").is_file():
        return _images_in_tar(path.with_suffix(".tar"))
    if path.with_suffix("").is_dir():
        return _images_in_folder(path.with_suffix(""))
    return _Images("table" if set(names) & set(IMAGE_COLUMNS) else "")


def _images_in_tar(path: Path) -> _Images:
    found = _Images("tar")
    try:
        with webdataset.open_tar(path) as file:
            for item in webdataset.read_samples(file):
                if isinstance(item, Damage):
                    found.damage.append(f"{path.name}: {item.line}")
                elif item.image and not item.cut and not webdataset.why_refused(item.image, "image"):
                    found.by_key[item.key.rpartition("/")[2]] = webdataset.image_reference(item.image)
    except CurationError as error:
        found.damage.append(str(error))
    return found


def _images_in_folder(path: Path) -> _Images:
    with os.scandir(path) as entries:
        names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    return _Images("folder", {name.partition(".")[0]: name for name in names if _is_image(name)})


def _is_image(name: str) -> bool:
    return name.rpartition(".")[2].lower() in IMAGE_SUFFIXES


def _pairs(batch: pa.RecordBatch, first_row: int, columns: Columns, found: _Images, damage: str | None) -> Scanned:
    rows = np.arange(first_row, first_row + len(batch))
    images = _references(batch, rows, found)
    reasons = _why_dropped(batch, images, found.kind)
    keep = pa.array([reason is None for reason in reasons], pa.bool_())
    made = pair_columns(batch, columns)
    made |= {"image": pa.array(images, pa.string()), "row": pa.array(rows)}
    scanned = usable_pairs({name: column.filter(keep) for name, column in made.items()}, first_row)
    dropped = Counter(reason for reason in reasons if reason is not None)
    return Scanned(scanned.pairs, dropped + scanned.dropped, damage)


def _references(batch: pa.RecordBatch, rows: np.ndarray, found: _Images) -> list[str | None]:
    if found.kind == "table":
        return [str(row) for row in rows]
    if found.kind and "key" in batch.schema.names:
        return [found.by_key.get(key) for key in as_text(batch["key"])[0].to_pylist()]
    return [None] * len(batch)


def _why_dropped(batch: pa.RecordBatch, images: Sequence[str | None], kind: str) -> list[str | None]:
    """For each row why it is no pair; None where it is one."""
    statuses = as_text(batch["status"])[0].to_pylist() if "status" in batch.schema.names else [SUCCESS] * len(batch)
    lost = f"image is not in the {kind}" if kind else None
    return [
        (status or "status is null") if status != SUCCESS else (lost if image is None else None)
        for status, image in zip(statuses, images, strict=True)
    ]


def _table_images(path: Path, references: Sequence[str]) -> dict[str, bytes | None]:
    try:
        column = next((name for name in IMAGE_COLUMNS if name in fields(path)), "")
        found = dict(stream_cells(path, column, sorted({int(reference) for reference in references})))
    except UnreadableFile:
        found = {}
    return {reference: found.get(int(reference)) for reference in references}


FORMAT = Format(name="img2dataset", suffixes=(), fields=fields, read=read, images=images, folder=folder)
