"""Wikitext as plain text, by rules that need no look at any other page (docs/metadata.md lists them).

Templates are not expanded: what one would put there is not known, so a line break, which no bigram crosses, stands in
its place. Every rule takes time linear in the length of the page, also on markup that is never closed.
"""

import html
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

_ENGLISH = (
    "Media Special Talk User Wikipedia Project WP WT File Image MediaWiki Template Help Category Portal Draft MOS"
    " TimedText Module Book Gadget Topic"
)
NAMESPACES = frozenset(_ENGLISH.split(" "))
"""Names of English Wikipedia's namespaces and their aliases; each but the first two also has one for its talk pages."""

_GONE = "math chem ce gallery pre source syntaxhighlight score timeline imagemap hiero graph mapframe maplink inputbox"
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_BLOCK = re.compile(
    r"\{\{|\}\}|^[ :]*\{\||^\|\}(?!\}(?!\}))"
    rf"|<(?P<slash>/?)(?P<name>ref|{'|'.join(_GONE.split())})\b(?P<attributes>[^<>]*)>",
    re.M | re.I,
)
_LANGUAGE_LINK = re.compile(r"\[\[[a-z]{2,3}(?:-[a-z]+)*:[^\[\]|]*\]\]")
_LINK = re.compile(r"\[\[:?(?:[^\[\]|]*\|)?([^\[\]]*)\]\]")
_SUBSTITUTIONS = [
    (needle, re.compile(pattern, re.M | re.I), replacement)
    for needle, pattern, replacement in [
        ("//", r"\[(?:https?:|ftp:)?//[^\s\[\]]+ *([^\[\]\n]*)\]", r"\1"),
        ("://", r"\b(?:https?|ftp)://[^\s<>\"\[\]]+", "\n"),
        ("<", r"</?(?:br|p|div|li|ul|ol|dl|dt|dd|td|tr|th|table|hr|blockquote|center|poem|h[1-6])\b[^<>]*>", "\n"),
        ("<", r"</?[a-z][^<>]*>", ""),
        ("''", r"'{2,}", ""),
        ("__", r"__[a-z]+__", ""),
        ("", r"^[ *#:;]+|^-{4,}", ""),
        ("=", r"^=+|=+[ \t]*$", ""),
    ]
]
"""Each is tried only where its needle stands in the text at all, which is told much faster."""

_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\ufeff]")
_BLANKS = re.compile(r"[^\S\n]{2,}|[^\S\n ]")
_EMPTY_LINES = re.compile(r" ?\n[ \n]*")


def plain_text(wikitext: str, namespaces: Iterable[str] = NAMESPACES) -> str:
    """What a reader of the page sees of its prose; lines are what belongs together, and blanks are single spaces.

    namespaces: links into these (files, categories) vanish; any other link leaves its label

    >>> plain_text("'''Dogs''' chase [[Cat|cats]]{{cn}} & [[ball]]s<ref>Smith</ref>. [[File:Dog.jpg|a dog]]")
    'Dogs chase cats\\n& balls.'
    """
    text = _without_blocks(_COMMENT.sub("", wikitext))
    namespace_link = _namespace_link(frozenset(namespaces))
    text = namespace_link.sub("\n", text)
    text = _LINK.sub(r"\1", _LANGUAGE_LINK.sub("\n", text))
    text = namespace_link.sub("\n", text)  # a file whose caption held links until now
    for needle, pattern, replacement in _SUBSTITUTIONS:
        if needle in text:
            text = pattern.sub(replacement, text)
    text = _INVISIBLE.sub("", html.unescape(text))
    return _EMPTY_LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


@lru_cache(maxsize=8)
def _namespace_link(namespaces: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(namespaces))
    return re.compile(rf"\[\[\s*(?:{names})(?: talk)?\s*:[^\[\]]*\]\]", re.I)


def _without_blocks(text: str) -> str:
    """The text without templates, tables and the elements that hold no prose, nested as they may be.

    An opening mark without its closing one is text, as it is for MediaWiki.
    """
    opened: list[tuple[str, int]] = []
    count: Counter[str] = Counter()
    spans: list[tuple[int, int, str]] = []
    for mark in _BLOCK.finditer(text):
        kind, role = _meaning(mark)
        if role == "opens":
            opened.append((kind, mark.start()))
            count[kind] += 1
        elif role == "stands alone":
            spans.append((mark.start(), mark.end(), kind))
        elif count[kind]:
            while (last := opened.pop())[0] != kind:
                count[last[0]] -= 1
            count[kind] -= 1
            while spans and spans[-1][0] > last[1]:  # they are inside
                spans.pop()
            spans.append((last[1], mark.end(), kind))
    return _cut(text, spans)


def _meaning(mark: re.Match[str]) -> tuple[str, str]:
    if name := mark["name"]:
        alone = mark["attributes"].endswith("/")
        return name.lower(), "closes" if mark["slash"] else "stands alone" if alone else "opens"
    kind = "template" if mark[0] in ("{{", "}}") else "table"
    return kind, "opens" if "{" in mark[0] else "closes"


def _cut(text: str, spans: list[tuple[int, int, str]]) -> str:
    parts, at = [], 0
    for start, stop, kind in spans:
        # a footnote leaves no gap between the words around it
        parts += [text[at:start], "" if kind == "ref" else "\n"]
        at = stop
    return "".join([*parts, text[at:]])
