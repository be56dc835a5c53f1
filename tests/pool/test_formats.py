"""What holds for every format: a new one goes into the table, and is held to all of it."""

import gzip
import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from curation.errors import CurationError, MissingFile, UnreadableFile
from curation.pool import batches, hugging_face, rows
from curation.pool.columns import Columns
from curation.pool.delimited import NO_LAST_END
from curation.pool.formats import FORMATS, format_of
from pool.reading import read_all
from pool.warcs import warc_record, wat_record, write_records
from tars import tar_bytes

PAGE_IMAGES = 10


def write_with_duckdb(path, pairs, options):
    with duckdb.connect() as connection:
        connection.register("pairs", table_of(pairs))
        connection.execute(f"COPY pairs TO '{path}' ({options})")


def write_with_arrow(path, pairs, delimiter, codec):
    with pa.CompressedOutputStream(str(path), codec) as out:
        pyarrow.csv.write_csv(table_of(pairs), out, pyarrow.csv.WriteOptions(delimiter=delimiter))


def table_of(pairs):
    return pa.table(
        {name: pa.array([pair[at] for pair in pairs], pa.string()) for at, name in enumerate(("uid", "text", "url"))}
    )


def write_parquet(path, pairs):
    pq.write_table(table_of(pairs), path, row_group_size=500)


def json_lines(pairs):
    keys = ("uid", "text", "url")
    return "".join(json.dumps(dict(zip(keys, pair, strict=True))) + "\n" for pair in pairs).encode()


def write_zstd(path, data):
    with pa.CompressedOutputStream(str(path), "zstd") as out:
        out.write(data)


def metaclip(pairs):
    return [{"uuid": uid, "texts": [["alt", text]], "url": url} for uid, text, url in pairs]


def write_wat(path, pairs):
    link = {"path": "IMG@/src"}
    write_records(
        path,
        [
            wat_record("https://a.example/", [link | {"url": url, "alt": text} for _, text, url in some])
            for some in batched_pairs(pairs)
        ],
    )


def write_warc(path, pairs):
    def tag(text, url):
        return f'<img src="{url}"' + ("" if text is None else f' alt="{html.escape(text)}"') + ">"

    pages = ["".join(tag(text, url) for _, text, url in some) for some in batched_pairs(pairs)]
    write_records(path, [warc_record("https://a.example/", f"<!doctype html><p>{page}</p>") for page in pages])


def write_webdataset(path, pairs):
    members = []
    for number, (uid, text, url) in enumerate(pairs):
        members.append((f"{number:06d}.json", json.dumps({"uid": uid, "url": url}).encode()))
        members.append((f"{number:06d}.txt", (text or "").encode()))
    path.write_bytes(tar_bytes(members))


def write_arrow(path, pairs):
    table = table_of(pairs)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, 50)


def batched_pairs(pairs):
    return [pairs[at : at + PAGE_IMAGES] for at in range(0, len(pairs), PAGE_IMAGES)]


@dataclass(frozen=True)
class Written:
    """How files of a format are made by a writer that is not ours, and what the format cannot hold.

    keeps_empty: whether an empty text is a row like others
    has_null:    whether a text can be null; where not, it is as an empty one
    has_uid:     whether it has uids
    """

    format: str
    ending: str
    write: Callable[[Path, list], None]
    keeps_empty: bool = True
    has_null: bool = True
    has_uid: bool = True


TABLE = [
    Written("parquet", ".parquet", write_parquet),
    Written("csv", ".csv", lambda path, pairs: write_with_duckdb(path, pairs, "FORMAT csv, HEADER"), has_null=False),
    Written("csv", ".tsv.gz", lambda path, pairs: write_with_arrow(path, pairs, "\t", "gzip"), has_null=False),
    Written("csv", ".csv.zst", lambda path, pairs: write_with_arrow(path, pairs, ";", "zstd"), has_null=False),
    Written("jsonl", ".ndjson", lambda path, pairs: write_with_duckdb(path, pairs, "FORMAT json")),
    Written("jsonl", ".jsonl.gz", lambda path, pairs: path.write_bytes(gzip.compress(json_lines(pairs)))),
    Written("jsonl", ".jsonl.zst", lambda path, pairs: write_zstd(path, json_lines(pairs))),
    Written("metaclip-json", ".json", lambda path, pairs: path.write_text(json.dumps(metaclip(pairs)))),
    Written("metaclip-json", ".json.gz", lambda path, pairs: path.write_bytes(gzip.compress(json_lines(pairs)))),
    Written("crawl", ".warc.wat.gz", write_wat, keeps_empty=False, has_uid=False),
    Written("crawl", ".warc.gz", write_warc, keeps_empty=False, has_uid=False),
    Written("crawl", ".warc", write_warc, keeps_empty=False, has_uid=False),
    Written("webdataset", ".tar", write_webdataset, has_null=False),
    Written("hugging-face", ".arrow", write_arrow),
]

TEXTS = [
    "a dog",
    "NA",
    "null",
    "# no comment",
    "emoji 👩‍👩‍👧 and \U0001f436",
    "مرحبا بالعالم",
    "線\u2028and\u2029paragraph\x85next",
    "control \x01\x1b\x7f",
    'quotes " and ""two"", commas, tabs\tand; | \\ back\\slashes',
    "two\nlines\n\nand more",
    "<b>&amp; 'tags'</b>",
    " spaces ",
]


def pairs_of(texts):
    return [(f"pair-{at}", text, f"https://pool.example/{at}.jpg") for at, text in enumerate(texts)]


@pytest.fixture(params=TABLE, ids=lambda written: written.ending)
def written(request):
    return request.param


@pytest.fixture
def write(written, tmp_path):
    def write(texts):
        path = tmp_path / f"pool{written.ending}"
        written.write(path, pairs_of(texts))
        return path

    return write


def test_every_format_stands_in_the_table():
    # a shard of img2dataset is told by its folder, and its files are Parquet and tar files
    assert {written.format for written in TABLE} == set(FORMATS) - {"img2dataset"}


def test_the_file_name_tells_the_format(written, write):
    assert format_of(write(["a"])).name == written.format


def test_the_same_pairs_come_out(written, write):
    found, dropped, damages, _ = read_all(write(TEXTS))
    assert [(row["text"], row["url"]) for row in found] == [pair[1:] for pair in pairs_of(TEXTS)]
    if written.has_uid:
        assert [row["uid"] for row in found] == [pair[0] for pair in pairs_of(TEXTS)]
    assert len({row["uid"] for row in found}) == len(TEXTS)
    assert [row["row"] for row in found] == list(range(len(TEXTS)))
    assert (dropped, damages) == ({}, [])


def test_the_fields_are_told(written, write):
    path = write(TEXTS)
    assert {"text", "texts", "txt"} & set(format_of(path).fields(path))
    assert "url" in format_of(path).fields(path)


def test_null_and_empty_texts_are_kept_or_counted(written, write):
    found, dropped, _, _ = read_all(write(["a", None, "", "b"]))
    kept = {True: {False: ["a", "", "", "b"], True: ["a", "", "b"]}, False: {True: ["a", "b"]}}
    assert [row["text"] for row in found] == kept[written.keeps_empty][written.has_null]
    assert len(found) + sum(dropped.values()) == 4
    assert [row["row"] for row in found][-1] == 3


def test_a_text_of_1_mb_is_kept_and_a_longer_one_counted(write):
    found, dropped, _, _ = read_all(write(["é" * 500_000, "x" * 1_000_001, "a"]))
    assert [len(row["text"]) for row in found] == [500_000, 1]
    assert dropped == {"text is longer than 1 MB": 1}


def test_a_file_without_rows_has_none(write):
    path = write([])
    assert has_no_rows(path)


def test_an_empty_file_has_no_rows_or_is_refused(written, tmp_path):
    path = tmp_path / f"pool{written.ending}"
    path.touch()
    assert has_no_rows(path)


def has_no_rows(path):
    """Whether a file has no rows, or is refused in one line that names it."""
    try:
        return read_all(path)[:3] == ([], {}, [])
    except UnreadableFile as error:
        return str(path) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("part", [0.01, 0.1, 0.33, 0.5, 0.77, 0.9, 0.999])
def test_a_file_cut_short_never_just_ends(written, write, part):
    texts = [f"text {n}, of\nmany {n * n}" for n in range(3000)]
    path = write(texts)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    try:
        found, dropped, damages, notes = read_all(path)
    except CurationError:
        return
    kept = [row["text"] for row in found]
    whole = kept[:-1] if notes.get(NO_LAST_END) else kept
    assert len(kept) < len(texts)
    assert whole == texts[: len(whole)]
    assert dropped or damages or notes.get(NO_LAST_END)
    if part >= 0.1 and not written.ending.endswith(".zst"):  # blocks of zstd can only be read whole
        assert kept


def test_flipped_bytes_never_crash(written, write):
    path = write([f"text {n} {n * n}" for n in range(300)])
    good = path.read_bytes()
    for at in range(5, len(good), len(good) // 40):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        try:
            found, dropped, damages, _ = read_all(path)
        except CurationError:
            continue
        assert len(found) <= 300
        if written.ending != ".warc":  # HTML takes anything, and no checksum is over it
            assert len(found) + sum(dropped.values()) >= 300 or dropped or damages


def test_batches_are_bounded(write, monkeypatch):
    for module in (rows, batches, hugging_face):
        monkeypatch.setattr(module, "BATCH_ROWS", 100)
    path = write([f"text {n}" for n in range(1000)])
    sizes = [len(batch.pairs) for batch in format_of(path).read(path, Columns())]
    assert sum(sizes) == 1000
    assert max(sizes) < 100 + PAGE_IMAGES


def test_a_name_that_no_format_has_is_refused_with_those_that_are_read(tmp_path):
    (tmp_path / "pool.xlsx").touch()
    with pytest.raises(
        UnreadableFile, match=r"pool.xlsx: no format ends like this; rename it to one of \.parquet \.csv"
    ):
        format_of(tmp_path / "pool.xlsx")
    with pytest.raises(MissingFile, match=r"pool\.csv: no such file"):
        format_of(tmp_path / "pool.csv")


def test_the_longest_ending_counts_in_either_case(tmp_path):
    for name, expected in {"A.WARC.WAT.GZ": "crawl", "a.b.json.gz": "metaclip-json", "json.jsonl": "jsonl"}.items():
        (tmp_path / name).touch()
        assert format_of(tmp_path / name).name == expected
