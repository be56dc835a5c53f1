"""Pools in CSV and TSV files: RFC 4180 with a header, every value as it is written.

A value is text: "NA", "null" and "#" mean nothing special, and an empty field is the empty text. The delimiter of .tsv
is the tab, of .csv the one of `,` `;` tab `|` that splits the header into most names. Empty lines are no rows.

Each damaged row is left out alone: where quotes do not close, or only after more than 16 MB, the row that opened them
is counted, and reading goes on in the next line, so that no quote swallows the rows behind it. A file with so many of
them that it would be read many times over is taken, from there on, as one where no record spans lines.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from curation.errors import MissingColumn, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.pairs import Scanned
from curation.pool.rows import Row, Rows
from curation.pool.streams import MAX_LINE_BYTES, ByteStream, utf8, whole_lines

DELIMITERS = ",;\t|"
SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst")

MAX_READ_AGAIN = 10 * MAX_LINE_BYTES
"""Characters of a file that are read again at most: each quote that does not close could cost 16 MB of them."""

LINE_COSTS = 64
"""A line takes so many bytes of memory besides its characters, and a record of millions of short ones is no record."""

NO_LAST_END = "files whose last line has no end"


def fields(path: Path) -> list[str]:
    """The names in the header; raises UnreadableFile."""
    return _header(path)[0]


def read(path: Path, columns: Columns) -> Iterator[Scanned]:
    """The pairs of a file. See Format.

    A file that is not compressed does not tell that it was cut short: that its last line has no end is noted.
    """
    names, delimiter = _header(path)
    text, others = _places(path, names, columns)
    stream = ByteStream(path)
    lines, rows = _Lines(stream), Rows()
    next(records := _records(lines, delimiter), None)  # the header
    for number, record in enumerate(records):
        if isinstance(record, str):
            rows.dropped[record] += 1
        elif len(record) != len(names):
            rows.dropped["wrong number of fields"] += 1
        elif "\0" in record[text]:
            rows.dropped["text has a NUL"] += 1
        else:
            rows.add(Row(number, record[text], *(None if at is None else record[at] or None for at in others)))
        if rows.full:
            yield rows.take()
    if not (lines.ended or stream.damage):
        rows.notes[NO_LAST_END] = 1
    yield rows.take(stream.damage)


def _header(path: Path) -> tuple[list[str], str]:
    """The names of the columns, and the delimiter between them."""
    stream = ByteStream(path)
    header, end, _ = (next(whole_lines(utf8(path, stream)), b"") or b"").partition(b"\n")
    if stream.damage and not end:
        raise UnreadableFile(stream.damage)
    try:
        line = header.decode().removesuffix("\r")
    except UnicodeDecodeError:
        raise UnreadableFile(f"{path}: its first line is not UTF-8; save it as UTF-8") from None
    if not line.strip():
        raise UnreadableFile(f"{path}: no header; its first line must name the columns")
    if not line.replace("\t", "").isprintable():
        raise UnreadableFile(f"{path}: control characters in its first line; save it as text with line feeds")
    tried = [(_names(line, delimiter), delimiter) for delimiter in _delimiters(path)]
    names, delimiter = max(tried, key=lambda found: len(found[0]))
    if not names:
        raise UnreadableFile(f"{path}: the quotes in its first line do not close; mend it")
    return names, delimiter


def _delimiters(path: Path) -> str:
    return "\t" if ".tsv" in [suffix.lower() for suffix in path.suffixes[-2:]] else DELIMITERS


def _names(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _places(path: Path, names: list[str], columns: Columns) -> tuple[int, list[int | None]]:
    """Where the text, and the url, uid, width, height and language stand in a record; None where they do not."""
    if (times := names.count(columns.text)) > 1:
        raise MissingColumn(f"{path}: {times} columns are named {columns.text!r}; rename all but one")
    if not times:
        found = ", ".join(names[:20])
        raise MissingColumn(f"{path}: no column {columns.text!r} (found: {found}); name it with --text-column")
    others = (columns.url, columns.uid, columns.width, columns.height, columns.language)
    return names.index(columns.text), [names.index(name) if name in names else None for name in others]


class _LineTooLong(Exception):
    """Instead of a line that is too long to be held."""


class _RecordTooLong(Exception):
    """Instead of one more line of a record that is too long."""


class _Lines:
    """The lines of a text, in a way that those of a damaged record can be read again.

    taken: the lines of the record that is being read
    ended: whether the last line had its end
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._lines = self._split()
        self._again: list[str] = []
        self._held = self._read_again = 0
        self.taken: list[str] = []
        self.ended = True

    def _split(self) -> Iterator[str | None]:
        for piece in whole_lines(utf8(self._stream.path, self._stream)):
            if piece is None:
                yield None
                continue
            self.ended = piece.endswith(b"\n")
            if self.ended or not self._stream.damage:  # else the line was cut, and may look like a whole one
                yield from io.StringIO(piece.decode("utf-8", "surrogateescape"), newline="\n")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.taken and (self._read_again > MAX_READ_AGAIN or self._held > MAX_LINE_BYTES):
            raise _RecordTooLong
        line = self._again.pop() if self._again else next(self._lines)
        if line is None:
            raise _LineTooLong
        self.taken.append(line)
        self._held += len(line) + LINE_COSTS
        return line

    def next_record(self) -> None:
        """Forget the lines that were taken."""
        self.taken.clear()
        self._held = 0

    def go_back(self) -> None:
        """Read all lines that were taken again, except for the first of them, unless the stream was cut in them."""
        if self._stream.damage and next(self._lines, None) is None:
            return
        self._again.extend(reversed(self.taken[1:]))
        self._read_again += sum(len(line) + LINE_COSTS for line in self.taken[1:])


def allow_long_fields() -> None:
    """Let the csv module read fields as long as our lines may be; its limit is one for the whole process."""
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_LINE_BYTES + 1))


def _records(lines: _Lines, delimiter: str) -> Iterator[list[str] | str]:
    """The fields of each record, or the reason why it has none."""
    allow_long_fields()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            record = next(reader)
            if record:
                yield record
        except StopIteration:
            return
        except csv.Error as error:
            yield "carriage return outside quotes" if "new-line" in str(error) else "quotes that do not close"
            lines.go_back()
        except _RecordTooLong:
            yield "quotes that do not close"
            lines.go_back()
        except _LineTooLong:
            if lines.taken:
                yield "quotes that do not close"
                lines.go_back()
            yield "line longer than 16 MB"
        lines.next_record()


FORMAT = Format(name="csv", suffixes=SUFFIXES, fields=fields, read=read)
