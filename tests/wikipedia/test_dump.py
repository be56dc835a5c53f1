import bz2
import gzip

import pytest

from curation.errors import MissingFile, UnreadableFile
from curation.wikipedia.dump import Dump, Page
from wikipedia.dumps import PAGES, multistream, page, write_dump, xml

TITLES = ["Dog", "Hound", "Talk:Dog", "Cat"]


@pytest.mark.parametrize("version", ["0.10", "0.11"])
@pytest.mark.parametrize(
    ("name", "pack"),
    [("d.xml", bytes), ("d.xml.gz", gzip.compress), ("d.xml.bz2", bz2.compress), ("misnamed.bz2", bytes)],
)
def test_dumps_are_read_however_they_are_packed(tmp_path, version, name, pack):
    (tmp_path / name).write_bytes(pack(xml(version=version).encode()))
    dump = Dump(tmp_path / name)
    pages = list(dump.pages())
    assert [one.title for one in pages] == TITLES
    assert [(one.namespace, one.is_redirect) for one in pages] == [(0, False), (0, True), (1, False), (0, False)]
    assert pages[3].text == "{| class=x\n| cell\n|}\nA hot cat, Dogs\n"
    assert dump.namespaces == {"Special", "Datei"}
    assert dump.position == dump.size == (tmp_path / name).stat().st_size


def test_the_streams_of_a_multistream_dump_are_read_one_after_the_other(tmp_path):
    (tmp_path / "m.xml.bz2").write_bytes(multistream())
    assert [one.title for one in Dump(tmp_path / "m.xml.bz2").pages()] == TITLES


def test_a_page_is_whole_and_a_redirect_without_its_element_is_one_too(tmp_path):
    dump = write_dump(tmp_path / "d.bz2", [page("A & B", "x < y &amp; é"), page("R", "#Redirect [[A]]")])
    assert list(Dump(dump).pages()) == [
        Page("A & B", 0, False, "x < y &amp; é"),
        Page("R", 0, True, "#Redirect [[A]]"),
    ]


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_dump_cut_short_gives_its_pages_and_then_says_so(tmp_path, share):
    whole = multistream(PAGES * 20)
    (tmp_path / "d.bz2").write_bytes(whole[: int(len(whole) * share)])
    got = []
    with pytest.raises(UnreadableFile, match=r"d\.bz2: (cut short or damaged near byte|not whole XML)") as caught:
        got.extend(one.title for one in Dump(tmp_path / "d.bz2").pages())
    assert "\n" not in str(caught.value)


def test_a_multistream_dump_cut_between_streams_is_noticed(tmp_path):
    whole = multistream()
    (tmp_path / "d.bz2").write_bytes(whole[: whole.rindex(b"BZh")])
    with pytest.raises(UnreadableFile, match=r"not whole XML \(no element found.*ends with </mediawiki>"):
        list(Dump(tmp_path / "d.bz2").pages())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither XML nor XML in bzip2 or gzip"),
        (b"\xfd7zXZ\x00", "neither XML nor XML in bzip2 or gzip"),
        (b"BZh9 and then nothing", "cut short or damaged near byte"),
        (b"\x1f\x8b\x08 and then nothing", "cut short or damaged near byte"),
        (b"<html></html>", "XML of <html>, not of <mediawiki>"),
        (b"<mediawiki><page></mediawiki>", "not whole XML"),
        (b"<mediawiki><page><ns>one</ns></page></mediawiki>", "namespace 'one', not a number"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><mediawiki>&a;</mediawiki>', "a DOCTYPE"),
    ],
)
def test_what_is_no_dump_is_one_clear_line(tmp_path, content, message):
    (tmp_path / "d.xml").write_bytes(content)
    with pytest.raises(UnreadableFile, match=message) as caught:
        list(Dump(tmp_path / "d.xml").pages())
    assert "\n" not in str(caught.value)


def test_a_dump_that_is_not_there(tmp_path):
    with pytest.raises(MissingFile, match="no such file; give a pages-articles dump"):
        Dump(tmp_path / "none.xml.bz2")
