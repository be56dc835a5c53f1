"""Arrow files, mapped into memory: their record batches in order, as far as they are whole."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from curation.errors import UnreadableFile
from curation.pool.sniff import check_bare

_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
_RANDOM_ACCESS = b"ARROW1"


class ArrowFile:
    """A file in Arrow's IPC format, the streaming or the random-access form; to be used in a `with` block.

    schema: of all its record batches; names: of its columns
    damage: after `batches` has ended, what it ended on before the end of the file, if it did

    raises UnreadableFile for what is no such file
    """

    def __init__(self, path: Path) -> None:
        check_bare(path)
        self.damage: str | None = None
        self._source = pa.memory_map(str(path))
        try:
            self._random_access = self._source.read(len(_RANDOM_ACCESS)) == _RANDOM_ACCESS
            self._source.seek(0)
            self._reader = (pa.ipc.open_file if self._random_access else pa.ipc.open_stream)(self._source)
            self.schema: pa.Schema = self._reader.schema
            self.names: list[str] = self.schema.names
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last from a damaged name of a column
            self._source.close()
            raise UnreadableFile(f"{path}: not an Arrow file, or cut short ({_first_line(error)})") from None

    def __enter__(self) -> "ArrowFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._source.close()

    def batches(self, most_rows: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Record batches of at most so many rows, each with the number of its first row.

        Their values are not checked: do so with `validate(full=True)`, for offsets that lead out of the file end the
        process.
        """
        row = 0
        try:
            for batch in self._stored():
                for first in range(0, len(batch), most_rows):
                    part = batch.slice(first, most_rows)
                    yield row, part
                    row += len(part)
        except (pa.ArrowException, OSError) as error:
            self.damage = f"cut off or damaged after {row} rows ({_first_line(error)})"
            return
        if not self._random_access and not self._ends_well():
            self.damage = f"no end marker: cut off after {self._source.size()} bytes"

    def _stored(self) -> Iterator[pa.RecordBatch]:
        if not self._random_access:
            yield from self._reader
            return
        for at in range(self._reader.num_record_batches):
            yield self._reader.get_batch(at)

    def _ends_well(self) -> bool:
        self._source.seek(0)
        if self._source.read(4) != _END_OF_STREAM[:4]:
            return True  # before Arrow 0.15 the marker was four zero bytes, as padding is
        self._source.seek(max(0, self._source.size() - len(_END_OF_STREAM)))
        return self._source.read() == _END_OF_STREAM


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
