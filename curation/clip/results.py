"""The table of results: a Parquet file, a row for each number that was measured (docs/evaluate.md has its columns)."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from curation import files
from curation.errors import BadArgument, UnreadableFile

SCHEMA = pa.schema(
    [
        pa.field("checkpoint", pa.string(), False),
        pa.field("checkpoint_digest", pa.string(), False),
        pa.field("data", pa.string(), False),
        pa.field("data_digest", pa.string(), False),
        pa.field("protocol", pa.string(), False),
        pa.field("templates", pa.string()),
        pa.field("shots", pa.int32()),
        pa.field("seed", pa.int64()),
        pa.field("metric", pa.string(), False),
        pa.field("value", pa.float64(), False),
        pa.field("low", pa.float64(), False),
        pa.field("high", pa.float64(), False),
        pa.field("n", pa.int64(), False),
        pa.field("dropped", pa.int64(), False),
        pa.field("reasons", pa.string(), False),
        pa.field("l2", pa.float64()),
        pa.field("seconds", pa.float64(), False),
    ]
)


@dataclass(frozen=True)
class Key:
    """What was measured of what; the rows of a key came to be together.

    templates: None where no prompt takes part; shots: 0 without training, None for all; seed: None if nothing is drawn
    """

    checkpoint_digest: str
    data_digest: str
    protocol: str
    templates: str | None
    shots: int | None
    seed: int | None


@dataclass(frozen=True)
class Row(Key):
    """One number, see `SCHEMA`; reasons: why pictures were left out, as JSON {reason: how many}."""

    checkpoint: str
    data: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    dropped: int
    reasons: str
    l2: float | None
    seconds: float


def read_results(path: Path) -> pa.Table:
    """The rows of a table of results, none if it is not there yet; raises UnreadableFile, BadArgument."""
    if path.suffix != ".parquet":
        raise BadArgument(f"{path}: results go into a .parquet file")
    if not path.exists():
        return SCHEMA.empty_table()
    with files.open_parquet(path) as file:
        if not file.schema_arrow.equals(SCHEMA):
            raise UnreadableFile(f"{path}: no table of results of this version; give another file with -o")
        return file.read()


def measured(path: Path) -> set[Key]:
    """What a table of results holds already; raises as `read_results` does."""
    names = list(Key.__dataclass_fields__)
    return {Key(**row) for row in read_results(path).select(names).to_pylist()}


def add_results(path: Path, rows: Sequence[Row]) -> None:
    """Put rows into a table, in place of those with the same keys; another process may do so at the same time.

    raises as `read_results` does
    """
    keys = {_key(asdict(row)) for row in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path.parent):
        kept = [row for row in read_results(path).to_pylist() if _key(row) not in keys]
        files.write_parquet(path, pa.Table.from_pylist([*kept, *map(asdict, rows)], SCHEMA))


def _key(row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in Key.__dataclass_fields__)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against others who change a table in it; the kernel frees it when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
