"""Pools in CommonCrawl's files: WAT, the links of each page as JSON, and WARC, the pages themselves.

Each text of an image, its alt and its title, is a row; those of one image share its number in the file. Relative urls
are resolved against the page, or what it names as its base, as a browser does.

WARC has no end mark: a file that was cut exactly between two records looks whole. How many records were read is noted,
to be compared with what the crawl says of the file.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from curation.errors import UnreadableFile
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.html import image_tags
from curation.pool.pairs import Scanned
from curation.pool.rows import Row, Rows
from curation.pool.streams import ByteStream
from curation.pool.warc import MAX_RECORD_BYTES, WarcFile, WarcRecord

SUFFIXES = (".warc", ".warc.gz", ".warc.zst", ".wat", ".wat.gz", ".wat.zst")

RECORDS, PAGES = "WARC records", "pages"
RESOLVED = "relative image urls that were resolved"
NOT_RESOLVED = "image url cannot be resolved"
NO_END_MARK = "files without an end mark: cut between two records, they look whole"

_IMAGE_LINKS = ("IMG@/src", "IMG@/data-src", "IMG@/srcset")
_SOURCES = ("src", "data-src", "srcset")
_TEXTS = ("alt", "title")
_ABSOLUTE = re.compile(r"https?://(?:[^\s/?#\[]|\[[0-9a-f:.]+\])", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


Image = tuple[Any, list[Any]]
"""Where an image is said to be, and its texts."""

Page = tuple[str, list[Image]]
"""What relative urls are relative to, and the images."""


def fields(path: Path) -> list[str]:
    """The fields that each image has: they are always the same; raises UnreadableFile."""
    _open(path)
    return ["text", "url"]


def read(path: Path, columns: Columns) -> Iterator[Scanned]:
    """The pairs of a file. See Format; which columns are named does not matter."""
    warc, rows, image = _open(path), Rows(), 0
    for record in warc:
        rows.notes[RECORDS] += 1
        if (page := _page(record)) is None:
            continue
        if isinstance(page, str):
            rows.dropped[page] += 1
            continue
        rows.notes[PAGES] += 1
        address, images = page
        for url, texts in images:
            _add_image(rows, image, url, texts, address)
            image += 1
        if rows.full:
            yield rows.take()
    rows.dropped.update(warc.dropped)
    if warc.number:
        rows.notes[NO_END_MARK] = 1
    yield rows.take(warc.damage)


def _open(path: Path) -> WarcFile:
    stream = ByteStream(path)
    start = next(iter(stream), b"")
    if start and not start.startswith(b"WARC/"):
        raise UnreadableFile(f"{path}: no WARC or WAT; its records must begin with WARC/1.0 or WARC/1.1")
    return WarcFile(stream)


def _page(record: WarcRecord) -> Page | str | None:
    """The page in a record, or the reason why it cannot be read; None if there is none."""
    kind, content = record.headers.get("warc-type"), record.headers.get("content-type", "")
    if kind == "metadata" and "json" in content:
        return _page_of_wat(record)
    if kind == "response" and "http" in content:
        return _page_of_warc(record)
    return None


def _page_of_wat(record: WarcRecord) -> Page | str | None:
    try:
        envelope = _at(json.loads(record.body.decode("utf-8", "surrogateescape")), "Envelope")
    except RecursionError:
        return "record nested too deep"
    except ValueError:
        return "record is not JSON"
    html = _at(envelope, "Payload-Metadata", "HTTP-Response-Metadata", "HTML-Metadata")
    if html is None:
        return None
    address = _at(envelope, "WARC-Header-Metadata", "WARC-Target-URI") or record.headers.get("warc-target-uri", "")
    links = _at(html, "Links")
    found = [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    images: list[Image] = [
        (
            _first_of_set(link.get("url")) if link["path"] == "IMG@/srcset" else link.get("url"),
            [link.get(name) for name in _TEXTS],
        )
        for link in found
        if link.get("path") in _IMAGE_LINKS
    ]
    return _base(address, _at(html, "Head", "Base")), images


def _page_of_warc(record: WarcRecord) -> Page | str | None:
    from fastwarc.warc import WarcRecord as HttpRecord

    # its framing was checked: from here on it is fastwarc's, which undoes the encodings of HTTP
    response = HttpRecord()
    response.set_bytes_content(record.body)
    response.is_http = True
    try:
        response.parse_http(auto_decode="all")
        content = response.http_content_type or record.headers.get("warc-identified-payload-type", "")
        if "html" not in content.lower():
            return None
        body = response.reader.read(MAX_RECORD_BYTES + 1)
        charset = response.http_charset
    except (OSError, ValueError):
        return "page cannot be decoded"
    if len(body) > MAX_RECORD_BYTES:
        return "page longer than 32 MB"
    base, tags = image_tags(body, charset)
    images: list[Image] = [(_source(tag), [tag.get(name) for name in _TEXTS]) for tag in tags]
    return _base(record.headers.get("warc-target-uri", ""), base), images


def _source(tag: dict[str, str | None]) -> str | None:
    """Where the image of a tag is: what it loads at first may stand in for it until a script loads the real one."""
    found = [_first_of_set(tag.get(name)) if name == "srcset" else tag.get(name) for name in _SOURCES]
    return next((url for url in found if url and not url.strip().lower().startswith("data:")), found[0])


def _first_of_set(urls: Any) -> Any:
    """The first of the urls in a srcset, such as "a.jpg 1x, b.jpg 2x"."""
    return (urls.split() or [""])[0].rstrip(",") if isinstance(urls, str) else None


def _base(address: Any, base: Any) -> str:
    address = address.strip("<> ") if isinstance(address, str) else ""  # WARC/1.0 may put it into angle brackets
    try:
        return urljoin(address, base.strip()) if isinstance(base, str) else address
    except ValueError:
        return address


def _add_image(rows: Rows, image: int, url: Any, texts: list[Any], address: str) -> None:
    found = [text for text in texts if isinstance(text, str) and text.strip()]
    if not found:
        rows.dropped["image without text"] += 1
        return
    if len(set(found)) < len(found):
        rows.dropped["title repeats alt"] += 1
        del found[1:]
    where, reason = _resolved(url, address)
    if where is None:
        rows.dropped[reason] += len(found)
        return
    rows.notes[RESOLVED] += reason == RESOLVED
    for text in found:
        rows.add(Row(image, text, where))


def _resolved(url: Any, address: str) -> tuple[str | None, str]:
    """The whole url, and whether it was resolved; or None, and why there is none."""
    if not isinstance(url, str) or not (url := url.strip()):
        return None, "image without url"
    if _ABSOLUTE.match(url):
        return url, ""
    if scheme := _SCHEME.match(url):
        reasons = {"data:": "image url is a data: url", "http:": NOT_RESOLVED, "https:": NOT_RESOLVED}
        return None, reasons.get(scheme[0].lower(), "image url is not http")
    try:
        whole = urljoin(address, url)
    except ValueError:
        whole = ""
    return (whole, RESOLVED) if _ABSOLUTE.match(whole) else (None, NOT_RESOLVED)


def _at(value: Any, *names: str) -> Any:
    """What lies inside objects in objects; None if it is not there."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


FORMAT = Format(name="crawl", suffixes=SUFFIXES, fields=fields, read=read)
