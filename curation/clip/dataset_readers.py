"""Evaluation sets on disk: picture by picture out of image folders, Parquet files and WebDataset tars."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from curation import files
from curation.clip.features import item_digest
from curation.errors import BadArgument, MissingColumn, MissingFile, UnreadableFile
from curation.pool import parquet, webdataset
from curation.pool.columns import Columns
from curation.pool.image_files import IMAGE_SUFFIXES, read_image, why_unusable
from curation.pool.inputs import guess_columns
from curation.pool.pairs import is_list, is_texts
from curation.pool.tar import Member
from curation.pool.webdataset import Unusable

Label = str | int
SPLITS = {"train": ("train", "training"), "val": ("val", "valid", "validation", "dev"), "test": ("test", "testing")}
"""What folders of splits are called; a column or a file name need only begin so, as train2017 does."""

LABELS = ("label", "cls", "class")
"""Columns, members and values of json that hold the class, the first of them that is there."""

_ROWS = 64


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of an evaluation set.

    place:    where `Source.images` finds it
    digest:   `item_digest` of its bytes
    split:    a key of `SPLITS`, or ""
    """

    place: str
    digest: bytes
    label: Label | None = None
    split: str = ""
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A file, or a folder of images: its pictures, and their bytes again by the places of these.

    pictures: counts what it leaves out
    images:   (places) -> bytes, None for what is not there any more
    names:    of the classes that are numbers, where it knows them
    """

    pictures: Callable[[Counter[str]], Iterator[Picture]]
    images: Callable[[Sequence[str]], list[bytes | None]]
    names: tuple[str, ...] = ()


def sources(data: Path) -> list[Source]:
    """What an evaluation set consists of: a Parquet file, a tar file, a folder with such, or a folder of images.

    raises MissingFile, UnreadableFile, MissingColumn, BadArgument
    """
    if data.is_file():
        if data.suffix not in _FILES:
            raise UnreadableFile(f"{data}: evaluation sets are .parquet, .tar or folders of images")
        return [_FILES[data.suffix](data, "")]
    if not data.is_dir():
        raise MissingFile(f"{data}: no such file or folder")
    found = [path for path in sorted(data.rglob("*")) if path.suffix in _FILES and path.is_file()]
    found = [path for path in found if not path.relative_to(data).as_posix().startswith((".", "_"))]
    if not found:
        return [_folder(data)]
    return [_FILES[path.suffix](path, _split_of_path(path.relative_to(data))) for path in found]


def split_of(name: str) -> str:
    """The split that a name stands for; "" for none.

    >>> [split_of(name) for name in ("train2017", "Validation", "test", "pictures")]
    ['train', 'val', 'test', '']
    """
    found = (split for split, begins in SPLITS.items() if name.lower().startswith(begins))
    return next(found, "")


def _split_of_path(path: Path) -> str:
    return next((split for part in (*path.parts[:-1], path.stem) if (split := split_of(part))), "")


def _folder(data: Path) -> Source:
    """A folder for each class; or first one for each split, and in these one for each class."""
    top = sorted(path for path in data.iterdir() if path.is_dir() and not path.name.startswith("."))
    names = {name: split for split, called in SPLITS.items() for name in called}
    if top and all(path.name.lower() in names for path in top):
        folders = [(names[path.name.lower()], path) for path in top]
    else:
        folders = [("", data)]
    classes = [(split, path) for split, folder in folders for path in sorted(folder.iterdir()) if path.is_dir()]
    classes = [(split, path) for split, path in classes if not path.name.startswith(".")]
    if not classes:
        raise BadArgument(f"{data}: no folder with a sub-folder for each class, no .parquet and no .tar")

    def pictures(dropped: Counter[str]) -> Iterator[Picture]:
        for split, folder in classes:
            for path in _files_below(folder):
                name = path.relative_to(data).as_posix()
                image = _image_file(data, name, dropped)
                if image is not None:
                    yield Picture(name, item_digest(image), folder.name, split)

    return Source(pictures, lambda places: [read_image(data, place) for place in places])


def _files_below(folder: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(path, name) for name in sorted(names) if not name.startswith("."))


def _image_file(folder: Path, name: str, dropped: Counter[str]) -> bytes | None:
    if name.rpartition(".")[2].lower() not in IMAGE_SUFFIXES:
        dropped[f"file is none of {', '.join(IMAGE_SUFFIXES)}"] += 1
        return None
    image = read_image(folder, name)
    if image is None:
        dropped[why_unusable(folder, name) or "image cannot be read"] += 1
    return image


def _parquet(path: Path, split: str) -> Source:
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
                its_split = _text(found["split"][at], dropped, "split") if "split" in found else ""
                yield Picture(
                    str(row + at),
                    item_digest(image),
                    _label(found[label][at], dropped) if label else None,
                    split_of(its_split or "") or split,
                    _captions(found[text][at], dropped) if text else (),
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


def _text(value: object, dropped: Counter[str], what: str) -> str | None:
    """A text that may have come as bytes; None for nothing, for blanks, and for what is no UTF-8, which is counted."""
    try:
        text = value.decode() if isinstance(value, bytes) else value
        if isinstance(text, str):
            text.encode()
    except UnicodeError:
        dropped[f"{what} is not UTF-8"] += 1
        return None
    return (text.strip() or None) if isinstance(text, str) else None


def _label(value: object, dropped: Counter[str]) -> Label | None:
    """A number below 0 stands for no label, as in test sets that hide theirs."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    return _text(value, dropped, "label")


def _captions(value: object, dropped: Counter[str]) -> tuple[str, ...]:
    """Of one text or a list of them."""
    found = (_text(one, dropped, "caption") for one in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(text for text in found if text))


def _names_of_hugging_face(schema: pa.Schema, label: str | None) -> tuple[str, ...]:
    """The names of the classes, where the label is a ClassLabel of Hugging Face's `datasets`."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[label]["names"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()


def _webdataset(path: Path, split: str) -> Source:
    """Samples with an image; `cls` with the class, `txt` with a caption a line; or values of `json` by these names."""

    def pictures(dropped: Counter[str]) -> Iterator[Picture]:
        with webdataset.open_tar(path) as file:
            for item in webdataset.read_samples(file):
                if not isinstance(item, webdataset.Sample):
                    dropped["damage in a tar file"] += 1
                    continue
                try:
                    yield _of_sample(file, item, split, dropped)
                except Unusable as reason:
                    dropped[str(reason)] += 1

    return Source(pictures, lambda places: webdataset.images(path, Columns(), places))


def _of_sample(file: BinaryIO, sample: webdataset.Sample, split: str, dropped: Counter[str]) -> Picture:
    if sample.cut or sample.incomplete:
        raise Unusable("cut by damage")
    if sample.image is None:
        raise Unusable("no image")
    record = webdataset.record_of(file, sample)
    values = {name: _member(file, sample, name) for name in (*LABELS, *webdataset.TEXT_FIELDS)}
    label = next((value for name in LABELS if (value := values[name] or record.get(name)) is not None), None)
    lines = next((values[name].split(b"\n") for name in webdataset.TEXT_FIELDS if values[name]), None)
    told = next((record[name] for name in ("captions", "caption", "text") if record.get(name)), None)
    image = webdataset.read_member(file, _readable(sample.image, "image"))
    return Picture(
        webdataset.image_reference(sample.image),
        item_digest(image),
        _label(_as_number(label), dropped),
        split_of(_text(record.get("split"), dropped, "split") or "") or split,
        _captions(lines or told, dropped),
    )


def _member(file: BinaryIO, sample: webdataset.Sample, name: str) -> bytes:
    """The bytes of a text; empty if the sample has none."""
    member = sample.fields.get(name)
    return webdataset.read_member(file, _readable(member, "text")) if member else b""


def _readable(member: Member, kind: str) -> Member:
    if reason := webdataset.why_refused(member, kind):
        raise Unusable(reason)
    return member


def _as_number(label: object) -> object:
    """`cls` holds digits where classes are numbers."""
    return int(label) if isinstance(label, bytes) and label.strip().isdigit() else label


_FILES = {".parquet": _parquet, ".tar": _webdataset}
