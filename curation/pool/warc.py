"""The records of WARC files, with an eye on every byte: what is no whole record is counted.

https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from curation.pool.streams import ByteStream

MAX_RECORD_BYTES = 32_000_000
MAX_HEADER_BYTES = 2**16

_START = b"WARC/"
_END = b"\r\n\r\n"
_NEXT = _END + _START


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """One record.

    number:  of the record in its file, from 0
    headers: by their names in lower case
    body:    with the HTTP header, where there is one
    """

    number: int
    headers: dict[str, str]
    body: bytes


class WarcFile:
    """The whole records of a WARC file, up to 32 MB each, in bounded memory.

    A record counts as whole if its body ends where its Content-Length says. After one that does not, reading goes on at
    the next place where a record can begin, so that a wrong length swallows nothing.

    dropped: records that were left out, by reason
    damage:  after the last record, one line on bytes that are in no record; None if there were none
    number:  of the next record, counting those that were left out
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._blocks = iter(stream)
        self._held = bytearray()
        self._skipped = 0
        self.dropped: Counter[str] = Counter()
        self.number = 0

    @property
    def damage(self) -> str | None:
        """See the class."""
        if self._stream.damage:
            return self._stream.damage
        return f"{self._stream.path}: {self._skipped:,} bytes are in no record" if self._skipped else None

    def __iter__(self) -> Iterator[WarcRecord]:
        while self._fill(1):
            record = self._record()
            if isinstance(record, str):
                self.dropped[record] += 1
                self.number += 1
            elif record:
                yield record
                self.number += 1

    def _record(self) -> WarcRecord | str | None:
        """The next record, or why it is left out; None for bytes that begin none."""
        if not (self._fill(len(_START)) and self._held.startswith(_START)):
            self._skipped += self._skip_to_next()
            return None
        end = self._find_end_of_header()
        headers = _headers(bytes(self._held[:end])) if end >= 0 else {}
        length = _length(headers)
        if length is None:
            self._skip_to_next()
            return "record without a header that can be read"
        if length > MAX_RECORD_BYTES:
            self._skip_to_next()
            return "record longer than 32 MB"
        begin = end + len(_END)
        whole = self._fill(begin + length + len(_END))
        if not whole or self._held[begin + length : begin + length + len(_END)] != _END:
            self._skip_to_next()
            return "record does not end where its length says"
        record = WarcRecord(self.number, headers, bytes(self._held[begin : begin + length]))
        del self._held[: begin + length + len(_END)]
        return record

    def _fill(self, size: int) -> bool:
        """Hold at least `size` bytes, if there are so many left."""
        while len(self._held) < size:
            block = next(self._blocks, None)
            if block is None:
                return False
            self._held += block
        return True

    def _find_end_of_header(self) -> int:
        for size in (2**12, MAX_HEADER_BYTES):
            self._fill(size)
            if (end := self._held.find(_END, 0, size)) >= 0:
                return end
        return -1

    def _skip_to_next(self) -> int:
        """Drop bytes up to where the next record can begin; how many."""
        dropped, at = 0, self._held.find(_NEXT)
        while at < 0:
            keep = len(_NEXT) - 1
            dropped += max(0, len(self._held) - keep)
            del self._held[:-keep]
            if not self._fill(len(self._held) + 1):
                dropped += len(self._held)
                self._held.clear()
                return dropped
            at = self._held.find(_NEXT)
        del self._held[: at + len(_END)]
        return dropped + at + len(_END)


def _headers(lines: bytes) -> dict[str, str]:
    found = (line.partition(":") for line in lines.decode("utf-8", "replace").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in found}


def _length(headers: dict[str, str]) -> int | None:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
