import json

import pytest

from curation.errors import MissingColumn
from curation.pool.columns import Columns
from curation.pool.metaclip_json import FORMAT
from pool.reading import read_all, texts_of

RECORDS = [
    {"url": "https://a.example/1.jpg", "texts": [["alt", "a dog"], ["title", "Rex, [the] {dog}"]], "uuid": "one"},
    {"url": "https://a.example/2.jpg", "texts": [["alt", "a cat", [3, 17]]], "uuid": "two"},
    {"url": "https://a.example/3.jpg", "texts": [["alt", 'say "\\', "fr"]], "image_id": 3},
]
ROWS = [
    ("one", "a dog", "https://a.example/1.jpg", 0, None),
    ("one", "Rex, [the] {dog}", "https://a.example/1.jpg", 0, None),
    ("two", "a cat", "https://a.example/2.jpg", 1, None),
    ("3", 'say "\\', "https://a.example/3.jpg", 2, "fr"),
]


def write(folder, data):
    path = folder / "pool.json"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "\n".join(map(json.dumps, RECORDS)),
        "\ufeff \n" + json.dumps(RECORDS, separators=(",", ":")) + "\n",
    ],
    ids=["array", "indented", "lines", "marked"],
)
def test_every_text_of_every_record_is_a_row(tmp_path, data):
    rows, dropped, damages, _ = read_all(write(tmp_path, data))
    assert [tuple(row[name] for name in ("uid", "text", "url", "row", "language")) for row in rows] == ROWS
    assert (dropped, damages) == ({}, [])


def test_the_array_is_split_right_wherever_blocks_end(tmp_path, monkeypatch):
    path = write(tmp_path, json.dumps(RECORDS, indent=1))
    for size in (1, 2, 3, 5, 7, 100):
        monkeypatch.setattr("curation.pool.streams.BLOCK_BYTES", size)
        assert [row["text"] for row in read_all(path)[0]] == [row[1] for row in ROWS]


def test_plain_records_with_a_text_or_a_list_of_texts_are_read_too(tmp_path):
    path = write(tmp_path, json.dumps([{"caption": "a", "uid": 1}, {"caption": ["b", "c"], "uid": 2}]))
    rows, _, _, _ = read_all(path, Columns(text="caption"))
    assert [(row["uid"], row["text"], row["row"]) for row in rows] == [("1", "a", 0), ("2", "b", 1), ("2", "c", 1)]
    assert FORMAT.fields(path) == ["caption", "uid"]
    with pytest.raises(MissingColumn, match="no field 'text'"):
        read_all(path)


def test_records_and_texts_of_another_shape_are_counted(tmp_path):
    records = [
        {"texts": [["alt", "a"], "plain", ["alt"], [1, 2], ["alt", None], {"alt": "b"}]},
        {"texts": []},
        {"url": "u"},
        {"texts": "alone"},
        [1],
        None,
    ]
    texts, dropped = texts_of(write(tmp_path, json.dumps(records)))
    assert texts == ["a", "plain", "alone"]
    assert dropped == {"text is not text": 3, "text is null": 1, "no texts": 2, "not an object": 2}


def test_a_bad_record_in_an_array_costs_itself_only(tmp_path):
    path = write(tmp_path, '[{"texts": ["a"]}, {"texts": [tru]}, {"texts": ["\\ud83d"]}, , {"texts": ["b"]}]')
    assert texts_of(path) == (["a", "b"], {"not JSON": 1, "text is not UTF-8": 1})


def test_100_000_nested_brackets_are_one_bad_record(tmp_path):
    path = write(tmp_path, '[{"texts": ["a"]}, ' + "[" * 100_000 + "]" * 100_000 + ', {"texts": ["b"]}]')
    assert texts_of(path) == (["a", "b"], {"nested too deep": 1})


def test_a_record_of_more_than_16_mb_is_counted_and_not_held(tmp_path):
    long = "x" * 20_000_000
    path = write(tmp_path, json.dumps([{"texts": ["a"]}, {"texts": [long]}, {"x": [1] * 6_000_000}, {"texts": ["b"]}]))
    assert texts_of(path) == (["a", "b"], {"longer than 16 MB": 2})


def test_an_array_without_end_is_damage(tmp_path):
    rows, dropped, damages, _ = read_all(write(tmp_path, '[{"texts": ["a"]}, {"texts": ["b"]}'))
    assert [row["text"] for row in rows] == ["a", "b"]
    assert "the array of records has no end" in damages[0]
    rows, dropped, damages, _ = read_all(write(tmp_path, '[{"texts": ["a"]}, {"texts": ["b'))
    assert ([row["text"] for row in rows], dropped) == (["a"], {"not JSON": 1})
    assert "the array of records has no end" in damages[0]


def test_what_follows_the_array_is_damage(tmp_path):
    rows, _, damages, _ = read_all(write(tmp_path, '[{"texts": ["a"]}]\n[{"texts": ["b"]}]'))
    assert [row["text"] for row in rows] == ["a"]
    assert "more text after the array" in damages[0]
