"""Lines of fields, one of which is a count, plain or in gzip; lines that are not so are counted, never fatal."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from curation.errors import UnreadableFile
from curation.metadata.counted import as_text

BLOCK_BYTES = 16 << 20


class Lines:
    """The usable lines of a file, read as they are iterated: tables of binary columns, and count as int64.

    columns: what the fields are called, "count" among them
    dropped: lines left out so far: reason -> how many
    """

    def __init__(self, path: Path, delimiter: str, columns: tuple[str, ...]) -> None:
        self._path = path
        self._delimiter = delimiter
        self._columns = columns
        self.dropped: Counter[str] = Counter()

    def __iter__(self) -> Iterator[pa.Table]:
        if self._path.stat().st_size == 0:
            return
        try:
            for batch in self._open():
                yield self._usable(pa.Table.from_batches([batch]))
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None):  # the disk's
                raise
            reason = str(error).split("\n")[0][:200]
            raise UnreadableFile(f"{self._path}: cut short or damaged ({reason}); fetch it again") from None

    def _open(self) -> csv.CSVStreamingReader:
        def count(row: csv.InvalidRow) -> str:
            self.dropped["not the fields of a line"] += 1
            return "skip"

        return csv.open_csv(
            pa.input_stream(str(self._path), compression="gzip" if is_gzip(self._path) else None),
            read_options=csv.ReadOptions(column_names=list(self._columns), block_size=BLOCK_BYTES, use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=self._delimiter, quote_char=False, double_quote=False, invalid_row_handler=count
            ),
            # as bytes, so that neither bad UTF-8 nor a bad number ends the reading
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(self._columns, pa.binary()), check_utf8=False
            ),
        )

    def _usable(self, table: pa.Table) -> pa.Table:
        digits = as_text(table["count"].combine_chunks())
        is_count = pc.fill_null(pc.match_substring_regex(digits, "^[0-9]{1,18}$"), False)
        if unusable := len(table) - pc.sum(is_count).as_py():
            self.dropped["no count"] += unusable
        counts = digits.filter(is_count).cast(pa.int64())
        return table.filter(is_count).set_column(self._columns.index("count"), "count", counts)


def is_gzip(path: Path) -> bool:
    """Whether a file begins as gzip does."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"
