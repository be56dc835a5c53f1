import gzip
import zlib

import pyarrow as pa
import pytest
from backports import zstd

from curation.errors import MissingFile
from curation.pool import streams
from curation.pool.streams import ByteStream, lines

DATA = b"".join(b"line %d %d\n" % (n, n * n) for n in range(100_000))


def as_written(data):
    return data


def as_zstd(data):
    return pa.compress(data, "zstd", asbytes=True)


def as_checked_zstd(data):
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


@pytest.mark.parametrize("compress", [as_written, gzip.compress, as_zstd], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("read_bytes", [1000, 2**16])
def test_the_bytes_come_whole_in_bounded_blocks(tmp_path, monkeypatch, compress, read_bytes):
    monkeypatch.setattr(streams, "READ_BYTES", read_bytes)
    path = tmp_path / "data"
    path.write_bytes(compress(DATA[:700_000]) + compress(DATA[700_000:]))
    stream = ByteStream(path)
    blocks = list(stream)
    assert b"".join(blocks) == DATA
    assert max(map(len, blocks)) <= 2**20
    assert stream.damage is None


def test_a_file_that_compresses_a_thousandfold_comes_in_bounded_blocks(tmp_path):
    path = tmp_path / "data"
    for compress in (gzip.compress, as_zstd):
        path.write_bytes(compress(bytes(20_000_000)))
        blocks = [len(block) for block in ByteStream(path)]
        assert (sum(blocks), max(blocks) <= 2**20) == (20_000_000, True)


@pytest.mark.parametrize("compress", [gzip.compress, as_checked_zstd], ids=["gzip", "zstd"])
def test_every_cut_and_every_flip_is_told(tmp_path, compress):
    path, whole = tmp_path / "data", compress(DATA)
    for size in [5, 20, len(whole) // 2, len(whole) - 9, len(whole) - 1]:
        path.write_bytes(whole[:size])
        stream = ByteStream(path)
        assert DATA.startswith(b"".join(stream))
        assert "cut short after" in stream.damage
    for at in (20, len(whole) // 2):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        stream = ByteStream(path)
        data = b"".join(stream)
        assert stream.damage
        assert len(data) <= len(DATA)


def test_a_wrong_checksum_is_told(tmp_path):
    whole = bytearray(gzip.compress(DATA))
    whole[-8:-4] = (zlib.crc32(DATA) ^ 1).to_bytes(4, "little")
    (tmp_path / "data").write_bytes(whole)
    stream = ByteStream(tmp_path / "data")
    list(stream)
    assert "incorrect data check" in stream.damage


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingFile, match="gone: no such file"):
        list(ByteStream(tmp_path / "gone"))


def test_lines_are_split_at_line_feeds_wherever_blocks_end():
    data = b"a\r\nb\n\n\xe2\x80\xa8c\x0bd\ne"
    expected = [b"a\r", b"b", b"", b"\xe2\x80\xa8c\x0bd", b"e"]
    for size in range(1, len(data) + 1):
        assert list(lines(data[at : at + size] for at in range(0, len(data), size))) == expected
    assert list(lines([])) == []
    assert list(lines([b"\n"])) == [b""]


def test_a_line_that_is_too_long_is_none_and_those_around_it_stay(monkeypatch):
    monkeypatch.setattr(streams, "MAX_LINE_BYTES", 10)
    assert list(lines([b"a\n01234567", b"89abcdef", b"x\nb\n"])) == [b"a", None, b"b"]
    assert list(lines([b"a\n01234567", b"89abcdef"])) == [b"a", None]
    assert list(lines([b"0123456", b"789\nb"])) == [None, b"b"]
