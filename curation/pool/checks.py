"""Read files of pools and images to their end, in a child process, and count: what would be lost of them."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curation import files
from curation.children import SECONDS, Child
from curation.errors import CurationError, UnreadableFile
from curation.pool.checked import Checked, checked_row, checked_rows, few, one_row
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.formats import FORMATS
from curation.pool.image_files import MAX_IMAGE_BYTES
from curation.pool.inputs import find_files, guess_columns

BYTES_A_SECOND = 1_000_000
"""A file gets a second more for so many of its bytes: less than the slowest reader reads on a busy machine."""


def check_pool(
    pool: Sequence[str],
    columns: Columns,
    format: str | None = None,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> list[tuple[str, Checked]]:
    """Read each file of a pool and count; raises what finding them raises, and nothing that is the fault of a file.

    on_rows: is told how many more rows were met
    """
    found = find_files(pool, format)
    sizes = [0 if files.is_uri(path) else Path(path).stat().st_size for path, _ in found]
    remote = any(files.is_uri(path) for path, _ in found)
    checked = []
    # Arrow files are mapped into memory as a whole; what lies elsewhere may need a password of the environment
    with Child(f"{__name__}:read_pool_file", mapped=max(sizes), environment=os.environ if remote else None) as child:
        for (path, its_format), size in zip(found, sizes, strict=True):
            more = _MoreRows(on_rows)
            seconds = SECONDS + size / BYTES_A_SECOND
            ended = child.ask(str(path), its_format.name, asdict(columns), seconds=seconds, on_value=more)
            checked.append((str(path), checked_rows(ended)))
    return checked


def check_images(paths: Sequence[Path]) -> list[tuple[str, Checked]]:
    """Decode each image, of which none can do more harm than not to be decoded; raises nothing."""
    with Child(f"{__name__}:decode_image") as child:
        return [(str(path), checked_row(child.ask(str(path.absolute())))) for path in paths]


def read_pool_file(path: str, format: str, columns: dict[str, str]) -> Iterator[dict[str, Any]]:
    """In the child: what was counted so far, batch by batch."""
    place = path if files.is_uri(path) else Path(path)
    yield from (asdict(found) for found in read_to_end(place, FORMATS[format], Columns(**columns)))


def read_to_end(path: Path | str, format: Format, columns: Columns) -> Iterator[Checked]:
    """What was counted so far, after each batch of a file; the last one also says why it ended, if that was too early.

    What holds no row at all has one that cannot be known.
    """
    dropped, notes, damage, kept = Counter[str](), Counter[str](), list[str](), 0
    error = None
    batches = _batches(path, format, columns)
    while True:
        try:
            batch = next(batches, None)
        except CurationError as reason:
            error, batch = str(reason), None
        if batch is not None:
            kept += len(batch.pairs)
            dropped += batch.dropped
            notes += batch.notes
            damage += [batch.damage] if batch.damage else []
        met = kept + dropped.total()
        yield Checked(
            rows_in=met if met or error is None else None,
            kept=kept,
            dropped=few(dropped),
            damage="; ".join(damage[:20]) or None,
            error=error,
            notes=few(notes),
        )
        if batch is None:
            return


def decode_image(path: str) -> Iterator[dict[str, Any]]:
    """In the child: whether the image can be decoded."""
    yield asdict(_decoded(Path(path)))


def _decoded(path: Path) -> Checked:
    from curation.pool.decode import rgb

    try:
        if path.stat().st_size > MAX_IMAGE_BYTES:
            return one_row(f"image is over {MAX_IMAGE_BYTES // 10**6} MB")
        data = path.read_bytes()
    except OSError as reason:
        return Checked(rows_in=None, error=f"{path}: {reason.strerror}")
    try:
        rgb(data)
    except UnreadableFile as reason:
        return one_row(str(reason))
    return one_row()


def _batches(path: Path | str, format: Format, columns: Columns) -> Iterator[Any]:
    yield from format.read(path, guess_columns(format.fields(path), columns))


class _MoreRows:
    """Tells how many rows there are more than the last time, of counts that only grow."""

    def __init__(self, on_rows: Callable[[int], None]) -> None:
        self._on_rows, self._told = on_rows, 0

    def __call__(self, found: dict[str, Any]) -> None:
        rows = found["rows_in"] or 0
        self._on_rows(rows - self._told)
        self._told = rows
