"""Tar files, member by member: nothing is unpacked, and what is damaged is stepped over and told.

The usual readers take the first block that they do not understand for the end of the file, and say nothing. Here each
header is checked against its checksum; after damage the file is searched for the next header that is whole; and a file
without an end marker was cut off.

Layout: POSIX.1-2017, `pax` ("ustar Interchange Format" and "pax Header Block"); the GNU tar manual ("Basic Tar
Format") for long names and sparse files.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

BLOCK = 512
MAX_EXTENSION = 2**20
"""Bytes of a long name or a PAX header that are read; they hold a few hundred."""

_CHUNK = 2**20
_MAGIC, _MAGIC_AT = b"ustar", 257
_REGULAR = b"0\x007"
_WITHOUT_DATA = b"123456"  # a size in their header says something else
_DIRECTORY, _SPARSE, _LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"5SLKxg"
_EXTENSIONS = b"LKxg"
_REFUSED = dict.fromkeys(b"12", "link") | dict.fromkeys(b"34", "device") | {b"6"[0]: "pipe", _SPARSE: "sparse file"}


@dataclass(frozen=True, slots=True)
class Member:
    """What a tar file holds under a name; folders are passed over.

    offset, size: of its bytes, in the tar file
    refused:      why its bytes must not be read, such as "member is a link"; None for a plain file
    """

    name: str
    offset: int
    size: int
    refused: str | None


@dataclass(frozen=True, slots=True)
class Damage:
    """A place where a tar file is not as it should be.

    line:        what to tell, with the bytes that were skipped
    cuts_member: the bytes of the member before it may be damaged too
    new_tar:     one tar file ended, and another begins, as it seems: a hole of zeros looks the same
    """

    line: str
    cuts_member: bool = False
    new_tar: bool = False


def walk(file: BinaryIO) -> Iterator[Member | Damage]:
    """The members of a tar file, and what is damaged between them, in order.

    Between two of them the position of `file` may be moved.
    """
    tar = _Tar(file)
    extensions = _Extensions()
    for header in _headers(tar):
        if isinstance(header, Damage):
            extensions = _Extensions()
            yield header
        elif header.kind in _EXTENSIONS:
            extensions.add(header, tar.read(header.offset, min(header.size, MAX_EXTENSION)))
        else:
            if header.kind != _DIRECTORY:
                yield extensions.member(header)
            extensions = _Extensions(for_all=extensions.for_all)


@dataclass(slots=True)
class _Header:
    """What the header of a member says itself; the bytes are at `offset`, and the header after them at `next`."""

    kind: int
    name: str
    size: int
    offset: int
    next: int


@dataclass(slots=True)
class _Extensions:
    """What the headers before that of a member say of it.

    for_all: PAX records of all members that follow
    """

    for_all: dict[str, str] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    name: str | None = None
    refused: str | None = None

    def add(self, header: _Header, data: bytes) -> None:
        if header.size > MAX_EXTENSION:
            self.refused = "header of a member is over 1 MB"
        elif header.kind == _LONG_NAME:
            self.name = _text(data)
        elif header.kind != _LONG_LINK:
            try:
                (self.for_all if header.kind == _PAX_GLOBAL else self.records).update(_pax_records(data))
            except ValueError:
                self.refused = "PAX header of a member is damaged"

    def member(self, header: _Header) -> Member:
        records = self.for_all | self.records
        name = records.get("path") or self.name or header.name
        return Member(name, header.offset, header.size, self.refused or _refused(header, name, records))


def _refused(header: _Header, name: str, records: dict[str, str]) -> str | None:
    if header.kind not in _REGULAR:
        return f"member is a {_REFUSED.get(header.kind, 'file of an unknown kind')}"
    if any(record.startswith("GNU.sparse") for record in records):
        return "member is a sparse file"
    if records.get("size", str(header.size)) != str(header.size):
        return "member has another size in its PAX header"
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        return "name of a member leads out of its folder"
    return None


def _headers(tar: "_Tar") -> Iterator[_Header | Damage]:
    at = 0  # where the next header should be
    last = _Header(0, "", 0, 0, 0)
    while True:
        if header := tar.header(at):
            yield header
            last, at = header, min(header.next, tar.end)
            continue
        zeros = tar.zeros(at)
        if at + zeros == tar.end and zeros >= 2 * BLOCK and zeros % BLOCK == 0:
            return
        after_zeros = at + zeros // BLOCK * BLOCK
        if zeros >= 2 * BLOCK and tar.header(after_zeros):
            line = f"bytes after the end marker: more members from offset {after_zeros} on"
            yield Damage(line, cuts_member=tar.ends_in_zero(last), new_tar=True)
            at = after_zeros
            continue
        found = tar.find_header(last.offset)  # not from `at`: bytes may be missing before it
        yield _damage(tar, last, at, found)
        if found is None:
            return
        at = found


def _damage(tar: "_Tar", last: _Header, at: int, found: int | None) -> Damage:
    """What is wrong between the end of the last member and the next header, or the end of the file."""
    if found is not None and found < at:
        return Damage(f"bytes are missing before offset {found}", cuts_member=True)
    if found is not None:
        shifted = (found - at) % BLOCK and not tar.padding_is_zero(last)
        hole = tar.zeros(at) and tar.ends_in_zero(last)
        return Damage(_skipped(at, found), cuts_member=bool(shifted or hole))
    zeros, tail = tar.zeros(at), tar.zeros_at_end(at)
    if zeros >= 2 * BLOCK and at + zeros < tar.end:
        return Damage(f"bytes after the end marker: {tar.end - at - zeros} at offset {at + zeros}, without a member")
    if tail < 2 * BLOCK:
        cut = f"no end marker: cut off after {tar.end} bytes"
        return Damage(f"{_skipped(at, tar.end)}; {cut}" if at < tar.end else cut)
    if tail == tar.end - at:
        return Damage(f"the end marker has {tail} bytes, no multiple of {BLOCK}", cuts_member=True)
    return Damage(_skipped(at, tar.end - tail))


def _skipped(start: int, stop: int) -> str:
    return f"{stop - start} bytes skipped at offset {start}"


class _Tar:
    """The bytes of a tar file; `end` is their number."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.end = file.seek(0, 2)

    def read(self, at: int, size: int) -> bytes:
        self.file.seek(at)
        return self.file.read(size)

    def header(self, at: int) -> _Header | None:
        """The header there, if it is whole, and the bytes of its member are all there."""
        block = self.read(at, BLOCK)
        if len(block) < BLOCK or not _checksum_holds(block):
            return None
        size, kind, offset = _number(block[124:136]), block[156], at + BLOCK
        if size is None:
            return None
        if kind == _SPARSE:
            offset = self._after_sparse_map(offset, block[482])
        stored = 0 if kind in _WITHOUT_DATA else size
        if offset + stored > self.end:
            return None
        return _Header(kind, _name(block), size, offset, offset + -(-stored // BLOCK) * BLOCK)

    def _after_sparse_map(self, at: int, more: int) -> int:
        while more and at < self.end:
            more = (self.read(at, BLOCK) + b"\0" * BLOCK)[504]
            at += BLOCK
        return at

    def find_header(self, start: int) -> int | None:
        """Where the next whole header is, at any byte: what was lost need not be whole blocks."""
        for at in range(start, self.end, _CHUNK):
            chunk = self.read(at, _CHUNK + BLOCK)
            place = chunk.find(_MAGIC, _MAGIC_AT)
            while place >= 0:
                if self.header(at + place - _MAGIC_AT):
                    return at + place - _MAGIC_AT
                place = chunk.find(_MAGIC, place + 1)
        return None

    def zeros(self, at: int) -> int:
        """How many bytes are zero from there on."""
        start = at
        while chunk := self.read(at, BLOCK if at == start else _CHUNK):
            zeros = len(chunk) - len(chunk.lstrip(b"\0"))
            at += zeros
            if zeros < len(chunk):
                break
        return at - start

    def zeros_at_end(self, start: int) -> int:
        """How many bytes are zero at the end of the file, not counting those before `start`."""
        at = self.end
        while at > start:
            first = max(start, at - _CHUNK)
            left = len(self.read(first, at - first).rstrip(b"\0"))
            if left:
                return self.end - first - left
            at = first
        return self.end - start

    def ends_in_zero(self, header: _Header) -> bool:
        """Whether the last byte of a member is zero."""
        return header.size > 0 and self.read(header.offset + header.size - 1, 1) == b"\0"

    def padding_is_zero(self, header: _Header) -> bool:
        """Whether a member is filled up to a whole block, with zeros only."""
        padding = self.read(header.offset + header.size, header.next - header.offset - header.size)
        return bool(padding) and not padding.strip(b"\0")


def _checksum_holds(block: bytes) -> bool:
    """The sum of a header's bytes, with its checksum taken for blanks; old writers took bytes for signed."""
    expected = _number(block[148:156])
    rest = block[:148] + b" " * 8 + block[156:]
    found = sum(rest)
    return expected == found or (expected is not None and expected == found - 256 * sum(byte > 127 for byte in rest))


def _number(digits: bytes) -> int | None:
    if digits[0] == 0x80:  # GNU: binary, for what octal digits cannot hold
        return int.from_bytes(digits[1:])
    digits = digits.partition(b"\0")[0].strip()
    try:
        return int(digits, 8) if digits.isdigit() else None if digits else 0
    except ValueError:
        return None


def _name(block: bytes) -> str:
    name = block[:100]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""  # GNU has times there
    return _text(prefix + b"/" + name if prefix else name)


def _text(name: bytes) -> str:
    return name.partition(b"\0")[0].decode(errors="surrogateescape")


def _pax_records(data: bytes) -> dict[str, str]:
    """Records "<length> <key>=<value>\\n", where the length counts the whole record; raises ValueError."""
    records: dict[str, str] = {}
    data = data.rstrip(b"\0")
    at = 0
    while at < len(data):
        blank = data.index(b" ", at, at + 20)
        end = at + int(data[at:blank])
        key, equals, value = data[blank + 1 : end - 1].partition(b"=")
        if not equals or not blank + 1 < end <= len(data) or data[end - 1 : end] != b"\n":
            raise ValueError(f"no PAX record: {data[at : at + 20]!r}")
        records[key.decode(errors="replace")] = value.decode(errors="surrogateescape")
        at = end
    return records
