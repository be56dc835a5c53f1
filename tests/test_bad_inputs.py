"""Bad data: nothing crashes, hangs or takes the memory of the machine, and every row is kept or counted."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bad_driver import outcomes, worst
from bad_inputs import MUTATIONS, BadInput, all_inputs, sample
from bad_media import CANARY, torch_file, weights
from bad_pools import parquet, table
from misbehave import environment_of_tests

MUTATED = {mutate.__name__ for mutate in MUTATIONS} | {"spliced"}
PARTS = 8


def is_mutated(bad):
    return bool(MUTATED & set(bad.name.split()))


def broken(found):
    """What was broken, for each input that broke a promise; and how many inputs there were."""
    return {f"{each.bad.file}: {each.bad.name}": lines for each in found if (lines := each.broken())}, len(found)


def test_there_are_over_1000_bad_inputs_and_half_of_them_come_from_mutation():
    inputs = all_inputs()
    assert len(inputs) > 1000
    assert sum(map(is_mutated, inputs)) >= len(inputs) / 2
    assert {bad.what for bad in inputs} == {"pool", "image", "checkpoint", "metadata"}


def test_bad_inputs_are_the_same_each_time():
    # a zip archive and a Parquet file may hold the time or the version of their writer: those mutated of text do not
    first, again = (
        [bad.data() for bad in sample(600) if bad.file.endswith((".csv", ".jsonl", ".json", ".txt"))] for _ in range(2)
    )
    assert first == again


def test_a_sample_of_bad_inputs_breaks_no_promise(tmp_path):
    assert broken([*outcomes(sample(600), tmp_path)]) == ({}, len(sample(600)))


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_no_bad_input_breaks_a_promise(tmp_path, part, capsys):
    inputs = all_inputs()[part::PARTS]
    found = [*outcomes(inputs, tmp_path)]
    with capsys.disabled():
        sys.stdout.write(f"\n{worst(found)}\n")
    assert broken(found) == ({}, len(inputs))
    assert not Path(CANARY).exists()


def test_the_promises_can_be_broken(tmp_path):
    """A negative control: a reader that dies, and one that hides a bug, are found."""
    lying = BadInput("says 3 rows", "a.jsonl", lambda: b'{"text": "a"}\n', rows=3)
    assert broken([*outcomes([lying], tmp_path)]) == ({"a.jsonl: says 3 rows": ["1 rows of 3"]}, 1)


CHECKS = {
    "pool": ("a.parquet", lambda: parquet(table())),
    "image": ("a.png", lambda: b"\x89PNG\r\n\x1a\n"),
    "checkpoint": ("a.pt", lambda: torch_file({"a": weights()["visual.proj"]})),
}


def checked(group, *paths):
    """The exit code of a check command, the object of its last line, and all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "curation", group, "check", *map(str, paths), "--json"],
        check=False,
        capture_output=True,
        env=environment_of_tests(),
        timeout=120,
    )
    return done.returncode, json.loads(done.stdout.decode().splitlines()[-1]), (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("group", CHECKS)
def test_each_check_command_ends_with_an_object_of_five_counts(tmp_path, group):
    name, data = CHECKS[group]
    (tmp_path / name).write_bytes(data())
    code, last, told = checked(group, tmp_path / name)
    assert list(last) == ["rows_in", "kept", "dropped", "damage", "error"]
    assert (code, last["error"]) == (0, None)
    assert last["kept"] + sum(last["dropped"].values()) == last["rows_in"]
    assert "Traceback" not in told


@pytest.mark.parametrize("group", CHECKS)
def test_each_check_command_says_that_a_file_is_missing_in_the_same_form(tmp_path, group):
    code, last, told = checked(group, tmp_path / "missing.jpg")
    assert code in (1, 2)
    assert (last["rows_in"], last["kept"], last["dropped"]) == (None, 0, {})
    assert "missing.jpg" in last["error"]
    assert "Traceback" not in told


def test_the_last_line_sums_over_several_files_each_of_which_has_a_line(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{\n')
    (tmp_path / "b.csv").write_text('text\nb\n"c\n')
    code, last, told = checked("pool", tmp_path)
    assert (code, last) == (
        0,
        {
            "rows_in": 4,
            "kept": 2,
            "dropped": {"not JSON": 1, "quotes that do not close": 1},
            "damage": None,
            "error": None,
        },
    )
    assert len(told.splitlines()) == 3


def test_a_file_whose_name_is_no_unicode_is_checked(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.jsonl"
    Path(os.fsdecode(path)).write_text('{"text": "a"}\n')
    code, last, _ = checked("pool", tmp_path)
    assert (code, last["kept"]) == (0, 1)


def test_rows_of_a_damaged_row_group_are_counted_and_those_behind_it_are_read(tmp_path):
    data = bytearray(parquet(table(), write_page_checksum=True, use_dictionary=False, row_group_size=20))
    page = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(1).column(0).data_page_offset
    data[page + 200] ^= 1  # behind the header of the page
    (tmp_path / "a.parquet").write_bytes(data)
    code, last, _ = checked("pool", tmp_path / "a.parquet")
    assert (code, last["rows_in"], last["kept"], last["dropped"]) == (1, 60, 40, {"row group is damaged": 20})
    assert "damaged near row 20" in last["error"]
