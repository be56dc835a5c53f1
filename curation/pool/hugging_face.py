"""Folders that Hugging Face's `datasets` wrote with `save_to_disk`, and its image folders.

    dataset_info.json state.json data-00000-of-00002.arrow ...    or such a folder for each split, and dataset_dict.json
    metadata.csv (or .jsonl, .parquet) and the images that it names: see `image_folder`

See https://huggingface.co/docs/datasets. The .arrow files are Arrow IPC streams, and are mapped into memory; files in
Arrow's random-access form are read as well. A row is a row of the file. Images are read only where their bytes are in
the file: a path in an .arrow file may lead anywhere.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.errors import CurationError, MissingFile, UnreadableFile
from curation.pool import image_folder
from curation.pool.arrow import ArrowFile
from curation.pool.batches import bounded
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.pairs import BATCH_ROWS, Scanned, as_text, usable_pairs
from curation.pool.rows import BATCH_BYTES
from curation.pool.tables import check_text_column, pair_columns
from curation.pool.uids import image_digest, pair_uid


def folder(path: Path) -> list[Path] | None:
    """The data files of a saved dataset, of all its splits, or the metadata files of an image folder; or None.

    raises MissingFile for a file that the dataset names and that is not there, UnreadableFile for a dataset of which
    only some rows were chosen
    """
    if (path / "dataset_dict.json").is_file():
        splits = _names(path / "dataset_dict.json", "splits")
        return [file for split in splits for file in _data_files(path / split)]
    if (path / "state.json").is_file() and (path / "dataset_info.json").is_file():
        return _data_files(path)
    return image_folder.metadata_files(path) or None


def fields(path: Path) -> list[str]:
    """The columns of a data file or metadata file; raises UnreadableFile."""
    if path.name in image_folder.METADATA_FILES:
        return image_folder.fields(path)
    with ArrowFile(path) as file:
        return file.names


def read(path: Path, columns: Columns) -> Iterator[Scanned]:
    """The pairs of a data file or metadata file; raises UnreadableFile, MissingColumn."""
    if path.name in image_folder.METADATA_FILES:
        yield from image_folder.read(path, columns)
        return
    with ArrowFile(path) as file:
        check_text_column(path, file.schema, columns.text)
        parts: list[dict[str, pa.Array]] = []
        dropped: Counter[str] = Counter()
        for row, batch in file.batches(BATCH_ROWS):
            try:
                batch.validate()
                found = list(bounded(batch))
            except pa.ArrowException:
                dropped["record batch is damaged"] += len(batch)
                continue
            for part in found:
                try:
                    parts.append(_columns(part, row, columns))
                except pa.ArrowException:
                    dropped["record batch is damaged"] += len(part)
                row += len(part)
                if _is_full(parts):
                    yield _scanned(parts, dropped, None)
                    parts, dropped = [], Counter()
        if parts or dropped or file.damage:
            yield _scanned(parts, dropped, file.damage)


def images(path: Path, columns: Columns, references: Sequence[str]) -> list[bytes | None]:
    """The bytes behind references: the row in an .arrow file, the name of a file in an image folder."""
    if path.name in image_folder.METADATA_FILES:
        return image_folder.images(path, columns, references)
    found: dict[str, bytes | None] = {}
    wanted = sorted({int(reference) for reference in references if reference.isascii() and reference.isdigit()})
    try:
        with ArrowFile(path) as file:
            for first, batch in file.batches(BATCH_ROWS):
                while wanted and wanted[0] < first + len(batch):
                    row = wanted.pop(0)
                    found[str(row)] = _image(batch, row - first, columns)
                if not wanted:
                    break
    except CurationError:
        pass
    return [found.get(reference) for reference in references]


def _data_files(path: Path) -> list[Path]:
    state = path / "state.json"
    if _names(state, "_indices_data_files", "filename"):
        raise UnreadableFile(
            f"{path}: only some rows of its files were chosen; save it whole, with "
            "datasets.load_from_disk(...).flatten_indices().save_to_disk(...)"
        )
    found = [path / name for name in _names(state, "_data_files", "filename")]
    for file in found:
        if not file.is_file():
            raise MissingFile(f"{file}: no such file, though {state.name} names it; copy the whole folder")
    return found


def _names(path: Path, key: str, inside: str | None = None) -> list[str]:
    """Names of files or folders that a JSON file lists, none of which may lead elsewhere."""
    if not path.is_file():
        raise MissingFile(f"{path}: no such file, though the dataset should have it; copy the whole folder")
    try:
        listed = files.read_json(path).get(key) or []
        names = [item[inside] if inside else item for item in listed]
        if all(isinstance(name, str) and name not in ("", "..") and Path(name).name == name for name in names):
            return names
    except (AttributeError, KeyError, TypeError):
        pass
    raise UnreadableFile(f"{path}: {key!r} should list names of files or folders beside it")


def _is_full(parts: Sequence[dict[str, pa.Array]]) -> bool:
    rows = sum(len(part["text"]) for part in parts)
    return rows >= BATCH_ROWS or sum(part["text"].nbytes for part in parts) >= BATCH_BYTES


def _columns(batch: pa.RecordBatch, first_row: int, columns: Columns) -> dict[str, pa.Array]:
    """The columns of a record batch that `usable_pairs` takes; raises ArrowInvalid if they cannot be read."""
    made = {name: _checked(column) for name, column in pair_columns(batch, columns).items()}
    rows = np.arange(first_row, first_row + len(batch))
    image = _image_bytes(batch, columns)
    made["row"] = pa.array(rows)
    if image is not None:
        made["image"] = pc.if_else(image.is_valid(), pa.array(rows.astype(str), pa.string()), None)
        made["uid"] = _uids(made, image)
    return made


def _checked(column: pa.Array) -> pa.Array:
    """The column, when its offsets hold; text as bytes, since what is no UTF-8 is counted for each row."""
    if pa.types.is_string(column.type):
        column = column.view(pa.binary())
    elif pa.types.is_large_string(column.type):
        column = column.view(pa.large_binary())
    column.validate(full=True)
    return column


def _image_bytes(batch: pa.RecordBatch, columns: Columns) -> pa.Array | None:
    """The column with the bytes of the images: as such, or in the field `bytes` of a struct."""
    if len(batch.schema.get_all_field_indices(columns.image)) != 1:
        return None
    column = batch.column(columns.image)
    column.validate(full=True)
    if pa.types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
        column = pc.struct_field(column, "bytes")
    return column if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type) else None


def _uids(made: dict[str, pa.Array], image: pa.Array) -> pa.Array:
    """The uids, with those made that come from images: so the bytes of one image at a time are needed."""
    nulls = pa.nulls(len(image), pa.string())
    uids = as_text(made["uid"])[0].to_pylist() if "uid" in made else [None] * len(image)
    without_url = made.get("url", nulls).is_null().to_pylist()
    texts = as_text(made["text"])[0].to_pylist()
    for at in range(len(image)):
        if uids[at] is None and without_url[at] and texts[at] is not None and image[at].is_valid:
            uids[at] = pair_uid(texts[at], None, image_digest([image[at].as_buffer()]))
    return pa.array(uids, pa.string())


def _scanned(parts: Sequence[dict[str, pa.Array]], dropped: Counter[str], damage: str | None) -> Scanned:
    columns = {name: pa.concat_arrays([part[name] for part in parts]) for name in (parts[0] if parts else ())}
    scanned = usable_pairs(columns or {"text": pa.array([], pa.string())}, 0)
    return Scanned(scanned.pairs, scanned.dropped + dropped, damage)


def _image(batch: pa.RecordBatch, row: int, columns: Columns) -> bytes | None:
    try:
        column = _image_bytes(batch.slice(row, 1), columns)
    except pa.ArrowInvalid:
        return None
    return None if column is None else column[0].as_py()


FORMAT = Format(name="hugging-face", suffixes=(".arrow",), fields=fields, read=read, images=images, folder=folder)
