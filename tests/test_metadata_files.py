import json
import os
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import files
from curation.errors import BadArgument, BadMetadata, MissingColumn, MissingFile, UnreadableFile
from curation.metadata import from_entries
from curation.metadata_files import read_metadata, read_wordnet, save_metadata, saved_metadata, write_metadata


def test_a_json_list_is_read(tmp_path):
    path = tmp_path / "list.json"
    path.write_text('["dog", "hot dog", "dog", ""]')
    metadata = read_metadata(path)
    assert metadata.entry.to_pylist() == ["dog", "hot dog"]
    assert metadata.source.to_pylist() == ["list", "list"]
    assert metadata.dropped == {"duplicate": 1, "empty": 1}


def test_a_json_object_of_counts_is_read_for_its_entries(tmp_path):
    path = tmp_path / "counts.json"
    path.write_text('{"dog": 17, "cat": 0}')
    assert read_metadata(path).entry.to_pylist() == ["dog", "cat"]


def test_a_text_file_has_one_entry_a_line_and_only_line_feeds_end_one(tmp_path):
    path = tmp_path / "entries.txt"
    path.write_bytes("\ufeffdog\r\nhot dog\n\nline\u2028separator\n".encode())
    metadata = read_metadata(path)
    assert metadata.entry.to_pylist() == ["dog", "hot dog", "line\u2028separator"]
    assert metadata.dropped == {"empty": 1}


def test_parquet_brings_its_sources(tmp_path):
    path = tmp_path / "entries.parquet"
    pq.write_table(pa.table({"entry": ["dog", "cat"], "source": ["wordnet", "titles"]}), path)
    assert read_metadata(path).count_by_source() == {"wordnet": 1, "titles": 1}


@pytest.mark.parametrize("suffix", [".json", ".txt", ".parquet"])
def test_what_is_written_is_read_again(tmp_path, suffix):
    metadata = from_entries(["dog", "hot dog", "ünïcode", "U.S."], source="mine")
    write_metadata(metadata, tmp_path / f"mine{suffix}")
    assert read_metadata(tmp_path / f"mine{suffix}").digest == metadata.digest


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("missing.json", None, MissingFile, "no such file"),
        ("entries.csv", b"dog", MissingFile, r"read from .json, .txt, .parquet, not from '.csv'"),
        ("empty.json", b"[]", BadMetadata, "not one usable entry"),
        ("blank.txt", b"\n\n", BadMetadata, "not one usable entry"),
        ("number.json", b"7", UnreadableFile, "a JSON int"),
        ("broken.json", b'["dog", ', UnreadableFile, "not JSON"),
        ("deep.json", b"[" * 100_000, UnreadableFile, "not JSON"),
        ("latin.txt", b"caf\xe9", UnreadableFile, "not UTF-8"),
        ("latin.json", b'["caf\xe9"]', UnreadableFile, "not JSON"),
        ("half.parquet", b"PAR1 and then nothing", UnreadableFile, "not a whole Parquet file"),
    ],
)
def test_bad_metadata_is_one_clear_line(tmp_path, name, content, error, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        read_metadata(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_parquet_without_an_entry_column_names_those_it_has(tmp_path):
    pq.write_table(pa.table({"word": ["dog"]}), tmp_path / "words.parquet")
    with pytest.raises(MissingColumn, match="found: word"):
        read_metadata(tmp_path / "words.parquet")


def test_a_folder_without_wordnet_says_what_it_lacks(tmp_path):
    with pytest.raises(MissingFile, match=r"no data\.noun"):
        read_wordnet(tmp_path)


def test_files_that_are_not_wordnets_are_refused(tmp_path):
    for name in ("data.noun", "data.verb", "data.adj", "data.adv"):
        (tmp_path / name).write_text(json.dumps({"not": "wordnet"}))
    with pytest.raises(UnreadableFile, match="not the dict files of WordNet"):
        read_wordnet(tmp_path)


def test_a_folder_holds_a_list_for_each_language(tmp_path):
    (tmp_path / "en.json").write_text('["dog", "chat"]')
    (tmp_path / "zh-Hans.txt").write_text("狗\n猫\n")
    (tmp_path / "zh-Hant.txt").write_text("狗\n貓\n")
    (tmp_path / "README.md").write_text("not a list")
    metadata = read_metadata(tmp_path)
    assert metadata.entry.to_pylist() == ["dog", "chat", "狗", "猫", "貓"]
    assert metadata.language.to_pylist() == ["en", "en", "zh", "zh", "zh"]
    assert metadata.dropped == {"duplicate": 1}


def test_parquet_brings_its_languages_and_is_read_again_as_written(tmp_path):
    path = tmp_path / "entries.parquet"
    table = pa.table({"entry": ["dog", "chat", "chat", "chat"], "language": ["eng", "fr", "en-US", "fr"]})
    pq.write_table(table, path)
    metadata = read_metadata(path)
    assert metadata.entry.to_pylist() == ["dog", "chat", "chat"]
    assert metadata.language.to_pylist() == ["en", "en", "fr"]
    write_metadata(metadata, tmp_path / "again.parquet")
    assert read_metadata(tmp_path / "again.parquet").digest == metadata.digest
    with pytest.raises(BadArgument, match=r"several languages is written as \.parquet"):
        write_metadata(metadata, tmp_path / "again.json")


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({}, MissingFile, "put one in for each language"),
        ({"english.txt": "dog"}, BadMetadata, "'english' is no language code"),
        ({"en.txt": ""}, BadMetadata, "not one usable entry"),
    ],
)
def test_a_folder_that_is_no_metadata_is_one_clear_line(tmp_path, files, error, message):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(error, match=message):
        read_metadata(tmp_path)


def test_an_entry_without_a_language_beside_others_with_one_is_refused(tmp_path):
    table = pa.table({"entry": ["dog", "cat", "hen"], "language": ["en", None, "english"]})
    pq.write_table(table, tmp_path / "mixed.parquet")
    with pytest.raises(BadMetadata, match="2 entries have no language code"):
        read_metadata(tmp_path / "mixed.parquet")
    (tmp_path / "mixed.parquet").unlink()
    pq.write_table(pa.table({"entry": ["dog"], "language": ["en"]}), tmp_path / "en.parquet")
    with pytest.raises(BadMetadata, match="a column 'language' of its own"):
        read_metadata(tmp_path)


HOSTILE_TITLES = [
    "../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "a\\b", "C:\\x", "nul", "x" * 5000, "é" * 300,
    "\ud83d", "a\0b", "-rf", "~root", "*", "a\nb", "=1+1", "<img src=x>", "\u202egnp", "name.parquet",
    " spaced  out ", "$(reboot)", "'; --",
]  # fmt: skip


@pytest.mark.parametrize("title", HOSTILE_TITLES)
def test_whatever_metadata_is_called_it_is_saved_in_its_folder_under_a_plain_name(tmp_path, title):
    path = save_metadata(from_entries(["dog", "cat"], source=["a", "b"]), tmp_path / "metadata", title)
    assert path.parent == tmp_path / "metadata"
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,50}\.parquet", path.name)
    assert [file.name for file in tmp_path.iterdir()] == ["metadata"]
    (saved,) = saved_metadata(tmp_path / "metadata")
    assert (saved.path, saved.entries) == (path, 2)
    assert saved.title == " ".join(title.encode(errors="replace").decode().split())
    assert read_metadata(path).source.to_pylist() == ["a", "b"]


def test_metadata_of_one_name_does_not_replace_another(tmp_path):
    first = save_metadata(from_entries(["dog"], source="a"), tmp_path, "Birds")
    second = save_metadata(from_entries(["cat"], source="a"), tmp_path, "Birds")
    os.utime(first, (1, 1))
    (tmp_path / "pairs.parquet").write_bytes(b"no Parquet")
    pq.write_table(pa.table({"text": ["no metadata"]}), tmp_path / "pool.parquet")
    pq.write_table(pa.table({"entry": ["elk"]}), tmp_path / "mine.parquet")
    os.utime(tmp_path / "mine.parquet", (0, 0))
    assert [(saved.path, saved.title) for saved in saved_metadata(tmp_path)] == [
        (second, "Birds"),
        (first, "Birds"),
        (tmp_path / "mine.parquet", "mine"),
    ]
    assert saved_metadata(tmp_path / "nowhere") == []


def test_metadata_is_saved_with_a_name_and_an_entry(tmp_path):
    with pytest.raises(BadArgument, match="give one"):
        save_metadata(from_entries(["dog"], source="a"), tmp_path, " \n ")
    with pytest.raises(BadMetadata):
        save_metadata(from_entries([], source="a"), tmp_path, "nothing")


def test_entries_of_parquet_that_are_no_utf8_are_counted(tmp_path):
    entries = pa.array([b"dog", b"\xff", b"cat"]).view(pa.string())
    pq.write_table(pa.table({"entry": entries}), tmp_path / "a.parquet")
    found = read_metadata(tmp_path / "a.parquet")
    assert (found.entry.to_pylist(), found.dropped) == (["dog", "cat"], {"not a string": 1})


@pytest.mark.parametrize("languages", [[["en"]], [7], pa.array([b"\xff"]).view(pa.string())])
def test_languages_that_are_no_codes_are_refused_in_a_line(tmp_path, languages):
    pq.write_table(pa.table({"entry": ["dog"], "language": languages}), tmp_path / "a.parquet")
    with pytest.raises(
        BadMetadata, match=r"a.parquet: the column 'language' holds no codes of languages, such as 'en'"
    ):
        read_metadata(tmp_path / "a.parquet")


def test_a_damaged_page_of_metadata_is_refused_in_a_line(tmp_path):
    path = tmp_path / "a.parquet"
    files.write_parquet(path, pa.table({"entry": [f"entry {n}" for n in range(1000)]}))
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)
    with pytest.raises(UnreadableFile, match=r"a.parquet: damaged"):
        read_metadata(path)
