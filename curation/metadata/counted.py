"""Strings with how often each occurs: words, pairs of words, titles with their views."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SCHEMA = pa.schema([("text", pa.string()), ("count", pa.int64())])


@dataclass(frozen=True)
class Counted:
    """Counts of distinct strings, perhaps without the rare ones.

    table:    columns text (string, distinct) and count (int64)
    distinct: how many strings there are, the rare ones included
    total:    sum of all counts, the rare ones included
    dropped:  what could not be read: reason -> how many
    """

    table: pa.Table
    distinct: int
    total: int
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(K,) int64, in the order of the table."""
        return self.table["count"].to_numpy()


def summed(table: pa.Table) -> pa.Table:
    """One row a string, its counts added up, by text in the order of its UTF-8 bytes."""
    grouped = table.group_by("text").aggregate([("count", "sum")]).rename_columns(["text", "count"])
    return grouped.sort_by("text").select(["text", "count"])


def at_least(table: pa.Table, count: int) -> pa.Table:
    """The rows that occur so often."""
    return table.filter(pc.greater_equal(table["count"], count))


def as_text(raw: pa.BinaryArray) -> pa.StringArray:
    """Bytes as strings, null where they are no UTF-8.

    >>> as_text(pa.array([b"caf\\xc3\\xa9", b"caf\\xe9"])).to_pylist()
    ['café', None]
    """
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:  # one of them; then each for itself
        return pa.array([_text_or_none(value) for value in raw.to_pylist()], pa.string())


def _text_or_none(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None
