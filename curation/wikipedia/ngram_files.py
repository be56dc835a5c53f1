"""Counts of words and of pairs of words in files: Parquet (n, gram, count), or lines of gram, tab, count."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.errors import BadMetadata, MissingColumn, MissingFile
from curation.metadata.counted import SCHEMA, Counted, as_text, at_least, summed
from curation.wikipedia.lines import Lines

NGRAM_SCHEMA = pa.schema([("n", pa.int8()), ("gram", pa.string()), ("count", pa.int64())])
GROUP_ROWS = 1 << 20
BATCH_ROWS = 1 << 17


def write_ngrams(path: Path, tables: Iterable[tuple[int, pa.Table]]) -> None:
    """Write (n, table of text and count) as one Parquet file of n, gram, count, in the order they come."""
    shaped = (
        pa.table([pa.array([n] * len(table), pa.int8()), table["text"], table["count"]], schema=NGRAM_SCHEMA)
        for n, table in tables
    )
    with files.whole(path) as temporary:
        files.write_row_groups(temporary, NGRAM_SCHEMA, shaped, GROUP_ROWS)


def has_ngrams(path: Path, n: int) -> bool:
    """Whether a Parquet file holds n-grams of this length; lines of text are of one length, so False for them."""
    if path.suffix != ".parquet":
        return False
    return any(pc.any(pc.equal(batch["n"], n)).as_py() for batch in _batches(path, ["n"]))


def read_ngrams(path: Path, n: int, min_count: int = 1) -> Counted:
    """Words (n = 1) or pairs of words (n = 2) with their counts; all are summed up, those below min_count left out.

    .parquet      columns n, gram, count (as `headtail metadata count` writes it)
    .tsv, .tsv.gz lines of gram, tab, count; the file holds one n

    raises MissingFile, UnreadableFile, MissingColumn, BadMetadata (not one n-gram of this length)
    """
    if not path.is_file():
        raise MissingFile(f"{path}: no such file; make one with 'headtail metadata count DUMP -o {path.name}'")
    if path.suffix == ".parquet":
        counted = _from_batches(_parquet_tables(path, n), min_count)
    elif path.suffixes[-1:] in ([".tsv"], [".txt"]) or path.suffixes[-2:] in ([".tsv", ".gz"], [".txt", ".gz"]):
        counted = _from_lines(Lines(path, "\t", ("text", "count")), n, min_count)
    else:
        raise MissingFile(
            f"{path}: n-grams are read from .parquet, .tsv, .tsv.gz, not from {path.suffix or 'no suffix'!r}"
        )
    if not counted.distinct:
        what = "word" if n == 1 else "pair of words"
        raise BadMetadata(f"{path}: not one {what} with a count (left out: {counted.dropped or 'nothing'})")
    return counted


def _batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    names = files.open_parquet(path).schema_arrow.names
    if missing := [name for name in columns if name not in names]:
        raise MissingColumn(f"{path}: no column {missing[0]!r} (found: {', '.join(names)}); give n, gram, count")
    yield from files.read_batches(path, columns, BATCH_ROWS)


def _parquet_tables(path: Path, n: int) -> Iterator[pa.Table]:
    for batch in _batches(path, ["n", "gram", "count"]):
        table = pa.Table.from_batches([batch.filter(pc.equal(batch["n"], n))]).drop_null()
        columns = [table["gram"].cast(pa.string()), table["count"].cast(pa.int64())]
        yield pa.table(columns, schema=SCHEMA)


def _from_batches(tables: Iterator[pa.Table], min_count: int) -> Counted:
    kept, distinct, total = [SCHEMA.empty_table()], 0, 0
    for table in tables:
        distinct += len(table)
        total += pc.sum(table["count"]).as_py() or 0
        kept.append(at_least(table, min_count))
    return Counted(pa.concat_tables(kept), distinct, total)


def _from_lines(lines: Lines, n: int, min_count: int) -> Counted:
    tables, dropped = [SCHEMA.empty_table()], Counter[str]()
    for raw in lines:
        text = as_text(raw["text"].combine_chunks())
        dropped["bad unicode"] += text.null_count
        right = pc.equal(pc.count_substring(text, " "), n - 1)
        dropped["another number of words"] += len(text) - text.null_count - (pc.sum(right).as_py() or 0)
        tables.append(pa.table([text, raw["count"]], schema=SCHEMA).filter(right))
    whole = summed(pa.concat_tables(tables))
    dropped.update(lines.dropped)
    reasons = {reason: count for reason, count in dropped.items() if count}
    return Counted(at_least(whole, min_count), len(whole), pc.sum(whole["count"]).as_py() or 0, reasons)
