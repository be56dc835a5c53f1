"""Rows that a reader finds one by one, gathered into batches."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from curation.pool.columns import Columns
from curation.pool.pairs import BATCH_ROWS, Scanned, pixels, usable_pairs

BATCH_BYTES = 64_000_000
BATCH_DAMAGE = 20
"""A batch closes at BATCH_ROWS rows, kept or dropped, at so many bytes of text, or after so many places of damage."""


class Row(NamedTuple):
    """One text of one image, as it was found; see PAIR_SCHEMA. A text in bytes need not be UTF-8."""

    row: int
    text: str | bytes | None
    url: str | None = None
    uid: str | None = None
    width: Any = None
    height: Any = None
    language: str | None = None
    image: str | None = None


class Rows:
    """Rows until there are enough for a batch, and what was dropped, noted and damaged on the way.

    Bytes that were no UTF-8 may stand in the texts as lone surrogates: `take` finds and counts them.
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Row] = []
        self._bytes = 0
        self.dropped: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.damage: list[str] = []

    def add(self, row: Row) -> None:
        """Gather one more."""
        self._rows.append(row)
        self._bytes += len(row.text or "") + len(row.url or "")

    @property
    def full(self) -> bool:
        """Whether it is time to `take` a batch."""
        met = len(self._rows) + self.dropped.total()
        return met >= BATCH_ROWS or self._bytes >= BATCH_BYTES or len(self.damage) >= BATCH_DAMAGE

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self._rows or self.dropped or self.notes or self.damage)

    def take(self, damage: str | None = None) -> Scanned:
        """The batch so far, with one more line of damage if there is one; the next batch begins empty."""
        row, text, url, uid, width, height, language, image = zip(*self._rows, strict=True) if self._rows else ((),) * 8
        columns = {
            "row": pa.array(row, pa.int64()),
            "text": _as_column(text),
            "url": _as_column(url),
            "uid": _as_column(uid),
            "width": pa.array([None if value is None else pixels(value) for value in width], pa.int32()),
            "height": pa.array([None if value is None else pixels(value) for value in height], pa.int32()),
            "language": _as_column(language),
            "image": pa.array(image, pa.string()),
        }
        usable = usable_pairs(columns, 0)
        told = "; ".join([*self.damage, damage] if damage else self.damage)
        scanned = Scanned(usable.pairs, self.dropped + usable.dropped, told or None, self.notes)
        self._clear()
        return scanned


def _as_column(values: tuple[str | bytes | None, ...]) -> pa.Array:
    """A column of texts; with one among them that is no UTF-8, of their bytes."""
    try:
        return pa.array(values, pa.string())
    except (UnicodeEncodeError, pa.ArrowInvalid):
        encoded = [value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for value in values]
        return pa.array(encoded, pa.binary())


def pair_fields(record: Mapping[str, Any], columns: Columns) -> dict[str, str | None]:
    """What a record with values of any kind says of uid, url, width, height and language; None where it says nothing.

    >>> pair_fields({"uid": 7, "url": "", "width": [1]}, Columns())
    {'uid': '7', 'url': None, 'width': None, 'height': None, 'language': None}
    """
    names = {"uid": columns.uid, "url": columns.url, "language": columns.language}
    names |= {"width": columns.width, "height": columns.height}
    return {ours: word(record.get(names[ours])) for ours in ("uid", "url", "width", "height", "language")}


def word(value: object) -> str | None:
    """A text or number as text; None for anything else, for the empty text, and for what is no Unicode."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return None
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return text


def printable(name: str) -> str:
    """A name with question marks for what is no Unicode, which no page and no terminal takes."""
    return name.encode(errors="replace").decode()
