"""The articles of a MediaWiki export (pages-articles.xml, plain, .bz2, multistream .bz2, .gz), read as a stream."""

import bz2
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from xml.parsers import expat

from curation.errors import MissingFile, UnreadableFile

CHUNK = 1 << 20
_DIGESTED = 1 << 16
_KEPT = frozenset(("title", "ns", "text", "namespace"))


@dataclass(frozen=True)
class Page:
    """One page of a dump: namespace 0 holds the articles."""

    title: str
    namespace: int
    is_redirect: bool
    text: str


class Dump:
    """An open dump, read once from its beginning.

    path:       what to read; how it is compressed is told by its first bytes
    size:       bytes of the file; position: how many of them are read
    namespaces: names of the namespaces that are not 0, known as soon as the first page is read
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise MissingFile(f"{path}: no such file; give a pages-articles dump (.xml, .xml.bz2 or .xml.gz)")
        self.path = path
        self.size = path.stat().st_size
        self.position = 0
        self.namespaces: frozenset[str] = frozenset()

    def head_digest(self, size: int) -> str:
        """sha256 (hex) of the first 64 KiB of the first `size` bytes: it tells another dump, not a flipped bit."""
        with self.path.open("rb") as file:
            return hashlib.sha256(file.read(min(size, _DIGESTED))).hexdigest()

    def pages(self) -> Iterator[Page]:
        """Every page, in the order of the file.

        raises UnreadableFile for what is no dump, is damaged, or ends too early; pages until there have been given
        """
        reader = _PageReader(self.path)
        for data in self._chunks():
            pages = reader.feed(data)
            self.namespaces = frozenset(reader.namespaces)  # before its pages are given: their links need them
            yield from pages
        yield from reader.feed(b"", last=True)

    def _chunks(self) -> Iterator[bytes]:
        with self.path.open("rb") as file, _opened(self.path, file) as content:
            while True:
                try:
                    # read1, for read would lose what could be unpacked before the damage
                    data = content.read1(CHUNK)
                except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                    raise _damaged(self.path, file.tell(), error) from None
                except OSError as error:
                    if error.errno is not None:  # the disk's, not the decompressor's
                        raise
                    raise _damaged(self.path, file.tell(), error) from None
                if not data:
                    return
                self.position = file.tell()
                yield data


def _opened(path: Path, file: BufferedReader) -> BufferedReader | bz2.BZ2File | gzip.GzipFile:
    start = file.read(64)
    file.seek(0)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(file)  # goes on over the streams of a multistream dump
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return file
    raise UnreadableFile(
        f"{path}: neither XML nor XML in bzip2 or gzip; give a pages-articles dump (.xml, .xml.bz2 or .xml.gz)"
    )


def _damaged(path: Path, position: int, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"{path}: cut short or damaged near byte {position:,} ({error}); fetch it again")


class _PageReader:
    """Bytes of XML in, pages out."""

    def __init__(self, path: Path) -> None:
        self.namespaces: set[str] = set()
        self._path = path
        self._pages: list[Page] = []
        self._depth = 0
        self._collected: list[str] | None = None
        self._clear()
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.buffer_size = CHUNK
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def feed(self, data: bytes, last: bool = False) -> list[Page]:
        """The pages that end within this piece."""
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            raise UnreadableFile(
                f"{self._path}: not whole XML ({error}); a dump ends with </mediawiki>, fetch it again"
            ) from None
        pages, self._pages = self._pages, []
        return pages

    def _clear(self) -> None:
        self._values = {"title": "", "ns": "0", "text": ""}
        self._is_redirect = False

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and name != "mediawiki":
            raise UnreadableFile(f"{self._path}: XML of <{name}>, not of <mediawiki>; give a pages-articles dump")
        if name in _KEPT:
            self._collected = []
            self._parser.CharacterDataHandler = self._collected.append
        elif name == "page":
            self._clear()
        elif name == "redirect":
            self._is_redirect = True

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == "page":
            text = self._values["text"]
            # exports before 0.4 have no <redirect>
            is_redirect = self._is_redirect or text[:9].lower() == "#redirect"
            self._pages.append(Page(self._values["title"], self._namespace(), is_redirect, text))
        elif self._collected is not None and name in _KEPT:
            value = "".join(self._collected)
            self._parser.CharacterDataHandler, self._collected = None, None
            if name == "namespace":
                self.namespaces |= {value} - {""}
            else:
                self._values[name] = value

    def _namespace(self) -> int:
        try:
            return int(self._values["ns"])
        except ValueError:
            raise UnreadableFile(
                f"{self._path}: page {self._values['title']!r} has the namespace {self._values['ns']!r}, not a number"
            ) from None

    def _refuse_doctype(self, *_: object) -> None:
        # a dump has none, and entities declared in one can grow without bound
        raise UnreadableFile(f"{self._path}: XML with a DOCTYPE, which no dump has")
