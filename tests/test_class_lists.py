import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.class_lists import (
    LONGEST_NAME,
    MOST_NAMES,
    ClassList,
    imagenet_names,
    near_spellings,
    parse_file,
    parse_names,
    parts,
    read_names,
    spellings,
)
from curation.errors import BadArgument, MissingColumn, MissingFile, UnreadableFile
from curation.runs.workspace import SAMPLE_DATA

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
WEIGHTS = st.one_of(st.just(1.0), st.floats(1e-9, 1e12))


def test_a_line_is_a_name_and_may_carry_a_count():
    found = parse_names("dog\r\n  hot dog , 12\n\ncat,0.5\nWashington, D.C.\ndog")
    assert found == ClassList(("dog", "hot dog", "cat", "Washington, D.C."), (2.0, 12.0, 0.5, 1.0))
    assert not found.uniform
    assert parse_names("dog\ncat").uniform


@given(st.lists(st.tuples(NAMES, WEIGHTS), min_size=1, max_size=8))
def test_a_list_as_text_is_read_as_the_same_list(rows):
    text = json.dumps(dict(rows)).encode()
    try:
        found = parse_file("names.json", text)
    except BadArgument:  # nothing but blanks
        return
    assert parse_names(found.as_text()) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no class name: give one a line"),
        (" \n\t\n", "no class name"),
        ("dog, 0", "'dog': a count of 0; give one above 0"),
        ("x" * (LONGEST_NAME + 1), f"more than {LONGEST_NAME} characters"),
        ("\n".join(map(str, range(MOST_NAMES + 1))), "more than 20,000 class names"),
    ],
)
def test_a_list_that_is_none_is_refused(text, message):
    with pytest.raises(BadArgument, match=message):
        parse_names(text)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", "\ufeffdog\nhot dog, 3".encode(), {"dog": 1.0, "hot dog": 3.0}),
        ("a.JSON", b'["dog", "cat", "dog"]', {"dog": 2.0, "cat": 1.0}),
        ("a.json", b'{"dog": 5, "cat": 2.5}', {"dog": 5.0, "cat": 2.5}),
        ("a.csv", b'Label,Count\n"hot, dog",3\ncat,2\n', {"hot, dog": 3.0, "cat": 2.0}),
        ("a.csv", b"dog,a pet\ncat\n", {"dog": 1.0, "cat": 1.0}),
        ("a.json", b'["\\ud83d dog", "a\\nb"]', {"? dog": 1.0, "a b": 1.0}),
    ],
)
def test_files_hold_names_in_several_forms(tmp_path, name, data, expected):
    found = parse_file(name, data)
    assert dict(zip(found.names, found.weights, strict=True)) == expected
    (tmp_path / name.lower()).write_bytes(data)
    assert read_names(tmp_path / name.lower()) == found


def test_a_parquet_file_has_a_column_of_names(tmp_path):
    pq.write_table(pa.table({"id": [1, 2], "label": ["dog", "cat"], "count": [7, 1]}), tmp_path / "a.parquet")
    assert read_names(tmp_path / "a.parquet") == ClassList(("dog", "cat"), (7.0, 1.0))
    pq.write_table(pa.table({"id": [1, 2]}), tmp_path / "b.parquet")
    with pytest.raises(MissingColumn, match=r"no column .* \(found: id\)"):
        read_names(tmp_path / "b.parquet")


@pytest.mark.parametrize(
    ("name", "data", "error", "message"),
    [
        ("a.xlsx", b"", MissingFile, "not from '.xlsx'"),
        ("a.txt", b"\xff", UnreadableFile, "not UTF-8"),
        ("a.json", b"{", UnreadableFile, "no JSON"),
        ("a.json", b"[" * 100_000, UnreadableFile, "no JSON"),
        ("a.json", b"3", UnreadableFile, "a JSON int"),
        ("a.json", b'[{"name": "dog"}]', BadArgument, "class names are texts"),
        ("a.json", b'{"dog": "many"}', BadArgument, "their counts numbers"),
        ("a.json", b'{"dog": NaN}', BadArgument, "a count of nan"),
    ],
)
def test_a_file_that_holds_no_names_is_refused(name, data, error, message):
    with pytest.raises(error, match=message):
        parse_file(name, data)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(MissingFile, match="no such file"):
        read_names(tmp_path / "none.txt")


def test_the_names_of_imagenet_come_out_of_open_clip_without_importing_it():
    found = imagenet_names()
    assert sum(found.weights) == 1000
    assert {"tench", "Golden Retriever", "toilet paper"} <= set(found.names)
    code = "import sys; from curation.class_lists import imagenet_names; imagenet_names(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"open_clip", "torch"} & set(loaded)


def test_the_concepts_of_the_sample_data_are_a_weighted_list():
    found = read_names(SAMPLE_DATA / "concepts.parquet")
    assert len(found.names) == 1121
    assert found.weights[0] == max(found.weights)


def test_a_name_is_tried_as_metadata_may_spell_it():
    assert spellings("Fire_Truck") == ["Fire_Truck", "Fire Truck", "fire truck", "Fire truck"]
    assert spellings("kite (bird of prey)")[:2] == ["kite (bird of prey)", "kite"]
    assert spellings("McDonald")[0] == "McDonald"


@pytest.mark.parametrize(
    ("one", "other"), [("dog", "dogs"), ("bus", "buses"), ("box", "boxes"), ("berry", "berries"), ("toy", "toys")]
)
def test_the_other_number_of_a_name_is_near_it(one, other):
    assert other in near_spellings(one)


@pytest.mark.parametrize(
    ("many", "one"), [("dogs", "dog"), ("boxes", "box"), ("berries", "berry"), ("glasses", "glass")]
)
def test_the_singular_of_a_name_is_near_it(many, one):
    assert one in near_spellings(many)


@given(st.text(max_size=40))
def test_no_spelling_of_a_name_is_empty_or_comes_twice(name):
    for found in (spellings(name), near_spellings(name)):
        assert "" not in found
        assert len(set(found)) == len(found)
    assert not set(spellings(name)) & set(near_spellings(name))


def test_the_words_of_a_name_come_longest_and_last_first():
    assert parts("a b_c (d)") == ["b c", "a b", "c", "b", "a"]
    assert parts("dog") == []
