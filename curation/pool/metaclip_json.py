"""Pools in the JSON records that MetaCLIP's pipeline works on: an image a record, with all its texts.

{"uuid": ..., "url": ..., "texts": [["alt", "a dog"], ["title", "Rex"]]}, in a JSON array or a line each. The first item
of a text is where it comes from. A third one may follow: its language, as the worldwide pipeline writes it, or the
entries that it matched, which are left aside, since matching is done anew. Plain records with a text, or a list of
texts, are read as well. Every text is a row; those of one image share the number of their record.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.json_lines import check_field, field_names, gather, parsed, row_of, text_of, value_of
from curation.pool.pairs import Scanned
from curation.pool.rows import Row, Rows
from curation.pool.streams import MAX_LINE_BYTES, ByteStream, lines, utf8

SUFFIXES = (".json", ".json.gz", ".json.zst")

TEXTS = "texts"
UIDS = ("uuid", "image_id")
"""Names that are taken for the uid where the named field is not there."""

# possessive: nothing is tried twice
_BETWEEN_MARKS = {
    True: re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL),  # inside an item
    False: re.compile(rb'(?:[^"\[\]{},]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL),
}
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)


def fields(path: Path) -> list[str]:
    """The names of the fields of the first 1,000 records, those inside others with dots; raises UnreadableFile."""
    return field_names(parsed(_Items(ByteStream(path))))


def read(path: Path, columns: Columns) -> Iterator[Scanned]:
    """The pairs of a file. See Format."""
    names = fields(path)
    if TEXTS not in names:
        check_field(path, names, columns.text)
    stream, rows = ByteStream(path), Rows()
    items = _Items(stream)
    yield from gather(rows, parsed(items), partial(_add, columns=columns))
    yield rows.take(stream.damage or items.damage)


def _add(rows: Rows, number: int, record: dict[str, Any], columns: Columns) -> None:
    texts = value_of(record, columns.text)
    if texts is None:
        texts = record.get(TEXTS)
    if texts is None or texts == []:
        rows.dropped[f"no {TEXTS}"] += 1
        return
    row = row_of(number, record, columns)
    if row.uid is None:
        row = row._replace(uid=next((uid for name in UIDS if (uid := text_of(record.get(name)))), None))
    for text in texts if isinstance(texts, list) else [texts]:
        _add_text(rows, row, text)


def _add_text(rows: Rows, row: Row, text: Any) -> None:
    match text:
        case str() | None:
            rows.add(row._replace(text=text))
        case [str(), (str() | None) as text]:
            rows.add(row._replace(text=text))
        case [str(), (str() | None) as text, third]:
            rows.add(row._replace(text=text, language=third if isinstance(third, str) else row.language))
        case _:
            rows.dropped["text is not text"] += 1


class _Items:
    """The items of a JSON array, or else the lines of a file; None for one of more than 16 MB.

    damage: after the last item, one line on an array that has no end
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.damage: str | None = None

    def __iter__(self) -> Iterator[bytes | None]:
        blocks = utf8(self._stream.path, self._stream)
        start = b""
        for block in blocks:
            if start := block.lstrip():
                break
        if start.startswith(b"["):
            yield from self._of_array(_chain(start[1:], blocks))
        else:
            yield from (line for line in lines(_chain(start, blocks)) if line is None or line.strip())

    def _of_array(self, blocks: Iterator[bytes]) -> Iterator[bytes | None]:
        """Split where a comma stands outside of strings and brackets.

        Only strings and brackets are told apart: whether an item is JSON is seen when it is parsed.
        """
        splitter = _Splitter()
        for block in blocks:
            yield from splitter.feed(block)
            if splitter.ended:
                if splitter.held.strip() or any(block.strip() for block in blocks):
                    self.damage = f"{self._stream.path}: more text after the array of records, which is not read"
                return
        if splitter.too_long or splitter.held.strip():
            yield None if splitter.too_long else splitter.held
        self.damage = f"{self._stream.path}: the array of records has no end; fetch it again"


class _Splitter:
    """The items of an array, whose opening bracket is gone, block by block; None for one of more than 16 MB.

    held:  bytes of the item that has not ended yet; of one that is too long, only those not yet looked at
    ended: whether the array's closing bracket was met; `held` is then what follows it
    """

    def __init__(self) -> None:
        self.held = b""
        self.too_long = self.ended = False
        self._seen = self._depth = 0
        self._in_string = False

    def feed(self, block: bytes) -> Iterator[bytes | None]:
        self.held += block
        begin = 0
        while (mark := self._next_mark()) is not None:
            self._depth += (mark in b"[{") - (mark in b"]}")
            if self._depth < 0 or (self._depth == 0 and mark == b","):
                item = self.held[begin : self._seen - 1].strip()
                if self.too_long or item:
                    yield None if self.too_long else item
                begin, self.too_long = self._seen, False
            if self._depth < 0:
                self.ended = True
                break
        self._drop(begin)
        if not self.ended and (self.too_long or len(self.held) > MAX_LINE_BYTES):
            self.too_long = True
            self._drop(self._seen)

    def _next_mark(self) -> bytes | None:
        """The next bracket or comma that is in no string; None if the bytes at hand have none."""
        while True:
            if self._in_string:
                rest = _IN_STRING.match(self.held, self._seen)
                self._seen = rest.end() if rest else self._seen
                if self.held[self._seen : self._seen + 1] != b'"':
                    return None  # the string goes on in the next block
                self._seen += 1
                self._in_string = False
            between = _BETWEEN_MARKS[self._depth > 0].match(self.held, self._seen)
            self._seen = between.end() if between else self._seen
            mark = self.held[self._seen : self._seen + 1]
            self._seen += len(mark)
            if mark != b'"':
                return mark or None
            self._in_string = True

    def _drop(self, size: int) -> None:
        self.held = self.held[size:]
        self._seen -= size


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


FORMAT = Format(name="metaclip-json", suffixes=SUFFIXES, fields=fields, read=read)
