import gzip
import time

import pytest
from fastwarc.warc import WarcRecordType

from curation.errors import UnreadableFile
from curation.pool.crawl import FORMAT, NO_END_MARK, PAGES, RECORDS, RESOLVED
from pool.reading import read_all, real_file
from pool.warcs import record, warc_record, wat_record, write_records

PAGE = "https://a.example/dir/page.html"


def pairs(path):
    """((row, text, url), ...) and what was dropped."""
    rows, dropped, _, _ = read_all(path)
    return [(row["row"], row["text"], row["url"]) for row in rows], dropped


def image(url, **texts):
    return {"path": "IMG@/src", "url": url, **texts}


def test_each_text_of_an_image_is_a_row_and_those_of_one_image_share_its_number(tmp_path):
    links = [
        {"path": "A@/href", "url": "https://a.example/x", "text": "no image"},
        image("https://b.example/1.jpg", alt="a dog", title="Rex"),
        {"path": "IMG@/data-src", "url": "https://b.example/2.jpg", "title": "a cat"},
        {"path": "IMG@/srcset", "url": "https://b.example/3-1x.jpg 1x, https://b.example/3-2x.jpg 2x", "alt": "a bird"},
    ]
    path = write_records(tmp_path / "p.wat.gz", [wat_record(PAGE, links), wat_record(PAGE, [image("/4.jpg", alt="x")])])
    assert pairs(path) == (
        [
            (0, "a dog", "https://b.example/1.jpg"),
            (0, "Rex", "https://b.example/1.jpg"),
            (1, "a cat", "https://b.example/2.jpg"),
            (2, "a bird", "https://b.example/3-1x.jpg"),
            (3, "x", "https://a.example/4.jpg"),
        ],
        {},
    )
    assert read_all(path)[3] == {RECORDS: 2, PAGES: 2, RESOLVED: 1, NO_END_MARK: 1}
    assert FORMAT.fields(path) == ["text", "url"]


@pytest.mark.parametrize(
    ("url", "base", "whole"),
    [
        ("1.jpg", None, "https://a.example/dir/1.jpg"),
        ("../1.jpg", None, "https://a.example/1.jpg"),
        ("/1.jpg?a=b", None, "https://a.example/1.jpg?a=b"),
        ("//c.example/1.jpg", None, "https://c.example/1.jpg"),
        (" 1.jpg\n", None, "https://a.example/dir/1.jpg"),
        ("1.jpg", "https://cdn.example/", "https://cdn.example/1.jpg"),
        ("1.jpg", "/img/", "https://a.example/img/1.jpg"),
        ("1.jpg", "https://[bad", "https://a.example/dir/1.jpg"),
    ],
)
def test_relative_urls_are_resolved_as_a_browser_does(tmp_path, url, base, whole):
    wat = write_records(tmp_path / "p.wat", [wat_record(PAGE, [image(url, alt="a")], base)])
    page = f"<base href='{base}'><img src='{url}' alt=a>" if base else f"<img src='{url}' alt=a>"
    warc = write_records(tmp_path / "p.warc", [warc_record(PAGE, page)])
    for path in (wat, warc):
        assert pairs(path) == ([(0, "a", whole)], {})
        assert read_all(path)[3][RESOLVED] == 1


def test_images_that_cannot_be_used_are_counted_with_their_reason(tmp_path):
    links = [
        image("1.jpg"),
        image("1.jpg", alt="", title="  \n"),
        image("1.jpg", alt=None, title=7),
        image("data:image/png;base64,AAAA", alt="a", title="b"),
        image("ftp://a.example/1.jpg", alt="a"),
        image("javascript:void(0)", alt="a"),
        image("http://[::1", alt="a"),
        image("https://", alt="a"),
        image("http://[2001:db8::1]/", alt="a number"),
        image("", alt="a"),
        image(None, alt="a"),
        image("2.jpg", alt="same", title="same"),
        image("3.jpg", alt="\ud83d"),
    ]
    found, dropped = pairs(write_records(tmp_path / "p.wat", [wat_record(PAGE, links)]))
    assert found == [(8, "a number", "http://[2001:db8::1]/"), (11, "same", "https://a.example/dir/2.jpg")]
    assert dropped == {
        "image without text": 3,
        "image url is a data: url": 2,
        "image url is not http": 2,
        "image url cannot be resolved": 2,
        "image without url": 2,
        "title repeats alt": 1,
        "text is not UTF-8": 1,
    }


def test_a_relative_url_on_a_page_without_address_is_counted(tmp_path):
    path = write_records(tmp_path / "p.wat", [wat_record("", [image("1.jpg", alt="a")])])
    assert pairs(path) == ([], {"image url cannot be resolved": 1})


def test_records_that_are_no_json_or_of_another_shape_are_no_harm(tmp_path):
    bodies = [
        b"{",
        b"[" * 100_000,
        b"caf\xe9",
        b"[1]",
        b"null",
        b'{"Envelope": 5}',
        b'{"Envelope": {"Payload-Metadata": []}}',
    ]
    odd = wat_record(PAGE, "no list"), wat_record(PAGE, [None, 5, {}, {"path": ["x"]}])
    records = [record(WarcRecordType.metadata, PAGE, "application/json", body) for body in bodies]
    path = write_records(tmp_path / "p.wat", [*records, *odd, wat_record(PAGE, [image("1.jpg", alt="a")])])
    found, dropped = pairs(path)
    assert [text for _, text, _ in found] == ["a"]
    assert dropped == {"record is not JSON": 2, "record nested too deep": 1}


def records_of(n):
    return [wat_record(PAGE, [image(f"{at}.jpg", alt=f"text {at}")]) for at in range(n)]


def test_a_cut_inside_a_record_is_told_and_what_stands_before_it_is_read(tmp_path):
    for name in ("p.wat", "p.wat.gz"):
        path = write_records(tmp_path / name, records_of(10))
        path.write_bytes(path.read_bytes()[:-20])
        rows, dropped, damages, _ = read_all(path)
        assert [row["text"] for row in rows] == [f"text {at}" for at in range(9)]
        assert dropped == {"record does not end where its length says": 1}
        assert [damage.split(": ")[1][:9] for damage in damages] == (["cut short"] if name.endswith("gz") else [])


def test_a_cut_between_two_records_shows_in_their_number_only(tmp_path):
    path = write_records(tmp_path / "p.wat.gz", records_of(5))
    rows, dropped, damages, notes = read_all(path)
    assert (len(rows), dropped, damages) == (5, {}, [])
    assert (notes[RECORDS], notes[NO_END_MARK]) == (5, 1)


@pytest.mark.parametrize("lie", [-10, 50, 5_000, 31_000_000, 40_000_000, 10**15])
def test_a_record_that_lies_about_its_length_swallows_no_other(tmp_path, lie):
    records = records_of(15)
    length = len(records[4].partition(b"\r\n\r\n")[2]) - 4
    records[4] = records[4].replace(b"Content-Length: %d" % length, b"Content-Length: %d" % (length + lie))
    for name in ("p.wat", "p.wat.gz"):
        found, dropped = pairs(write_records(tmp_path / name, records))
        assert [text for _, text, _ in found] == [f"text {at}" for at in range(15) if at != 4]
        assert sum(dropped.values()) == 1


@pytest.mark.parametrize("value", [b"", b"-5", b"1e3", b"\xc2\xb2", b"many"])
def test_a_record_without_a_length_is_counted(tmp_path, value):
    records = records_of(3)
    length = len(records[1].partition(b"\r\n\r\n")[2]) - 4
    records[1] = records[1].replace(b"Content-Length: %d" % length, b"Content-Length: " + value)
    found, dropped = pairs(write_records(tmp_path / "p.wat", records))
    assert [text for _, text, _ in found] == ["text 0", "text 2"]
    assert dropped == {"record without a header that can be read": 1}


def test_a_bomb_is_counted_and_never_held(tmp_path):
    import tracemalloc

    one = b"WARC/1.0\r\nWARC-Type: metadata\r\nContent-Type: application/json\r\nContent-Length: 300000000\r\n\r\n"
    records = records_of(2)
    path = tmp_path / "p.wat.gz"
    middle = [gzip.compress(one)] + [gzip.compress(bytes(50_000_000))] * 6 + [gzip.compress(b"\r\n\r\n")]
    path.write_bytes(b"".join([gzip.compress(records[0]), *middle, gzip.compress(records[1])]))
    assert path.stat().st_size < 400_000
    tracemalloc.start()
    found, dropped = pairs(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [text for _, text, _ in found] == ["text 0", "text 1"]
    assert dropped == {"record longer than 32 MB": 1}
    assert peak < 100e6


def test_bytes_between_records_are_damage(tmp_path):
    records = records_of(2)
    path = tmp_path / "p.wat"
    path.write_bytes(records[0] + b"garbage\r\n\r\n" + records[1])
    rows, dropped, damages, _ = read_all(path)
    assert ([row["text"] for row in rows], dropped) == (["text 0", "text 1"], {})
    assert damages == [f"{path}: 11 bytes are in no record"]


def test_what_is_no_warc_is_refused(tmp_path):
    (tmp_path / "p.warc").write_bytes(b"<html>" * 100)
    with pytest.raises(UnreadableFile, match="no WARC or WAT"):
        read_all(tmp_path / "p.warc")
    with pytest.raises(UnreadableFile, match="no WARC or WAT"):
        FORMAT.fields(tmp_path / "p.warc")


def test_the_images_of_pages_are_found_where_a_browser_finds_them(tmp_path):
    page = """<!DOCTYPE html><title><img src=0.jpg alt=title></title>
      <!-- <img src=0.jpg alt=comment> --><script>"<img src=0.jpg alt=script>"</script>
      <style><img src=0 alt=style></style>
      <img src="1.jpg" alt="a &lt;dog&gt; &amp; &quot;cat&quot;" title='Rex > Tom'>
      <IMG ALT=unquoted SRC=2.jpg><img src=3.jpg alt="two
lines"/><a title="<img src=0.jpg alt=inside>"><img alt="lazy" src="data:image/gif;base64,R0" data-src="4.jpg">
      <img alt=set srcset="5-1x.jpg 1x, 5-2x.jpg 2x"><noscript><img src=6.jpg alt=noscript></noscript>
      <image src=0.jpg alt=image><imgx src=0.jpg alt=imgx><img src=7.jpg><img src=8.jpg alt=last"""
    found, dropped = pairs(write_records(tmp_path / "p.warc.gz", [warc_record(PAGE, page)]))
    assert [(text, url.rpartition("/")[2]) for _, text, url in found] == [
        ('a <dog> & "cat"', "1.jpg"),
        ("Rex > Tom", "1.jpg"),
        ("unquoted", "2.jpg"),
        ("two\nlines", "3.jpg"),
        ("lazy", "4.jpg"),
        ("set", "5-1x.jpg"),
        ("noscript", "6.jpg"),
    ]
    assert dropped == {"image without text": 1}


@pytest.mark.parametrize(
    ("headers", "meta", "encoding"),
    [
        ("Content-Type: text/html; charset=windows-1251", "", "windows-1251"),
        ("Content-Type: text/html", "<meta charset=windows-1251>", "windows-1251"),
        ("Content-Type: text/html", "", "utf-8"),
        ("Content-Type: text/html; charset=nonsense", "", "utf-8"),
    ],
)
def test_pages_are_decoded_as_they_say(tmp_path, headers, meta, encoding):
    page = f"{meta}<img src=1.jpg alt='собака'>".encode(encoding)
    assert pairs(write_records(tmp_path / "p.warc", [warc_record(PAGE, page, headers)]))[0][0][1] == "собака"


def test_a_page_of_no_said_encoding_that_is_no_utf8_is_windows_1252(tmp_path):
    for headers in ("Content-Type: text/html", "Content-Type: text/html; charset=iso-8859-1"):
        path = write_records(tmp_path / "p.warc", [warc_record(PAGE, b"<img src=1.jpg alt='caf\xe9 \x80'>", headers)])
        assert pairs(path)[0][0][1] == "café €"


def test_encodings_of_http_are_undone_and_broken_ones_counted(tmp_path):
    page = gzip.compress(b"<img src=1.jpg alt=zipped>")
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(page), page)
    headers = "Content-Type: text/html\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked"
    records = [
        warc_record(PAGE, chunked, headers),
        warc_record(PAGE, chunked[:-25], headers),
        warc_record(PAGE, b"<img src=1.jpg alt=plain>", headers),
        warc_record(PAGE, gzip.compress(bytes(40_000_000)), "Content-Type: text/html\r\nContent-Encoding: gzip"),
        warc_record(PAGE, b"\xff\xd8", "Content-Type: image/jpeg"),
        record(WarcRecordType.response, PAGE, "application/http; msgtype=response", b"no http at all"),
        record(WarcRecordType.request, PAGE, "application/http; msgtype=request", b"GET / HTTP/1.1\r\n\r\n"),
    ]
    found, dropped = pairs(write_records(tmp_path / "p.warc", records))
    assert [text for _, text, _ in found] == ["zipped"]
    assert dropped == {"page cannot be decoded": 2, "page longer than 32 MB": 1}


@pytest.mark.parametrize(
    "part",
    [
        "<div>",
        "<img '",
        "<img alt='",
        '<img alt="',
        "<a ",
        "<a =",
        "<!--",
        "<",
        "<script>",
        "</",
        "<img a=",
        "<b><i>",
        "<!",
        "<p",
        "<meta ",
    ],
)
def test_no_page_takes_time_that_grows_with_the_square_of_its_length(tmp_path, part):
    path = write_records(
        tmp_path / "p.warc", [warc_record(PAGE, part * 500_000 + ">'\"--></script><img src=1.jpg alt=a>")]
    )
    start = time.process_time()
    read_all(path)
    assert time.process_time() - start < 20


def test_the_crawled_page_is_read_from_warc_and_has_no_links_in_its_wat():
    rows, dropped, damages, notes = read_all(real_file("whirlwind.warc.gz"))
    assert [(row["row"], row["text"]) for row in rows][:2] == [(1, "Biquipedia"), (2, "A enciclopedia libre")]
    assert all(row["url"].startswith("https://") and len(row["uid"]) == 32 for row in rows)
    assert (len(rows), dropped, damages) == (7, {"image without text": 6}, [])
    assert (notes[RECORDS], notes[PAGES], notes[RESOLVED]) == (4, 1, 7)
    rows, dropped, damages, notes = read_all(real_file("whirlwind.warc.wat.gz"))
    assert (rows, dropped, damages, notes[RECORDS]) == ([], {}, [], 2)
