"""What a format of exports is: one object of this kind for each, all of them in `formats.py`."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from curation.queries import Size
from curation.runs.export.options import ExportOptions
from curation.runs.folder import Run

PAIR_COLUMNS = pa.schema(
    [
        ("uid", pa.string()),
        ("text", pa.string()),
        ("url", pa.string()),
        ("matched_entry_ids", pa.list_(pa.int32())),
        ("matched_entries", pa.list_(pa.string())),
        ("t_min", pa.float64()),
        ("image", pa.binary()),
        ("language", pa.string()),
    ]
)
"""What an exported pair can consist of; a format holds some of these columns, in its own way.

image goes along where the pool has images, and language where the metadata of the run knows languages.
"""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One export: what its writer has to know besides the pairs.

    schema: of the batches of pairs, some of PAIR_COLUMNS
    """

    run: Run
    size: Size
    options: ExportOptions
    schema: pa.Schema


@dataclass(frozen=True)
class Written:
    """What a writer made of the pairs.

    rows:    file, relative to the folder -> pairs in it
    dropped: pairs that only the writer could see it cannot hold, by reason
    """

    rows: dict[str, int]
    dropped: Counter[str]


def everything(pairs: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
    """The pairs that a format can hold, and how many it cannot for which reason: here all of them."""
    return pairs, Counter()


@dataclass(frozen=True, kw_only=True)
class Format:
    """How the pairs of one format are written, and read again to be verified.

    name:         what people call it, such as "webdataset"
    columns:      those of PAIR_COLUMNS that it holds
    needs_images: it is nothing without them; else images go along where the pool has them and they are wanted
    usable:       the pairs of a batch that the format can hold, and how many it cannot for which reason
    write:        write pairs into a folder, in bounded memory
    read:         the wanted columns of the pairs in files of a folder, in bounded memory; raises UnreadableFile for
                  what the format does not write; None for a format that holds no pairs
    distinct:     pairs that share a uid stand there once
    cards:        the files with the number of texts of each entry, before and after
    """

    name: str
    columns: tuple[str, ...]
    write: Callable[[Path, Iterator[pa.RecordBatch], Task], Written]
    read: Callable[[Path, Sequence[str], Sequence[str]], Iterator[pa.RecordBatch]] | None
    needs_images: bool = False
    usable: Callable[[pa.RecordBatch], tuple[pa.RecordBatch, Counter[str]]] = everything
    distinct: bool = False
    cards: tuple[str, ...] = ("_card.json",)
