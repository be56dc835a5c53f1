"""Batches of pairs: what every reader of a pool yields, whatever the pool's format."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.pool.uids import pair_uids

BATCH_ROWS = 2**16
MAX_TEXT_BYTES = 1_000_000
"""A longer text is no caption: it is left out and counted."""

PAIR_SCHEMA = pa.schema(
    [
        ("uid", pa.string()),
        ("text", pa.string()),
        ("url", pa.string()),
        ("image", pa.string()),
        ("row", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("language", pa.string()),
    ]
)
"""What a reader yields.

row:           number of the row, record, member or image in its file, from 0; several texts of one image share it
image:         where the format finds the image in the file again; null where the pool has no image bytes
width, height: of the image in pixels, as the pool says; null where it does not
language:      as the pool says
"""


@dataclass(frozen=True)
class Scanned:
    """A batch of usable pairs, and what was left out to get it.

    dropped: rows that were left out, by reason: each row that was met is either in `pairs` or counted here
    damage:  one line on bytes that were lost and could hold any number of rows, such as the end of a file cut short
    notes:   facts that are counted but drop nothing, such as how many urls were relative
    """

    pairs: pa.RecordBatch
    dropped: Counter[str]
    damage: str | None = None
    notes: Counter[str] = field(default_factory=Counter)


def usable_pairs(
    columns: dict[str, pa.Array], first_row: int, image_bytes: pa.Array | None = None, damage: str | None = None
) -> Scanned:
    """The pairs of a batch of rows whose text can be used; the others are counted.

    columns:     by the names of PAIR_SCHEMA, of any text or number type, at least `text`; of equal length. `text` may
                 hold lists: each of their texts becomes a pair
    first_row:   number of the first row in its file, where `columns` has no `row`
    image_bytes: (N,) binary, for the uids of pairs that have neither uid nor url
    """
    texts, of_row, dropped = explode_texts(columns["text"])
    if "row" not in columns:
        columns = columns | {"row": pa.array(np.arange(first_row, first_row + len(columns["text"])))}
    if of_row is not None:
        columns = {name: column.take(of_row) for name, column in columns.items() if name != "text"}
        image_bytes = None if image_bytes is None else image_bytes.take(of_row)
    text, valid, unusable = usable_texts(texts)
    dropped += unusable
    rows = len(text)
    made = {
        "uid": as_text(columns["uid"])[0] if "uid" in columns else pa.nulls(rows, pa.string()),
        "text": text,
        "url": as_text(columns["url"])[0] if "url" in columns else pa.nulls(rows, pa.string()),
        "image": columns.get("image", pa.nulls(rows, pa.string())),
        "row": columns["row"],
        "width": _as_pixels(columns.get("width"), rows),
        "height": _as_pixels(columns.get("height"), rows),
        "language": as_text(columns["language"])[0] if "language" in columns else pa.nulls(rows, pa.string()),
    }
    image_bytes = pa.nulls(rows, pa.binary()) if image_bytes is None else image_bytes
    if not valid.all():
        keep = pa.array(valid)
        made = {name: column.filter(keep) for name, column in made.items()}
        image_bytes = image_bytes.filter(keep)
    if made["uid"].null_count:
        made["uid"] = pc.coalesce(made["uid"], pair_uids(made["text"], made["url"], image_bytes))
    return Scanned(pa.RecordBatch.from_arrays(list(made.values()), schema=PAIR_SCHEMA), dropped, damage)


def explode_texts(column: pa.Array) -> tuple[pa.Array, pa.Array | None, Counter[str]]:
    """The texts of a column, one by one, where a row may hold a list of them.

    returns the texts; (texts,) int64, the position of the row that each comes from, or None if each row holds one text;
            and how many rows hold no list, or an empty one

    >>> texts, of_row, dropped = explode_texts(pa.array([["a dog", "ein Hund"], None, ["a cat"], []]))
    >>> texts.to_pylist(), of_row.to_pylist(), dict(dropped)
    (['a dog', 'ein Hund', 'a cat'], [0, 0, 2], {'text is null': 1, 'list of texts is empty': 1})
    """
    dropped: Counter[str] = Counter()
    if not is_list(column.type):
        return column, None, dropped
    if nulls := column.null_count:
        dropped["text is null"] = nulls
    if empty := int(pc.sum(pc.equal(pc.list_value_length(column), 0)).as_py() or 0):
        dropped["list of texts is empty"] = empty
    return pc.list_flatten(column), pc.list_parent_indices(column), dropped


def usable_texts(column: pa.Array) -> tuple[pa.StringArray, np.ndarray, Counter[str]]:
    """All texts of a column, which of them can be used, and how many cannot for which reason."""
    texts, _, dropped = explode_texts(column)
    text, valid = as_text(texts)
    if nulls := texts.null_count:
        dropped["text is null"] += nulls
    if bad := len(text) - int(valid.sum()) - nulls:
        dropped["text is not UTF-8"] = bad
    long = pc.fill_null(pc.greater(pc.binary_length(text), MAX_TEXT_BYTES), False).to_numpy(zero_copy_only=False)
    if long.any():
        dropped["text is longer than 1 MB"] = int(long.sum())
    return text, valid & ~long, dropped


def as_text(column: pa.Array) -> tuple[pa.StringArray, np.ndarray]:
    """The column as valid strings, and which rows held text; the others are null."""
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if not is_text(column.type):
        column = pc.cast(column, pa.string())  # uids may be numbers
    if column.type != pa.string():
        column = pc.cast(column, pa.binary())
    try:
        column = pc.cast(pc.cast(column, pa.binary()), pa.string())  # this way round the bytes are checked
    except pa.ArrowInvalid:
        column = pa.array([_decoded(value) for value in pc.cast(column, pa.binary()).to_pylist()], pa.string())
    return column, column.is_valid().to_numpy(zero_copy_only=False)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type can be read as text."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return any(
        is_it(kind)
        for is_it in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
        )
    )


def is_list(kind: pa.DataType) -> bool:
    """Whether a column of this type holds several values a row."""
    return any(
        is_it(kind)
        for is_it in (
            pa.types.is_list,
            pa.types.is_large_list,
            pa.types.is_fixed_size_list,
            pa.types.is_list_view,
            pa.types.is_large_list_view,
        )
    )


def is_texts(kind: pa.DataType) -> bool:
    """Whether a column of this type holds one text a row, or a list of them."""
    return is_text(kind) or (is_list(kind) and is_text(kind.value_type))


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _as_pixels(column: pa.Array | None, rows: int) -> pa.Array:
    """Sizes of images; what is no number of pixels becomes null."""
    if column is None:
        return pa.nulls(rows, pa.int32())
    try:
        return pc.cast(column, pa.int32())
    except pa.ArrowInvalid:
        return pa.array([pixels(value) for value in column.to_pylist()], pa.int32())


def pixels(value: object) -> int | None:
    """A number of pixels, whichever way it is written; None for anything else."""
    try:
        pixels = int(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return pixels if 0 <= pixels < 2**31 else None
