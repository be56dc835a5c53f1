"""The images of a web page."""

import re
from collections.abc import Iterator

# Linear in any page: a tag, comment or quote that never ends reaches to the end, and nothing is tried twice.
_TAG = re.compile(
    rb"""<!--.*?(?:--!?>|\Z)
       | <([a-z][^\s/>]*+) (?: [^>=]++ | =\s*+ (?: "[^"]*+(?:"|\Z) | '[^']*+(?:'|\Z) )?+ )*+ (?:>|\Z)""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_NO_TAGS_INSIDE = (b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes")
_ENDS = {name: re.compile(rb"</" + name + rb"(?=[\s/>])", re.IGNORECASE) for name in _NO_TAGS_INSIDE}
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-z0-9_:.-]{1,40})""", re.IGNORECASE)


def image_tags(page: bytes, charset: str | None) -> tuple[str | None, list[dict[str, str | None]]]:
    """The address that relative ones on a page are relative to, if it names one, and the attributes of its images.

    charset: as the server said; else what the page says counts, and else UTF-8, or Windows-1252 if it is not that
    """
    from selectolax.lexbor import LexborHTMLParser

    # A tree of the whole page takes time that grows with the square of its depth: only flat tags go into it.
    tags = b"".join(_tags(page)).decode(_encoding(page, charset), "replace")
    tree = LexborHTMLParser(tags)
    bases = (node.attributes.get("href") for node in tree.css("base"))
    return next(filter(None, bases), None), [dict(node.attributes) for node in tree.css("img")]


def _tags(page: bytes) -> Iterator[bytes]:
    at = 0
    while tag := _TAG.search(page, at):
        at = tag.end()
        name = (tag[1] or b"").lower()
        if name in (b"img", b"base"):
            yield tag[0]
        elif name in _ENDS:
            end = _ENDS[name].search(page, at)
            at = end.start() if end else len(page)


def _encoding(page: bytes, charset: str | None) -> str:
    if charset is None and (said := _CHARSET.search(page, 0, 4096)):
        charset = said[1].decode("ascii")
    if charset is None:
        return "utf-8" if _is_utf8(page) else "windows-1252"
    if charset.lower() in ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"):
        return "windows-1252"  # as browsers have it
    try:
        b"".decode(charset)
        "".encode(charset)
    except (LookupError, UnicodeError, ValueError):
        return "utf-8"
    return charset


def _is_utf8(page: bytes) -> bool:
    try:
        page.decode()
    except UnicodeDecodeError:
        return False
    return True
