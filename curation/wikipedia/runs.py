"""Counts that do not fit in memory: sorted runs on disk, merged as a stream."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from curation import files
from curation.metadata.counted import SCHEMA, summed

GROUP_ROWS = 1 << 16
"""Rows of a run that are read at once: small, because hundreds of runs are read together."""

MERGED_ROWS = 1 << 21
"""Rows of all runs together that are held while they are merged."""


def write_run(path: Path, counts: Mapping[str, int]) -> None:
    """Write counts as a run: columns text and count, by text in the order of its UTF-8 bytes."""
    columns = [pa.array(list(counts), pa.string()), pa.array(list(counts.values()), pa.int64())]
    write_table_run(path, pa.table(columns, schema=SCHEMA).sort_by("text"))


def write_table_run(path: Path, table: pa.Table) -> None:
    """Write a table that is sorted by text, each text once, as a run."""
    with files.whole(path) as temporary:
        files.write_row_groups(temporary, SCHEMA, [table], GROUP_ROWS)


def merge_runs(paths: Sequence[Path]) -> Iterator[pa.Table]:
    """The sums over all runs, by text, in tables of which each begins after the one before."""
    rows = max(1, min(GROUP_ROWS, MERGED_ROWS // max(1, len(paths))))
    live = [run for path in paths if (run := _Run(path, rows)).advance()]
    while live:
        # what follows in any run is larger than this, so everything up to here is complete
        limit = min(run.last for run in live)
        yield summed(pa.concat_tables([run.take_until(limit) for run in live]))
        live = [run for run in live if len(run.table) or run.advance()]


class _Run:
    """A run and the piece of it that is in memory."""

    def __init__(self, path: Path, rows: int) -> None:
        self._batches = files.read_batches(path, SCHEMA.names, rows)
        self.table = SCHEMA.empty_table()

    @property
    def last(self) -> str:
        return str(self.table["text"][-1].as_py())

    def advance(self) -> bool:
        """Read the next piece; False at the end."""
        batch = next(self._batches, None)
        self.table = SCHEMA.empty_table() if batch is None else pa.Table.from_batches([batch])
        return batch is not None

    def take_until(self, limit: str) -> pa.Table:
        """Cut off the rows up to this text."""
        # code points sort as UTF-8 bytes do
        stop = bisect_right(self.table["text"], limit, key=lambda text: text.as_py())
        taken, self.table = self.table.slice(0, stop), self.table.slice(stop)
        return taken
