"""Files of pools that are known to do harm, and good ones to be mutated."""

# ruff: noqa: E501  # tables of data read better with what belongs together on a line

import csv
import gzip
import io
import json
import struct
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bad_inputs import BadInput
from browser.hostile import hostile_texts
from pool.warcs import warc_record, wat_record
from tars import DAMAGED, add, samples, tar_bytes

ROWS = 60
TEXTS = [f"text {n}, of\nmany {n * n}" for n in range(ROWS)]
URLS = [f"https://pool.example/{n}.jpg" for n in range(ROWS)]

CAPTIONS = [
    *hostile_texts("https://canary.example"),
    "", " ", "\0", "a\0b", "\ufeff", "\ud83d", "\udc80\udcff", "x" * 999_999, "é" * 500_001, "*a" * 100_000, "\u0300" * 10_000,
    "NA", "null", "None", "nan", "#", "# no comment", "-", "=cmd|'/c calc'!A0", '"', '""', "'", "\\", "\\N", "\n", "\r", "\r\n",
    "\x1a", "\x85", "\u2028", "\U0010ffff", "\ufffe", "[" * 1000, "{}", "[]", "true", "1e999", "%s%n", "{0.__class__}", "a" * 300 + "\n" * 300,
]  # fmt: skip

BYTES = [
    b"\xff", b"\xfe\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\x80", b"caf\xe9",
    b"\x93quoted\x94", b"\xc3", b"ok \xc3\x28", b"\xef\xbb\xbfbom", b"\xff\xfea\0b\0", b"\0\0\0a", b"\xed\xb0\x80", b"\xa4\xa4\xa4\xe5",
    b"good", "gut ä".encode(), b"\xff" * 100_000,
]  # fmt: skip


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def arrow(table: pa.Table, stream: bool = True) -> bytes:
    out = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(out, table.schema) as writer:
        writer.write_table(table, 20)
    return out.getvalue()


def table(texts: Any = TEXTS) -> pa.Table:
    return pa.table({"text": texts, "url": URLS[: len(texts)]})


def json_lines(texts: list[Any]) -> bytes:
    return "".join(json.dumps({"text": text, "url": "u"}) + "\n" for text in texts).encode()


def as_csv(texts: list[str], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([("text", "url"), *((text, "u") for text in texts)])
    return out.getvalue().encode("utf-8", "surrogatepass")


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, "zstd", asbytes=True)) if not data else _zstd_frame(data)


def _zstd_frame(data: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as compressed:
        compressed.write(data)
    return out.getvalue().to_pybytes()


def wat(texts: list[str]) -> bytes:
    link = {"path": "IMG@/src", "url": "/a.jpg"}
    return b"".join(gzip.compress(wat_record("https://a.example/", [link | {"alt": text}]), mtime=0) for text in texts)


def pages(texts: list[str]) -> bytes:
    return b"".join(warc_record("https://a.example/", f"<img src=/a.jpg alt='{text}'>") for text in texts)


def metaclip(texts: list[Any]) -> bytes:
    return json.dumps([{"uuid": str(n), "texts": [["alt", text]], "url": "u"} for n, text in enumerate(texts)]).encode()


def good(file: str, data: Callable[[], bytes]) -> BadInput:
    return BadInput("good", file, data, rows=ROWS)


GOOD_POOLS = [
    good("zstd.parquet", lambda: parquet(table(), compression="zstd", row_group_size=20)),
    good("plain.parquet", lambda: parquet(table(), compression="none", use_dictionary=False)),
    good("snappy.parquet", lambda: parquet(table(["a", "b"] * 30))),
    good("checked.parquet", lambda: parquet(table(), write_page_checksum=True)),
    good("nested.parquet", lambda: parquet(table([[text, None] for text in TEXTS]))),
    good("a.csv", lambda: as_csv(TEXTS)),
    good("a.tsv.gz", lambda: gzip.compress(as_csv(TEXTS, "\t"), mtime=0)),
    good("a.jsonl", lambda: json_lines(TEXTS)),
    good("a.jsonl.zst", lambda: zstd(json_lines(TEXTS))),
    good("a.json", lambda: metaclip(TEXTS)),
    good("a.warc.wat.gz", lambda: wat(TEXTS)),
    good("a.warc", lambda: pages([f"text {n}" for n in range(ROWS)])),
    good("a.tar", lambda: tar_bytes(samples(range(ROWS)))),
    good("a.arrow", lambda: arrow(table())),
    good("file.arrow", lambda: arrow(table(), stream=False)),
]


def named_pools() -> Iterator[BadInput]:
    """What is known to do harm, by the rows of the list of hazards."""
    for number, text in enumerate(CAPTIONS):
        yield BadInput(f"caption {number}", "c.jsonl", lambda text=text: json_lines([text, "good"]), rows=2)
        yield BadInput(f"caption {number}", "c.csv", lambda text=text: as_csv([text, "good"]))
        if text.isprintable():
            yield BadInput(f"caption {number}", "c.warc.wat.gz", lambda text=text: wat([text, "good"]), rows=2)
            yield BadInput(f"caption {number}", "c.parquet", lambda text=text: parquet(table([text, "good"])), rows=2)
    for number, data in enumerate(BYTES):
        texts = pa.array([data, b"good"], pa.binary())
        for file, write in {"b.parquet": parquet, "b.arrow": arrow}.items():
            yield BadInput(f"bytes {number}", file, lambda texts=texts, write=write: write(table(texts)), rows=2)
            as_string = lambda texts=texts, write=write: write(table(texts.view(pa.string())))  # noqa: E731
            yield BadInput(f"bytes {number} as string", file, as_string, rows=2)
        yield BadInput(f"bytes {number}", "b.csv", lambda data=data: b"text,url\n" + data + b",u\ngood,u\n")
        yield BadInput(f"bytes {number}", "b.jsonl", lambda data=data: b'{"text": "' + data + b'"}\n{"text": "good"}\n')
        yield BadInput(
            f"bytes {number}", "b.tar", lambda data=data: tar_bytes([("a.txt", data), ("b.txt", b"good")]), rows=2
        )
    for sort in (_parquet_shapes, _delimited, _json, _crawl, _tars, _bombs):
        yield from sort()


def _parquet_shapes() -> Iterator[BadInput]:
    shapes: dict[str, Any] = {
        "null": pa.nulls(3), "null strings": pa.nulls(3, pa.string()), "empty": pa.array([], pa.string()),
        "integers": pa.array([1, 2, 3]), "floats": pa.array([1.5, float("nan"), None]), "booleans": pa.array([True, False, None]),
        "lists": pa.array([["a", "b"], [], None]), "large lists": pa.array([["a"], [None]], pa.large_list(pa.string())),
        "fixed lists": pa.array([["a", "b"], None], pa.list_(pa.string(), 2)), "lists of lists": pa.array([[["a"]]]),
        "struct": pa.array([{"a": "b"}, None]), "map": pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string())),
        "dictionary": pa.array(["a", "b", None]).dictionary_encode(), "large": pa.array(["a"], pa.large_string()),
        "views": pa.array(["a" * 20, "b", None], pa.string_view()), "binary views": pa.array([b"\xff" * 20, b"b"], pa.binary_view()),
        "fixed bytes": pa.array([b"abc"], pa.binary(3)), "dates": pa.array([1, 2], pa.date32()), "decimal": pa.array(["1"]).cast(pa.decimal128(5, 2)),
        "times": pa.array([1], pa.timestamp("ns", "UTC")), "dictionary of numbers": pa.array([1, 1]).dictionary_encode(),
        "list of numbers": pa.array([[1]]), "list of dictionary": pa.array([["a"]], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
    }  # fmt: skip
    for name, column in shapes.items():
        for file, write in {"s.parquet": parquet, "s.arrow": arrow}.items():
            yield BadInput(
                f"text of {name}", file, lambda column=column, write=write: write(pa.table({"text": column}))
            )
            others = pa.table(dict.fromkeys(("uid", "url", "width", "height", "language", "image"), column))
            made = others.append_column("text", pa.array(["a"] * len(column)))
            yield BadInput(f"others of {name}", file, lambda made=made, write=write: write(made))
    views = pa.ListViewArray.from_arrays(
        pa.array([0, 0, 1], pa.int32()), pa.array([2, 2, 1], pa.int32()), pa.array(["a", "b"])
    )
    yield BadInput("list views", "v.arrow", lambda: arrow(pa.table({"text": views})))
    view_dictionary = pa.DictionaryArray.from_arrays(pa.array([0, 0, None]), pa.array(["a" * 30], pa.string_view()))
    yield BadInput("dictionary of views", "v.arrow", lambda: arrow(pa.table({"text": view_dictionary})), rows=3)
    twice = pa.table([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    for file, write in {"t.parquet": parquet, "t.arrow": arrow}.items():
        yield BadInput("text twice", file, lambda write=write: write(twice))
        yield BadInput("no text", file, lambda write=write: write(pa.table({"other": ["a"]})))
        yield BadInput("no column", file, lambda write=write: write(pa.table({})))
        yield BadInput(
            "name of newlines",
            file,
            lambda write=write: write(pa.table({"\n\0\x1b[31m": ["a"], "text": ["b"]})),
            rows=1,
        )
    for number, data in enumerate(
        (b"", b"PAR1", b"PAR1PAR1", b"PAR1" + b"\xff" * 4 + b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"\0" * 5000)
    ):
        yield BadInput(f"hardly anything {number}", "h.parquet", lambda data=data: data)
        yield BadInput(f"hardly anything {number}", "h.arrow", lambda data=data: data)
        yield BadInput(f"hardly anything {number}", "h.tar", lambda data=data: data)
    yield BadInput(
        "3,000 columns",
        "w.parquet",
        lambda: parquet(pa.table({f"c{n}": ["a"] for n in range(3000)} | {"text": ["a"]})),
        rows=1,
        slow=True,
    )
    yield BadInput(
        "20,000 row groups",
        "g.parquet",
        lambda: parquet(pa.table({"text": ["a"] * 20_000}), row_group_size=1),
        rows=20_000,
        slow=True,
    )
    yield BadInput(
        "negative sizes",
        "n.parquet",
        lambda: parquet(pa.table({"text": ["a"], "width": [-1], "height": [2**40]})),
        rows=1,
    )


def _delimited() -> Iterator[BadInput]:
    head, rows = b"text,url\n", b"a,u\nb,u\n"
    for name, data in {
        "nothing": b"", "header only": head, "no header": b"\n\n", "mark": b"\xef\xbb\xbf" + head + rows, "UTF-16": (head + rows).decode().encode("utf-16"),
        "UTF-32": (head + rows).decode().encode("utf-32"), "NUL": head + b"a\0b,u\n", "carriage returns": (head + rows).replace(b"\n", b"\r"),
        "both line ends": head + b"a,u\r\nb,u\n", "quote open": head + b'"a,u\nb,u\nc,u\n', "quote inside": head + b'a"b,u\n"a"b,u\n',
        "quotes in header": b'"text,url\n' + rows, "too few fields": head + b"a\nb,u\n", "too many": head + b"a,u,x\n", "blank lines": head + b"\n\n" + rows,
        "no end": head + b"a,u", "header twice": b"text,text\na,b\n", "many quotes": head + b'"\n' * 5000, "only delimiters": b"," * 1000 + b"\n" + b"," * 1000,
        "late new line": head + b"a,u\n" * 3000 + b'"a\nb",u\n', "ctrl-z": head + b"a,u\n\x1ab,u\n", "backslash": head + b'"a\\"b",u\n', "comment": head + b"# a,u\n#,u\n",
        "3,000 columns": b",".join(b"c%d" % n for n in range(3000)) + b",text\n" + b"," * 3000 + b"a\n", "lines of separators": head + "a\u2028b,u\n".encode(),
    }.items():  # fmt: skip
        yield BadInput(name, "d.csv", lambda data=data: data)
        yield BadInput(name, "d.tsv", lambda data=data: data.replace(b",", b"\t"))
    yield BadInput("a line of 20 MB", "d.csv", lambda: head + b"x" * 20_000_000 + b",u\na,u\n", rows=2, slow=True)
    yield BadInput("a quote over 2,000,000 lines", "d.csv", lambda: head + b'"' + b"x,u\n" * 2_000_000, slow=True)
    yield from _gzips("d.csv.gz", head + b"a,u\n" * 5000)


def _gzips(file: str, data: bytes) -> Iterator[BadInput]:
    whole = gzip.compress(data, mtime=0)
    half = gzip.compress(data[: len(data) // 2], mtime=0)
    for name, made in {
        "two members": half + half, "cut member": whole[:-9], "cut between": half, "no end": whole[:-8], "wrong sum": whole[:-8] + b"\0" * 8, "zeros after": whole + b"\0" * 1000,
        "text after": whole + b"text", "header only": whole[:10], "magic only": b"\x1f\x8b", "not gzip": data, "zstd": zstd(data), "empty members": gzip.compress(b"", mtime=0) * 1000,
        "reserved flags": whole[:3] + b"\xff" + whole[4:], "name without end": b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * 100_000,
    }.items():  # fmt: skip
        yield BadInput(f"gzip: {name}", file, lambda made=made: made)


def _json() -> Iterator[BadInput]:
    good_line = b'{"text": "good"}\n'
    deep = 100_000
    for name, data in {
        "nested lists": b"[" * deep, "nested, closed": b"[" * deep + b"]" * deep, "nested text": b'{"text": ' + b"[" * deep + b"]" * deep + b"}", "nested objects": b'{"a":' * deep + b"1" + b"}" * deep,
        "NaN": b'{"text": NaN}', "infinite": b'{"text": "a", "width": Infinity, "height": -1e999}', "surrogate": b'{"text": "\\ud83d"}', "turned surrogates": b'{"text": "\\udc00\\ud800"}', "NUL": b'{"text": "a\\u0000b"}', "raw NUL": b'{"text": "a\0b"}',
        "twice": b'{"text": "a", "text": "b"}', "list of nothing": b'{"text": []}', "list of all": b'{"text": ["a", null, 1, {}, [], "b"]}', "number": b'{"text": 1}', "object": b'{"text": {"a": 1}}', "true": b'{"text": true}', "null": b'{"text": null}', "no text": b'{"other": "a"}',
        "array": b'["a"]', "string": b'"a"', "bare": b"a", "nothing": b"", "blank": b"   ", "mark": b"\xef\xbb\xbf{}", "open": b'{"text": "a', "comma": b'{"text": "a",}', "quotes": b"{'text': 'a'}", "bytes": b'{"text": "\xff"}', "long number": b'{"text": "a", "width": ' + b"9" * 5000 + b"}",
        "10,000 keys": b"{" + b",".join(b'"k%d": 1' % n for n in range(10_000)) + b', "text": "a"}', "key of 1 MB": b'{"' + b"k" * 1_000_000 + b'": 1, "text": "a"}', "separator": '{"text": "a\u2028b"}'.encode(), "uid of all": b'{"text": "a", "uid": {"a": [1]}, "url": [], "language": 7}',
        "control": b'{"text": "a\x01b"}', "carriage return": b'{"text": "a"}\r', "two on a line": b'{"text": "a"} {"text": "b"}', "exponent": b'{"text": "a", "width": 1e400, "height": "x"}',
    }.items():  # fmt: skip
        yield BadInput(name, "j.jsonl", lambda data=data: good_line + data + b"\n" + good_line)
        yield BadInput(
            f"{name} in an array", "j.json", lambda data=data: b"[" + good_line + b"," + data + b"," + good_line + b"]"
        )
    yield BadInput(
        "a line of 20 MB",
        "j.jsonl",
        lambda: good_line + b'{"text": "' + b"x" * 20_000_000 + b'"}\n' + good_line,
        rows=3,
        slow=True,
    )
    yield BadInput(
        "an item of 20 MB",
        "j.json",
        lambda: b"[" + good_line + b', {"text": "' + b"x" * 20_000_000 + b'"}]',
        rows=2,
        slow=True,
    )
    yield BadInput("no end", "j.json", lambda: b'[{"text": "a"}, {"text": "b"}')
    yield BadInput("UTF-16", "j.jsonl", lambda: good_line.decode().encode("utf-16"))
    yield BadInput("200,000 brackets that close", "j.json", lambda: b"]" * 200_000)
    yield from _gzips("j.jsonl.gz", good_line * 3000)


def _crawl() -> Iterator[BadInput]:
    one = wat_record("https://a.example/", [{"path": "IMG@/src", "url": "/a.jpg", "alt": "a dog"}])
    page = warc_record("https://a.example/", "<img src=/a.jpg alt='a dog'>")

    def lying(record: bytes, length: int) -> bytes:
        head, _, body = record.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
        return b"\r\n".join([*lines, b"Content-Length: %d" % length]) + b"\r\n\r\n" + body

    for name, record in {"WAT": one, "WARC": page}.items():
        for length in (0, 1, len(record) // 2, len(record) * 2, 10**8, 10**18, 2**63, 2**64 + 1, 10**30):
            made = record * 5 + lying(record, length) + record * 9
            yield BadInput(f"{name}: length {length}", "l.warc", lambda made=made: made)
        for how, made in {
            "negative length": record.replace(b"Content-Length: ", b"Content-Length: -"), "no length": record.replace(b"Content-Length", b"X"), "cut": record[:-30], "no end": record[:-4],
            "header of 1 MB": b"WARC/1.0\r\nX: " + b"x" * 10**6 + b"\r\n\r\n" + record, "garbage before": b"garbage\r\n\r\n" + record, "garbage between": record + b"garbage" * 100 + record, "other version": record.replace(b"WARC/1.", b"WARC/9."),
            "line feeds": record.replace(b"\r\n", b"\n"), "only ends": b"\r\n\r\n" * 1000, "starts": b"WARC/1.0\r\n\r\n" * 1000, "nothing": b"",
        }.items():  # fmt: skip
            yield BadInput(f"{name}: {how}", "r.warc", lambda made=made: made)
        yield from _gzips("g.warc.gz", record * 100)
    for name, html in {
        "tags that never end": b"<img " * 50_000, "deep": b"<div>" * 100_000 + b"<img src=a.jpg alt=x>", "quotes": b"<img alt='" * 20_000, "comments": b"<!--" * 50_000, "entities": b"<img src=a.jpg alt='" + b"&amp" * 50_000 + b"'>",
        "charset": b"<meta charset=utf-7><img src=a.jpg alt='+ADw-'>", "charset idna": b"<meta charset=idna><img src=a.jpg alt=a>", "charset rot13": b"<meta charset=rot13><img src=a.jpg alt=a>", "charset undefined": b"<meta charset=undefined><img src=a.jpg alt=a>",
        "attributes": b"<img src=a.jpg alt=x " + b"".join(b"a%d=1 " % n for n in range(20_000)) + b">", "base": b"<base href='http://[::1'><img src=a.jpg alt=a>", "urls": b"<img src='http://[' alt=a><img src='//\xff' alt=b><img src='javascript:x' alt=c>", "NUL": b"<img\0src=a.jpg alt=a\0b>",
    }.items():  # fmt: skip
        yield BadInput(f"page: {name}", "p.warc", lambda html=html: warc_record("https://a.example/", html))
    for name, headers in {
        "chunked": "Content-Type: text/html\r\nTransfer-Encoding: chunked", "gzip": "Content-Type: text/html\r\nContent-Encoding: gzip", "brotli": "Content-Type: text/html\r\nContent-Encoding: br", "length": "Content-Type: text/html\r\nContent-Length: 99999999",
        "none": "", "many": "Content-Type: text/html\r\n" + "X: y\r\n" * 5000, "charset": "Content-Type: text/html; charset=" + "x" * 5000, "bad line": "Content-Type text/html",
    }.items():  # fmt: skip
        yield BadInput(
            f"answer: {name}",
            "h.warc",
            lambda headers=headers: warc_record("https://a.example/", "<img src=a.jpg alt=a>", headers),
        )
    inner = gzip.compress(b"<img src=a.jpg alt=a>" + b"\0" * 300_000_000)
    encoded = warc_record("https://a.example/", inner, "Content-Type: text/html\r\nContent-Encoding: gzip")
    yield BadInput("answer: 300 MB in gzip", "h.warc", lambda: encoded, slow=True)
    yield BadInput(
        "record of 300 MB in gzip",
        "h.warc.gz",
        lambda: gzip.compress(b"WARC/1.0\r\nContent-Length: 300000000\r\n\r\n" + b"\0" * 300_000_000),
        slow=True,
    )


def _tars() -> Iterator[BadInput]:
    for name, (make, _) in DAMAGED.items():
        yield BadInput(name, "d.tar", make)
    text = [("a.txt", b"a"), ("b.txt", b"b")]

    def with_member(name: str, data: bytes = b"x", **fields: Any) -> Callable[[], bytes]:
        def make() -> bytes:
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for member in text:
                    add(tar, *member)
                add(tar, name, data, **fields)
            return out.getvalue()

        return make

    for name in (
        "../../evil.txt",
        "/etc/evil.txt",
        "a\\..\\b.txt",
        "n" * 300 + ".txt",
        "\udcff.txt",
        "a\nb.txt",
        ".txt",
        "....",
        "c.JPG",
        "c.x.y.txt",
        "c.pickle",
        "c.pyd",
        "a/../../b.txt",
        "con.txt",
        "c.txt/",
    ):
        yield BadInput(f"member {name[:20]!r}", "m.tar", with_member(name))
    for kind in (
        tarfile.LNKTYPE,
        tarfile.SYMTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        tarfile.CONTTYPE,
        b"S",
        b"Z",
        b"M",
    ):
        yield BadInput(
            f"member of type {kind!r}",
            "k.tar",
            with_member("c.txt", b"" if kind != b"Z" else b"x", kind=kind, linkname="../../etc/passwd"),
        )
    for records in (
        {"size": "99999999999999"},
        {"size": "-1"},
        {"path": "../x.txt"},
        {"path": "\0"},
        {"GNU.sparse.major": "1", "GNU.sparse.realsize": "4000000000"},
        {"comment": "x" * 2_000_000},
    ):
        yield BadInput(f"PAX {next(iter(records))}", "x.tar", with_member("c.txt", pax_headers=records))
    for pax in (
        b"99999999 path=a\n",
        b"0 path=a\n",
        b"-5 path=a\n",
        b"path=a\n",
        b"\xff\xff",
        b"8 a=b\n" * 5,
        b" " * 100,
    ):
        yield BadInput(f"PAX record {pax[:10]!r}", "x.tar", with_member("x", pax, kind=tarfile.XHDTYPE))
    for name, payload in {
        "caption of 6 MB": ("c.txt", b"x" * 6_000_000),
        "image of 51 MB": ("c.jpg", b"\0" * 51_000_000),
        "json of 6 MB": ("c.json", b"[" * 6_000_000),
        "deep json": ("c.json", b"[" * 100_000),
    }.items():
        yield BadInput(name, "s.tar", with_member(*payload), slow=True)
    sparse = bytearray(tar_bytes([("c.txt", b"x")])[:1024])
    sparse[156:157], sparse[482], sparse[483:495] = b"S", 1, b"\x80" + b"\0" * 3 + struct.pack(">Q", 4_000_000_000)
    sparse[148:156] = b"%06o\0 " % (sum(sparse[:148]) + sum(sparse[156:512]) + 8 * 32)
    yield BadInput("GNU sparse of 4 GB", "g.tar", lambda: bytes(sparse) + b"\0" * 1024)
    yield BadInput("tar of tars", "t.tar", lambda: tar_bytes([("a.tar", tar_bytes(text)), ("b.txt", b"x")]))
    yield BadInput("2,000 keys apart", "t.tar", lambda: tar_bytes([(f"{n % 2}.txt", b"x") for n in range(2000)]))
    yield BadInput(
        "200 fields", "t.tar", lambda: tar_bytes([(f"a.f{n}", b"x") for n in range(200)] + [("a.txt", b"x")])
    )
    yield BadInput("compressed", "t.tar", lambda: gzip.compress(tar_bytes(text), mtime=0))
    yield BadInput("pointer", "t.tar", lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def _bombs() -> Iterator[BadInput]:
    big = "x" * 1_000_000

    def repeated(indices: list[int], **options: Any) -> bytes:
        column = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(["a", big]))
        return parquet(pa.table({"text": column}), compression="zstd", **options)

    def hidden(indices: list[int]) -> bytes:
        return repeated(indices, store_schema=False)

    yield BadInput("2 GB of captions", "bomb.parquet", lambda: repeated([1] * 2000), slow=True)
    yield BadInput("2 GB of captions, no schema", "bomb.parquet", lambda: hidden([1] * 2000), slow=True)
    yield BadInput(
        "1 GB behind 70,000 small ones", "late.parquet", lambda: hidden([0] * 70_000 + [1] * 1000), slow=True
    )
    yield BadInput("20 GB of captions", "bomb.parquet", lambda: hidden([1] * 20_000), slow=True)
    yield BadInput(
        "a value of 600 MB",
        "value.parquet",
        lambda: parquet(pa.table({"text": ["x" * 600_000_000]}), compression="zstd"),
        slow=True,
    )
    views = pa.array([big] * 2, pa.string_view())
    same = pa.Array.from_buffers(
        pa.string_view(), 2000, [None, pa.py_buffer(views.buffers()[1].to_pybytes()[:16] * 2000), *views.buffers()[2:]]
    )
    yield BadInput("2 GB of views", "views.arrow", lambda: _as_is(pa.table({"text": same})), slow=True)
    list_views = pa.ListViewArray.from_arrays(
        pa.array([0] * 2000, pa.int32()), pa.array([1] * 2000, pa.int32()), pa.array([big])
    )
    yield BadInput("2 GB of list views", "views.arrow", lambda: _as_is(pa.table({"text": list_views})), slow=True)
    yield BadInput(
        "1 GB of a line in gzip", "bomb.jsonl.gz", lambda: _gzipped(b'{"text": "', b"x" * 10**6, 1000), slow=True
    )
    yield BadInput(
        "1 GB of rows in gzip", "bomb.csv.gz", lambda: _gzipped(b"text,url\n", b"a,u\n" * 250_000, 1000), slow=True
    )
    yield BadInput("1 GB of brackets in gzip", "bomb.json.gz", lambda: _gzipped(b"[", b"[" * 10**6, 1000), slow=True)
    yield BadInput("1 GB in zstd", "bomb.jsonl.zst", lambda: zstd(b'{"text": "' + b"x" * 10**9), slow=True)


def _as_is(one: pa.Table) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, one.schema) as writer:
            writer.write_table(one)
        return path.read_bytes()


def _gzipped(head: bytes, part: bytes, times: int) -> bytes:
    compress = zlib.compressobj(9, wbits=31)
    return b"".join([compress.compress(head), *(compress.compress(part) for _ in range(times)), compress.flush()])
