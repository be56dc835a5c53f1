"""Pools in JSON Lines: one object a line.

Lines end at a line feed only. Blank lines are no records. A field may lie inside others: "image.url" is the field `url`
of the field `image`, unless a field has that very name. Where the text is a list, each of its texts is a row. Of equal
keys the last one counts; NaN and Infinity, which JSON does not know, are read, since pandas and NumPy write them.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from curation.errors import MissingColumn
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.pairs import Scanned
from curation.pool.rows import Row, Rows
from curation.pool.streams import ByteStream, lines, utf8

SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".jsonl.zst", ".ndjson.zst")

LOOKED_AT = 1000
"""Records that are read to learn which fields there are."""

MAX_LEVELS = 4
"""Levels of fields inside fields whose names are told."""

MISSING = object()


def fields(path: Path) -> list[str]:
    """The names of the fields of the first 1,000 records, those inside others with dots; raises UnreadableFile."""
    return field_names(records(ByteStream(path)))


def read(path: Path, columns: Columns) -> Iterator[Scanned]:
    """The pairs of a file. See Format."""
    check_field(path, fields(path), columns.text)
    stream, rows = ByteStream(path), Rows()
    yield from gather(rows, records(stream), partial(_add, columns=columns))
    yield rows.take(stream.damage)


def gather(
    rows: Rows, found: Iterable[dict[str, Any] | str], add: Callable[[Rows, int, dict[str, Any]], None]
) -> Iterator[Scanned]:
    """Add each record by its number, or count the reason why there is none; yields the batches that are full."""
    for number, record in enumerate(found):
        if isinstance(record, str):
            rows.dropped[record] += 1
        else:
            add(rows, number, record)
        if rows.full:
            yield rows.take()


def records(stream: ByteStream) -> Iterator[dict[str, Any] | str]:
    """The object of each line, or the reason why it holds none."""
    return parsed(line for line in lines(utf8(stream.path, stream)) if line is None or line.strip())


def parsed(items: Iterable[bytes | None]) -> Iterator[dict[str, Any] | str]:
    """The object that each item holds, or the reason why it holds none; None is an item that is too long."""
    for item in items:
        if item is None:
            yield "longer than 16 MB"
            continue
        try:
            value = json.loads(item.decode("utf-8", "surrogateescape"))
        except RecursionError:
            yield "nested too deep"
        except ValueError:
            yield "not JSON"
        else:
            yield value if isinstance(value, dict) else "not an object"


def field_names(found: Iterable[dict[str, Any] | str]) -> list[str]:
    """The names of the fields of the first 1,000 records, in the order in which they first come up."""
    names: dict[str, None] = {}
    for record in islice(found, LOOKED_AT):
        if isinstance(record, dict):
            names.update((name, None) for name in _names(record))
    return list(names)


def check_field(path: Path, names: list[str], text: str) -> None:
    """Raise MissingColumn where fields were found, but no text."""
    if names and text not in names:
        found = ", ".join(names[:20])
        raise MissingColumn(
            f"{path}: no field {text!r} in the first {LOOKED_AT:,} records (found: {found}); name it with --text-column"
        )


def value_of(record: dict[str, Any], name: str, default: Any = None) -> Any:
    """The value of a field, which may lie inside others; the default if it is not there.

    >>> value_of({"image": {"url": "u"}}, "image.url")
    'u'
    """
    if name in record:
        return record[name]
    outer, dot, inner = name.partition(".")
    within = record.get(outer) if dot else None
    return value_of(within, inner, default) if isinstance(within, dict) else default


def text_of(value: Any) -> str | None:
    """A uid, url or language: a text, or a number as a text; None for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def row_of(number: int, record: dict[str, Any], columns: Columns) -> Row:
    """The row of a record, without its text."""
    return Row(
        number,
        None,
        text_of(value_of(record, columns.url)),
        text_of(value_of(record, columns.uid)),
        value_of(record, columns.width),
        value_of(record, columns.height),
        text_of(value_of(record, columns.language)),
    )


def _add(rows: Rows, number: int, record: dict[str, Any], columns: Columns) -> None:
    value = value_of(record, columns.text, MISSING)
    if value is MISSING:
        rows.dropped[f"no {columns.text}"] += 1
        return
    if value == []:
        rows.dropped["list of texts is empty"] += 1
        return
    row = row_of(number, record, columns)
    for text in value if isinstance(value, list) else [value]:
        if text is None or isinstance(text, str):
            rows.add(row._replace(text=text))
        else:
            rows.dropped["text is not text"] += 1


def _names(record: dict[str, Any], before: str = "", level: int = 1) -> Iterator[str]:
    for name, value in record.items():
        yield before + name
        if isinstance(value, dict) and level < MAX_LEVELS:
            yield from _names(value, f"{before}{name}.", level + 1)


FORMAT = Format(name="jsonl", suffixes=SUFFIXES, fields=fields, read=read)
