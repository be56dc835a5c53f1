"""Small dumps and page-view files in their true formats."""

import bz2
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

HEAD = """\
<mediawiki xmlns="http://www.mediawiki.org/xml/export-{version}/" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.mediawiki.org/xml/export-{version}/ http://www.mediawiki.org/xml/export-{version}.xsd" \
version="{version}" xml:lang="en">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>enwiki</dbname>
    <namespaces>
      <namespace key="-1" case="first-letter">Special</namespace>
      <namespace key="0" case="first-letter" />
      <namespace key="6" case="first-letter">Datei</namespace>
    </namespaces>
  </siteinfo>
"""
TAIL = "</mediawiki>\n"


def page(title: str, text: str, namespace: int = 0, redirect: bool = False) -> str:
    return f"""\
  <page>
    <title>{escape(title)}</title>
    <ns>{namespace}</ns>
    <id>12</id>
{f'    <redirect title="Dog" />{chr(10)}' if redirect else ""}    <revision>
      <id>34</id>
      <timestamp>2024-01-01T00:00:00Z</timestamp>
      <contributor><username>ns</username><id>5</id></contributor>
      <comment>a [[comment]] with a title</comment>
      <model>wikitext</model>
      <format>text/x-wiki</format>
      <text bytes="{len(text.encode())}" xml:space="preserve">{escape(text)}</text>
      <sha1>abc</sha1>
    </revision>
  </page>
"""


PAGES = [
    page(
        "Dog", "'''Dogs''' are [[animal]]s.<ref>Smith</ref> A {{cn}} hot dog & a hot dog\n[[Datei:Dog.jpg|a hot dog]]"
    ),
    page("Hound", "#REDIRECT [[Dog]]", redirect=True),
    page("Talk:Dog", "hot dog hot dog", namespace=1),
    page("Cat", "{| class=x\n| cell\n|}\nA hot cat, Dogs\n"),
]
"""Two articles: "Dogs are animals. A | hot dog & a hot dog" and "A hot cat, Dogs"."""

WORDS = {"A": 2, "Dogs": 2, "a": 1, "animals": 1, "are": 1, "cat": 1, "dog": 2, "hot": 3}
PAIRS = {"A hot": 1, "Dogs are": 1, "a hot": 1, "are animals": 1, "hot cat": 1, "hot dog": 2}


def xml(pages: Sequence[str] = PAGES, version: str = "0.11") -> str:
    return HEAD.format(version=version) + "".join(pages) + TAIL


def write_dump(path: Path, pages: Sequence[str] = PAGES) -> Path:
    path.write_bytes(bz2.compress(xml(pages).encode()))
    return path


def multistream(pages: Sequence[str] = PAGES) -> bytes:
    """Each piece a bzip2 stream of its own, as in pages-articles-multistream.xml.bz2."""
    return b"".join(bz2.compress(part.encode()) for part in [HEAD.format(version="0.11"), *pages, TAIL])


def many_pages(n: int = 60) -> list[str]:
    """Articles over few words, so that counts of one n-gram come from many pages."""
    return [page(f"P{k}", " ".join(f"w{(k * j) % 17} é{j % 5}" for j in range(30))) for k in range(n)]
