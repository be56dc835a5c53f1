import gzip
import random

import pytest

from curation.errors import MissingColumn, UnreadableFile
from curation.pool import delimited
from curation.pool.columns import Columns
from curation.pool.delimited import FORMAT, NO_LAST_END
from pool.reading import read_all, texts_of


@pytest.fixture
def write(tmp_path):
    def write(data, name="pool.csv"):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write


def test_values_are_text_whatever_they_look_like(write):
    path = write('text,url\nNA,u\nnull,\n007,u\n"",u\n,u\n# no comment,u\n')
    rows, dropped, _, _ = read_all(path)
    assert [(row["text"], row["url"]) for row in rows] == [
        ("NA", "u"),
        ("null", None),
        ("007", "u"),
        ("", "u"),
        ("", "u"),
        ("# no comment", "u"),
    ]
    assert dropped == {}


def test_all_columns_are_read_by_their_names(write):
    path = write("h;w;who;caption;lang\n480;640.0;7;a dog;en\nmany;;8;a cat;\n")
    columns = Columns(text="caption", uid="who", width="w", height="h", language="lang")
    rows, _, _, _ = read_all(path, columns)
    assert [tuple(row[name] for name in ("uid", "text", "width", "height", "language")) for row in rows] == [
        ("7", "a dog", 640, 480, "en"),
        ("8", "a cat", None, None, None),
    ]
    assert FORMAT.fields(path) == ["h", "w", "who", "caption", "lang"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_splits_the_header(write, delimiter):
    assert texts_of(write(f"url{delimiter}text\nu{delimiter}a, b; c\n".replace(", ", " ").replace("; ", " ")))[0] == [
        "a b c"
    ]


def test_a_tsv_is_split_at_tabs_alone(write):
    assert texts_of(write("text\ta,b,c,d\na dog\tx\n", "pool.tsv")) == (["a dog"], {})


def test_a_file_of_texts_alone_needs_no_delimiter(write):
    assert texts_of(write("text\na dog\n\na cat\n")) == (["a dog", "a cat"], {})


def test_a_byte_order_mark_and_windows_lines_are_no_part_of_names_and_texts(write):
    assert texts_of(write(b'\xef\xbb\xbftext,url\r\na dog,u\r\n"two\r\nlines",u\r\n')) == (
        ["a dog", "two\r\nlines"],
        {},
    )


def test_quotes_are_those_of_rfc_4180(write):
    path = write('text,url\n"a ""big"" dog, here\nand there",u\n5" pipe,u\n')
    assert texts_of(path) == (['a "big" dog, here\nand there', '5" pipe'], {})


def test_a_quote_that_never_closes_costs_its_own_row_only(write):
    path = write('text,url\na,u\n"b,u\nc,u\nd,u\n')
    assert texts_of(path) == (["a", "c", "d"], {"quotes that do not close": 1})


def test_a_quote_that_closes_in_the_row_of_another_costs_its_own_row_only(write):
    path = write('text,url\na,u\n"b,u\n"c, c",u\n"d",u\n')
    assert texts_of(path) == (["a", "c, c", "d"], {"quotes that do not close": 1})


def test_a_quote_that_stays_open_for_16_mb_is_given_up(write):
    path = write('text,url\na,u\n"b,u\n' + ("b" * 999 + ",u\n") * 17_000 + '"c",u\n')
    texts, dropped = texts_of(path)
    assert (len(texts), texts[0], texts[-1]) == (17_002, "a", "c")
    assert dropped == {"quotes that do not close": 1}


def test_quotes_that_open_in_every_line_are_not_read_over_and_over(write, monkeypatch):
    monkeypatch.setattr("curation.pool.delimited.MAX_READ_AGAIN", 2_000_000)
    path = write("text,url\na,u\n" + 'b","u\n' * 50_000 + '"c",u\n')  # as written: one record of 50,001 lines
    assert texts_of(path) == (["a", "c"], {"quotes that do not close": 50_000})


def test_texts_over_lines_are_read_again_after_one_quote_that_never_closes(write):
    path = write('text,url\n"a,u\n' + "".join(f'"{n},\n{n}",u\n' for n in range(100)))
    assert texts_of(path) == ([f"{n},\n{n}" for n in range(100)], {"quotes that do not close": 1})


def test_rows_with_too_few_or_too_many_fields_are_counted(write):
    path = write("text,url\na,u\nb\nc,u,x\nd,u\n")
    rows, dropped, _, _ = read_all(path)
    assert [(row["text"], row["row"]) for row in rows] == [("a", 0), ("d", 3)]
    assert dropped == {"wrong number of fields": 2}


def test_bad_bytes_are_counted_row_by_row(write):
    path = write(b"text,url\ncaf\xe9,u\ncaf\xc3\xa9,u\n\xed\xa0\xbd,u\na\0b,u\nok,\xff\n")
    rows, dropped, _, _ = read_all(path)
    assert [(row["text"], row["url"]) for row in rows] == [("café", "u"), ("ok", None)]
    assert dropped == {"text is not UTF-8": 2, "text has a NUL": 1}


def test_a_bare_carriage_return_outside_quotes_is_counted(write):
    assert texts_of(write("text,url\na\rb,u\nc,u\n")) == (["c"], {"carriage return outside quotes": 1})


def test_a_line_of_more_than_16_mb_is_counted_and_not_held(write):
    path = write("text,url\na,u\n" + "x" * 16_000_100 + "\nb,u\n")
    assert texts_of(path) == (["a", "b"], {"line longer than 16 MB": 1})


def test_a_last_line_without_end_is_read_and_noted(write):
    rows, dropped, damages, notes = read_all(write("text,url\na,u\nb,u"))
    assert ([row["text"] for row in rows], dropped, damages) == (["a", "b"], {}, [])
    assert notes == {NO_LAST_END: 1}


def test_a_row_that_was_cut_is_not_taken_for_a_whole_one(write):
    rng = random.Random(0)
    text = "text\n" + "".join(f'"{rng.random()}\n{n},\n{rng.random()}"\n' for n in range(20_000))
    data = gzip.compress(text.encode())
    rows, _, damages, notes = read_all(write(data[: len(data) // 2], "pool.csv.gz"))
    assert f'"{rows[-1]["text"]}"\n"' in text
    assert all(row["text"].count("\n") == 2 for row in rows)
    assert "cut short after" in damages[0]
    assert notes == {}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no header"),
        (b"\n\na,b\n", "no header"),
        ("text,url\na,u\n".encode("utf-16"), "UTF-16"),
        ("text,url\na,u\n".encode("utf-16-le"), "UTF-16"),
        ("größe,text\n".encode("latin-1"), "first line is not UTF-8"),
        (b"text,url\ra,u\rb,u\r", "control characters in its first line"),
        (b'"text,url\na,u\n', "quotes in its first line do not close"),
    ],
)
def test_a_file_without_a_header_that_can_be_read_is_refused(write, data, reason):
    path = write(data)
    with pytest.raises(UnreadableFile, match=reason):
        read_all(path)


def test_a_missing_text_column_is_named_with_those_there_are(write):
    with pytest.raises(MissingColumn, match=r"no column 'text' \(found: caption, url\); name it with --text-column"):
        read_all(write("caption,url\na,u\n"))
    with pytest.raises(MissingColumn, match="2 columns are named 'text'"):
        read_all(write("text,text\na,u\n"))


def test_a_quote_over_many_short_lines_costs_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "MAX_LINE_BYTES", 10_000)
    (tmp_path / "a.csv").write_bytes(b'text\n"' + b"x\n" * 1000)
    texts, dropped = texts_of(tmp_path / "a.csv")
    assert (len(texts), dropped) == (999, {"quotes that do not close": 1})
