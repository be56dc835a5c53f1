import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.errors import BadMetadata, MissingColumn, MissingFile, UnreadableFile
from curation.wikipedia.ngram_files import has_ngrams, read_ngrams, write_ngrams

TABLE = {"n": [1, 1, 2, 1], "gram": ["hot", "dog", "hot dog", "rare"], "count": [9, 8, 7, 1]}


def as_dict(counted):
    return dict(zip(*counted.table.to_pydict().values(), strict=True))


def test_parquet_holds_words_and_pairs_and_totals_include_the_rare(tmp_path):
    path = tmp_path / "n.parquet"
    pq.write_table(pa.table(TABLE), path)
    words = read_ngrams(path, 1, min_count=8)
    assert as_dict(words) == {"hot": 9, "dog": 8}
    assert (words.distinct, words.total, words.dropped) == (3, 18, {})
    assert as_dict(read_ngrams(path, 2)) == {"hot dog": 7}
    assert (has_ngrams(path, 2), has_ngrams(path, 3)) == (True, False)


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "n.parquet"
    write_ngrams(
        path, [(1, pa.table({"text": ["a", "b"], "count": [1, 2]})), (2, pa.table({"text": ["a b"], "count": [3]}))]
    )
    assert str(pq.read_schema(path).types) == "[DataType(int8), DataType(string), DataType(int64)]"
    assert as_dict(read_ngrams(path, 1)) == {"a": 1, "b": 2}
    assert as_dict(read_ngrams(path, 2)) == {"a b": 3}


LINES = b'hot\t9\ndog\t8\n"quoted\t3\nhot dog\t7\nhot\t1\nno count\nbad\tmany\nminus\t-1\n' + b"caf\xe9\t2\n"


@pytest.mark.parametrize(("name", "pack"), [("w.tsv", bytes), ("w.tsv.gz", gzip.compress), ("w.txt", bytes)])
def test_lines_are_summed_and_unusable_ones_counted(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(LINES))
    words = read_ngrams(tmp_path / name, 1)
    assert as_dict(words) == {"hot": 10, "dog": 8, '"quoted': 3}
    assert (words.distinct, words.total) == (3, 21)
    assert words.dropped == {
        "bad unicode": 1, "another number of words": 1, "not the fields of a line": 1, "no count": 2
    }  # fmt: skip
    assert as_dict(read_ngrams(tmp_path / name, 2, min_count=7)) == {"hot dog": 7}
    assert not has_ngrams(tmp_path / name, 1)


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("none.parquet", None, MissingFile, "no such file; make one with 'headtail metadata count DUMP"),
        ("w.csv", b"a,1", MissingFile, "read from .parquet, .tsv, .tsv.gz, not from '.csv'"),
        ("empty.tsv", b"", BadMetadata, "not one pair of words with a count"),
        ("words.tsv", b"a\t1\n", BadMetadata, "another number of words"),
        ("cut.tsv.gz", gzip.compress(LINES * 1000, mtime=0)[:60], UnreadableFile, "cut short or damaged"),
        ("half.parquet", b"PAR1 and then nothing", UnreadableFile, "not a whole Parquet file"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path, name, content, error, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        read_ngrams(tmp_path / name, 2)
    assert "\n" not in str(caught.value)


def test_a_damaged_page_is_noticed(tmp_path):
    path = tmp_path / "n.parquet"
    words = pa.table({"text": [f"word{n}" for n in range(5000)], "count": [n + 1 for n in range(5000)]})
    write_ngrams(path, [(1, words)])
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    path.write_bytes(data)
    with pytest.raises(UnreadableFile, match=r"n\.parquet: damaged \(") as caught:
        read_ngrams(path, 1)
    assert "\n" not in str(caught.value)


def test_parquet_without_the_columns_names_those_it_has(tmp_path):
    pq.write_table(pa.table({"word": ["a"], "n": [1]}), tmp_path / "w.parquet")
    with pytest.raises(MissingColumn, match=r"no column 'gram' \(found: word, n\)"):
        read_ngrams(tmp_path / "w.parquet", 1)
