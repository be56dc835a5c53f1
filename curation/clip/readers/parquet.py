"""Evaluation sets in Parquet files."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation import files
from curation.clip.features import item_digest
from curation.clip.readers.picture import LABELS, Picture, Source, as_captions, as_label, as_text, split_of
from curation.errors import BadArgument, MissingColumn
from curation.pool import parquet
from curation.pool.columns import Columns
from curation.pool.inputs import guess_columns
from curation.pool.pairs import is_list, is_texts

_ROWS = 64


def open_parquet(path: Path, split: str) -> Source:
    """Columns image, label, split and text; the last three where they are there, a text or a list of them."""
    with files.open_parquet(path) as file:
        schema = file.schema_arrow
    columns = guess_columns(schema.names, Columns())
    if columns.image not in schema.names:
        raise MissingColumn(f"{path}: no column 'image' (found: {', '.join(schema.names[:20])})")
    label = next((name for name in LABELS if name in schema.names), None)
    text = columns.text if columns.text in schema.names and is_texts(_plain(schema.field(columns.text).type)) else None
    if label:
        _check_labels(path, label, _plain(schema.field(label).type))

    def pictures(dropped: Counter[str]) -> Iterator[Picture]:
        wanted = [columns.image, *(name for name in (label, text, "split") if name and name in schema.names)]
        row = 0
        for batch in files.read_batches(path, wanted, _ROWS):
            found = {name: _values(batch[name]) for name in wanted}
            for at, value in enumerate(found[columns.image]):
                image = parquet.cell_bytes(value)
                if image is None:
                    dropped["no image"] += 1
                    continue
                its_split = as_text(found["split"][at], dropped, "split") if "split" in found else ""
                yield Picture(
                    str(row + at),
                    item_digest(image),
                    as_label(found[label][at], dropped) if label else None,
                    split_of(its_split or "") or split,
                    as_captions(found[text][at], dropped) if text else (),
                )
            row += len(batch)

    return Source(pictures, _Forward(path, columns.image), _names_of_hugging_face(schema, label))


class _Forward:
    """The images of rows of a Parquet file; it is read on from where the last call ended, as long as rows ascend."""

    def __init__(self, path: Path, column: str) -> None:
        self._path, self._column = path, column
        self._stream: Iterator[tuple[int, Any]] = iter(())
        self._next: int | None = None

    def __call__(self, places: Sequence[str]) -> list[bytes | None]:
        return [self._image(int(place)) for place in places]

    def _image(self, row: int) -> bytes | None:
        if self._next is None or row < self._next:
            with files.open_parquet(self._path) as file:
                rows = file.metadata.num_rows
            self._stream = parquet.stream_cells(self._path, self._column, range(row, rows))
        self._next = row + 1
        return next((parquet.cell_bytes(value) for at, value in self._stream if at == row), None)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _check_labels(path: Path, name: str, kind: pa.DataType) -> None:
    if not pa.types.is_integer(kind) and not (is_texts(kind) and not is_list(kind)):
        raise BadArgument(f"{path}: column {name!r} is {kind}; labels are names or whole numbers from 0")


def _values(column: pa.Array) -> list[Any]:
    """The values of a column; texts as bytes, for they need not be UTF-8."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_texts(column.type):
        column = column.cast(pa.list_(pa.binary()) if is_list(column.type) else pa.binary())
    values: list[Any] = column.to_pylist()
    return values


def _names_of_hugging_face(schema: pa.Schema, label: str | None) -> tuple[str, ...]:
    """The names of the classes, where the label is a ClassLabel of Hugging Face's `datasets`."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[label]["names"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()
