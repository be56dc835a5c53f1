"""Batches out of rows that come one by one, for the formats that are no tables."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from curation.pool.columns import Columns
from curation.pool.pairs import BATCH_ROWS, Scanned, usable_pairs

BATCH_BYTES = 2**26
BATCH_DAMAGE = 20


class Gathered:
    """The rows since the last batch, and what was left out among them.

    It is `full` at BATCH_ROWS rows, at BATCH_BYTES bytes of text, or after BATCH_DAMAGE places of damage.
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._rows: list[int] = []
        self._texts: list[bytes] = []
        self._images: list[str | None] = []
        self._fields: dict[str, list[str | None]] = {name: [] for name in ("uid", "url", "width", "height", "language")}
        self._bytes = 0
        self._dropped: Counter[str] = Counter()
        self._damage: list[str] = []

    def add(self, row: int, text: bytes, image: str | None, fields: Mapping[str, str | None]) -> None:
        """One more row; `fields` may hold uid, url, width, height and language."""
        self._rows.append(row)
        self._texts.append(text)
        self._images.append(image)
        for name, values in self._fields.items():
            values.append(fields.get(name))
        self._bytes += len(text)

    def drop(self, reason: str, rows: int = 1) -> None:
        """Rows were left out."""
        self._dropped[reason] += rows

    def damage(self, line: str) -> None:
        """Bytes were lost."""
        self._damage.append(line)

    @property
    def full(self) -> bool:
        """Whether it is time for a batch."""
        dropped = self._dropped.total()
        return (
            len(self._rows) + dropped >= BATCH_ROWS or self._bytes >= BATCH_BYTES or len(self._damage) >= BATCH_DAMAGE
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self._rows or self._dropped or self._damage)

    def take(self) -> Scanned:
        """The batch; what comes next goes into another."""
        columns = {
            "text": pa.array(self._texts, pa.binary()),
            "image": pa.array(self._images, pa.string()),
            "row": pa.array(self._rows, pa.int64()),
            **{name: pa.array(values, pa.string()) for name, values in self._fields.items()},
        }
        scanned = usable_pairs(columns, 0)
        batch = Scanned(scanned.pairs, scanned.dropped + self._dropped, "; ".join(self._damage) or None)
        self._start()
        return batch


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
