"""What a pool is taken for, before anything is done with it: files, formats, columns, and the first pairs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.inputs import PoolFile, find_files, guess_columns, look_at


@dataclass(frozen=True)
class Shown:
    """What `show_pool` found.

    columns: the name that is read as each of text, uid, url, image, width, height, language; guessed: those of them
             that were guessed; fields: all that the first file has
    first:   the first pairs of the first file, as PAIR_SCHEMA has them
    """

    files: list[PoolFile]
    fields: list[str]
    columns: dict[str, str]
    guessed: list[str]
    first: list[dict[str, Any]]


def show_pool(pool: Sequence[str], columns: Columns, format: str | None = None, first: int = 3) -> Shown:
    """Look at a pool and read its first pairs; raises what finding and looking at files raises."""
    found = find_files(pool, format)
    path, its_format = found[0]
    fields = its_format.fields(path)
    taken = guess_columns(fields, columns)
    files = [look_at(path, each, taken) for path, each in found]
    return Shown(
        files=files,
        fields=fields,
        columns={name: column for name, column in asdict(taken).items() if column in fields},
        guessed=[name for name, column in asdict(taken).items() if column != asdict(columns)[name]],
        first=_first_pairs(path, its_format, taken, first),
    )


def _first_pairs(path: Path | str, format: Format, columns: Columns, count: int) -> list[dict[str, Any]]:
    pairs: list[dict[str, Any]] = []
    for batch in format.read(path, columns) if count else ():
        pairs += batch.pairs.slice(0, count - len(pairs)).to_pylist()
        if len(pairs) == count:
            break
    return pairs
