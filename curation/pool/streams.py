"""The bytes of text files, whichever way they are compressed, block by block, and how they fall into lines."""

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from curation.errors import MissingFile, UnreadableFile

BLOCK_BYTES = 2**20
READ_BYTES = 2**16
MAX_LINE_BYTES = 16_000_000
"""Larger than a block: see `whole_lines`."""

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class ByteStream:
    """The bytes of a file in blocks of at most 1 MiB, decompressed if they begin as gzip or zstd do.

    damage: after the last block, one line on what could not be read; None if the file was read to its end

    raises MissingFile, UnreadableFile for a file that cannot be opened, or is not compressed as its name says
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                yield from self._blocks(file)
        except FileNotFoundError:
            raise MissingFile(f"{self.path}: no such file") from None
        except OSError as error:
            raise UnreadableFile(f"{self.path}: {error.strerror or error}") from None

    def _blocks(self, file: IO[bytes]) -> Iterator[bytes]:
        start = file.read(4)
        file.seek(0)
        if start.startswith(GZIP_MAGIC):
            yield from self._gunzip(file)
        elif start == ZSTD_MAGIC:
            yield from self._unzstd(file)
        elif start and (kind := {".gz": "gzip", ".zst": "zstd"}.get(self.path.suffix.lower())):
            raise UnreadableFile(f"{self.path}: not {kind}, as its name says; rename it or fetch it again")
        else:
            while block := file.read(BLOCK_BYTES):
                yield block

    def _gunzip(self, file: IO[bytes]) -> Iterator[bytes]:
        decoder, data, made = zlib.decompressobj(wbits=31), b"", 0
        try:
            while data := data or file.read(READ_BYTES):
                if decoder.eof:
                    if not data.startswith(GZIP_MAGIC[: len(data)]):
                        self._judge_rest(data, file, made)
                        return
                    decoder = zlib.decompressobj(wbits=31)
                block = decoder.decompress(data, BLOCK_BYTES)
                data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
                made += len(block)
                if block:
                    yield block
        except zlib.error as error:
            self.damage = f"{self.path}: gzip damaged after {made:,} bytes of text, the rest is lost ({error})"
            return
        if not decoder.eof:
            self._cut_short(made)

    def _unzstd(self, file: IO[bytes]) -> Iterator[bytes]:
        from backports import zstd

        decoder, data, made = zstd.ZstdDecompressor(), b"", 0
        try:
            while True:
                if decoder.eof:
                    data = decoder.unused_data or file.read(READ_BYTES)
                    if not data:
                        return
                    decoder = zstd.ZstdDecompressor()
                elif decoder.needs_input and not (data := file.read(READ_BYTES)):
                    break
                block = decoder.decompress(data, BLOCK_BYTES)
                data = b""
                made += len(block)
                if block:
                    yield block
        except zstd.ZstdError as error:
            self.damage = f"{self.path}: zstd damaged after {made:,} bytes of text, the rest is lost ({error})"
            return
        self._cut_short(made)

    def _judge_rest(self, data: bytes, file: IO[bytes], made: int) -> None:
        """What follows the last gzip member: zeros only pad the file, as tapes do."""
        while data and not data.strip(b"\0"):
            data = file.read(READ_BYTES)
        if data:
            self.damage = f"{self.path}: no gzip any more after {made:,} bytes of text, the rest is lost"

    def _cut_short(self, made: int) -> None:
        self.damage = f"{self.path}: cut short after {made:,} bytes of text; fetch it again"


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes | None]:
    r"""Pieces of a text that end where a line ends, at \n only; None for each line of more than 16 MB.

    >>> list(whole_lines([b"a\nb", b"c\nd"]))
    [b'a\n', b'bc\n', b'd']
    """
    rest, too_long = bytearray(), False
    for block in blocks:  # a block is smaller than the limit: only a line that begins before it can be too long
        end = block.rfind(b"\n") + 1
        first = block.find(b"\n") + 1 if rest or too_long else 0
        if first:
            yield None if too_long or len(rest) + first > MAX_LINE_BYTES else bytes(rest + block[:first])
            rest, too_long = bytearray(), False
        if first < end:
            yield block[first:end]
        if not too_long:
            rest += block[end:]
        if len(rest) > MAX_LINE_BYTES:
            rest, too_long = bytearray(), True
    if too_long:
        yield None
    elif rest:
        yield bytes(rest)


def lines(blocks: Iterable[bytes]) -> Iterator[bytes | None]:
    r"""The lines of a text without their \n; None for each line of more than 16 MB."""
    for piece in whole_lines(blocks):
        if piece is None:
            yield None
        else:
            yield from piece.removesuffix(b"\n").split(b"\n")


def utf8(path: Path, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks of a text without the byte order mark that some programs put before UTF-8; raises UnreadableFile."""
    first = True
    for block in blocks:
        if first and (block.startswith(UTF16_MARKS) or b"\0" in block[:2]):
            raise UnreadableFile(f"{path}: UTF-16, or no text; save it as UTF-8")
        yield block.removeprefix(b"\xef\xbb\xbf") if first else block
        first = False
