"""What a format of pools can do: one object of this kind for each, all of them in `formats.py`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.pool.columns import Columns
from curation.pool.pairs import Scanned


@dataclass(frozen=True, kw_only=True)
class Format:
    """How the files of one format are found, looked at and read.

    A place is a Path, or for Parquet also the URI of a file on a filesystem that Arrow knows.

    name:     what people call it, such as "csv"
    suffixes: the ends of file names that belong to it, in lower case, such as ".csv.gz"
    folder:   the files of a folder that as a whole belongs to the format, or None if it does not
    fields:   the names of the fields or columns of a file, in order; raises UnreadableFile
    read:     the pairs of a file, in order, a few ten thousand at a time, in bounded memory. What is damaged inside a
              file is counted or told in `Scanned`; raises UnreadableFile where nothing can be read, MissingColumn
    images:   the bytes of images by the references that `read` gave, None for one that is not there any more (the
              caller has made sure that the file did not change); None for a format that holds no images
    """

    name: str
    suffixes: tuple[str, ...]
    fields: Callable[[Any], list[str]]
    read: Callable[[Any, Columns], Iterator[Scanned]]
    images: Callable[[Any, Columns, Sequence[str]], list[bytes | None]] | None = None
    folder: Callable[[Path], list[Path] | None] = lambda path: None
