"""Rows that a reader finds one by one, gathered into batches."""

from collections import Counter
from typing import Any, NamedTuple

import pyarrow as pa

from curation.pool.pairs import BATCH_ROWS, Scanned, pixels, usable_pairs

BATCH_BYTES = 64_000_000


class Row(NamedTuple):
    """One text of one image, as it was found; see PAIR_SCHEMA."""

    row: int
    text: str | None
    url: str | None = None
    uid: str | None = None
    width: Any = None
    height: Any = None
    language: str | None = None


class Rows:
    """Rows until there are enough for a batch, what was dropped on the way, and what was noted.

    Bytes that were no UTF-8 may stand in the texts as lone surrogates: `take` finds and counts them.
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Row] = []
        self._bytes = 0
        self.dropped: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        """Gather one more."""
        self._rows.append(row)
        self._bytes += len(row.text or "") + len(row.url or "")

    @property
    def full(self) -> bool:
        """Whether it is time to `take` a batch."""
        return len(self._rows) >= BATCH_ROWS or self._bytes >= BATCH_BYTES

    def take(self, damage: str | None = None) -> Scanned:
        """The batch so far; the next one begins empty."""
        row, text, url, uid, width, height, language = zip(*self._rows, strict=True) if self._rows else ((),) * 7
        columns = {
            "row": pa.array(row, pa.int64()),
            "text": _as_column(text),
            "url": _as_column(url),
            "uid": _as_column(uid),
            "width": pa.array([None if value is None else pixels(value) for value in width], pa.int32()),
            "height": pa.array([None if value is None else pixels(value) for value in height], pa.int32()),
            "language": _as_column(language),
        }
        usable = usable_pairs(columns, 0, damage=damage)
        scanned = Scanned(usable.pairs, self.dropped + usable.dropped, damage, self.notes)
        self._clear()
        return scanned


def _as_column(values: tuple[str | None, ...]) -> pa.Array:
    """A column of texts; with a lone surrogate among them, of their bytes, which are then no UTF-8."""
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        encoded = [None if value is None else value.encode("utf-8", "surrogatepass") for value in values]
        return pa.array(encoded, pa.binary())
