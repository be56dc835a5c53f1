import gzip
import json

import pytest

from curation.errors import MissingColumn, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.json_lines import FORMAT
from pool.reading import read_all, texts_of


@pytest.fixture
def write(tmp_path):
    def write(*lines, name="pool.jsonl"):
        path = tmp_path / name
        path.write_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines))
        return path

    return write


def test_each_line_that_is_no_record_is_counted_with_its_reason(write):
    path = write(
        '{"text": "a"}',
        '{"text": "b"',
        "[1, 2]",
        '"text"',
        '{"caption": "c"}',
        '{"text": 5}',
        '{"text": NaN}',
        '{"text": {"en": "d"}}',
        '{"text": null}',
        '{"text": []}',
        '{"text": "e"}',
    )
    rows, dropped, _, _ = read_all(path)
    assert [(row["text"], row["row"]) for row in rows] == [("a", 0), ("e", 10)]
    assert dropped == {
        "not JSON": 1,
        "not an object": 2,
        "no text": 1,
        "text is not text": 3,
        "text is null": 1,
        "list of texts is empty": 1,
    }


def test_lone_surrogates_and_bad_bytes_are_no_utf8(write):
    path = write(
        '{"text": "\\ud83d"}', '{"text": "\\ud83d\\udc36"}', b'{"text": "caf\xe9"}', b'{"text": "c", "x": "\xff"}'
    )
    assert texts_of(path) == (["🐶", "c"], {"text is not UTF-8": 2})


def test_an_address_that_is_no_utf8_is_none(write):
    rows, dropped, _, _ = read_all(write('{"text": "a", "url": "\\ud83d", "uid": 7}', '{"text": "b", "url": "u"}'))
    assert [(row["text"], row["url"]) for row in rows] == [("a", None), ("b", "u")]
    assert (rows[0]["uid"], dropped) == ("7", {})


def test_100_000_nested_brackets_are_one_bad_line(write):
    path = write('{"text": "a"}', '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}", "[" * 100_000, '{"text": "b"}')
    texts, dropped = texts_of(path)
    assert texts == ["a", "b"]
    assert dropped == {"nested too deep": 2}


def test_fields_nested_deeper_than_anybody_names_are_no_harm(write):
    path = write('{"text": "a", "x": ' + '{"y": ' * 900 + "1" + "}" * 901)
    assert FORMAT.fields(path) == ["text", "x", "x.y", "x.y.y", "x.y.y.y"]
    assert texts_of(path) == (["a"], {})


def test_lines_end_at_line_feeds_only_and_blank_ones_are_none(write):
    rows, dropped, _, _ = read_all(write('{"text": "a\u2028b\x85c"}\r', "", "  \r", '{"text": "d"}'))
    assert [(row["text"], row["row"]) for row in rows] == [("a\u2028b\x85c", 0), ("d", 1)]
    assert dropped == {}


def test_a_byte_order_mark_costs_no_row(write):
    assert texts_of(write(b'\xef\xbb\xbf{"text": "a"}', '{"text": "b"}')) == (["a", "b"], {})


def test_of_equal_keys_the_last_counts_and_nan_elsewhere_is_no_harm(write):
    assert texts_of(write('{"text": "a", "text": "b", "score": NaN}')) == (["b"], {})


def test_a_nul_in_a_text_stays(write):
    assert texts_of(write('{"text": "a\\u0000b"}')) == (["a\0b"], {})


def test_fields_inside_others_are_named_with_dots(write):
    record = {"caption": {"en": "a dog"}, "image": {"url": "u", "size": [640, 480], "w": "640"}, "image.h": 480}
    path = write(json.dumps(record))
    rows, _, _, _ = read_all(path, Columns(text="caption.en", url="image.url", width="image.w", height="image.h"))
    assert [(row["text"], row["url"], row["width"], row["height"]) for row in rows] == [("a dog", "u", 640, 480)]
    assert FORMAT.fields(path) == ["caption", "caption.en", "image", "image.url", "image.size", "image.w", "image.h"]


def test_each_text_of_a_list_is_a_row_with_the_number_of_the_record(write):
    path = write('{"text": ["a", "b", null, 7], "uid": "x"}', '{"text": "c", "uid": "y"}')
    rows, dropped, _, _ = read_all(path)
    assert [(row["uid"], row["text"], row["row"]) for row in rows] == [("x", "a", 0), ("x", "b", 0), ("y", "c", 1)]
    assert dropped == {"text is null": 1, "text is not text": 1}


def test_sizes_are_pixels_or_nothing(write):
    sizes = [640, "640", 640.9, -1, 2**40, "wide", True, {}, None, 1e400]
    path = write(*(json.dumps({"text": "a", "width": size}) for size in sizes))
    assert [row["width"] for row in read_all(path)[0]] == [640, 640, 640, None, None, None, 1, None, None, None]


def test_a_line_of_more_than_16_mb_is_counted(write):
    path = write('{"text": "a"}', '{"text": "' + "x" * 16_000_000 + '"}', '{"text": "b"}')
    assert texts_of(path) == (["a", "b"], {"longer than 16 MB": 1})


def test_a_number_of_10_000_digits_is_one_bad_line(write):
    assert texts_of(write('{"text": "a"}', '{"text": "b", "n": ' + "9" * 10_000 + "}")) == (["a"], {"not JSON": 1})


def test_a_field_that_no_record_has_is_named_with_those_there_are(write):
    with pytest.raises(MissingColumn, match=r"no field 'text' in the first 1,000 records \(found: caption, url\)"):
        read_all(write('{"caption": "a", "url": "u"}'))


def test_utf16_is_refused(write, tmp_path):
    path = tmp_path / "pool.jsonl"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        path.write_bytes('{"text": "a"}\n'.encode(encoding))
        with pytest.raises(UnreadableFile, match="UTF-16"):
            read_all(path)


def test_what_is_not_compressed_as_its_name_says_is_refused(write):
    for name in ("pool.jsonl.gz", "pool.jsonl.zst"):
        with pytest.raises(UnreadableFile, match="as its name says"):
            read_all(write('{"text": "a"}', name=name))


def test_compressed_parts_in_a_row_are_one_file_and_what_follows_them_is_damage(tmp_path):
    path = tmp_path / "pool.jsonl.gz"
    parts = b"".join(gzip.compress(b'{"text": "%d"}\n' % n) for n in range(3))
    path.write_bytes(parts + b"\0" * 512)
    assert [row["text"] for row in read_all(path)[0]] == ["0", "1", "2"]
    assert read_all(path)[2] == []
    path.write_bytes(parts + b"garbage")
    rows, _, damages, _ = read_all(path)
    assert len(rows) == 3
    assert "no gzip any more after 42 bytes" in damages[0]


def test_a_bomb_is_read_in_bounded_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "pool.jsonl.gz"
    path.write_bytes(b"".join([gzip.compress(b'{"text": "a"}\n{"text": "')] + [gzip.compress(bytes(50_000_000))] * 4))
    tracemalloc.start()
    texts, dropped = texts_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (texts, dropped) == (["a"], {"longer than 16 MB": 1})
    assert peak < 100e6
