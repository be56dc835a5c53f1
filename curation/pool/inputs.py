"""The files of a pool: find them, tell their formats, and look at them before anything is read."""

import glob
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from curation import files
from curation.errors import BadArgument, EmptyPool, MissingFile, UnreadableFile
from curation.options import check_path
from curation.pool import parquet, remote
from curation.pool.columns import Columns
from curation.pool.format import Format
from curation.pool.formats import FORMATS, format_by_name, format_of

ENDS_BYTES = 2**20
"""So much of the beginning and of the end of a file goes into its digest, where the format has no footer to tell."""

LOOKS_AT_ONCE = 16
"""Files that are looked at together: behind an address, looking is waiting, and a pool has thousands of them."""

_AMONG_OTHERS = {"metaclip-json"}
"""Formats whose files are taken from a folder only if it holds no others: .json is what notes beside a pool are in."""

_CANDIDATES = {
    "text": ("text", "caption", "TEXT", "captions", "texts", "alt_text", "alt", "description", "sentence", "title"),
    "uid": ("uid", "id", "image_id", "uuid"),
    "url": ("url", "URL", "image_url", "img_url", "link"),
    "image": ("image", "jpg", "image_bytes", "img"),
    "width": ("width", "original_width", "WIDTH", "image_width"),
    "height": ("height", "original_height", "HEIGHT", "image_height"),
    "language": ("language", "lang", "LANGUAGE"),
}


@dataclass(frozen=True, kw_only=True)
class PoolFile:
    """One file of a pool, as it was when it was looked at.

    format:        the name of its format, see `formats.FORMATS`
    rows:          how many; None where only reading tells
    rows_in_group: rows of each row group of a Parquet file
    digest:        sha256 (hex) of the file's size and its Parquet footer, which holds place, size and statistics of
                   columns; for other formats of its size, its first and its last ENDS_BYTES
    """

    path: str
    format: str
    bytes: int
    rows: int | None
    rows_in_group: tuple[int, ...]
    digest: str


def find_files(pool: Sequence[str], format: str | None = None) -> list[tuple[Path | str, Format]]:
    """The files behind paths, folders (searched through, in order of names) and glob patterns, with their formats.

    A place may be the URI of a Parquet file or of a folder with such, on a filesystem that Arrow or fsspec knows.

    format: read every file as this one, whatever its name; and take only such files from folders
    raises  MissingFile for a place that leads to no file, UnreadableFile for a file of no known format, BadArgument
    """
    if format is not None and format not in FORMATS:
        raise BadArgument(f"format {format!r}: give one of {', '.join(FORMATS)}")
    found: dict[Path | str, Format] = {}
    for place in pool:
        if files.is_uri(place):
            found.update((uri, parquet.FORMAT) for uri in _remote_files(place, format))
            continue
        path = Path(place)
        if path.is_dir():
            here = _in_folder(path, format)
        elif path.is_file():
            here = [(path, FORMATS[format] if format else format_of(path))]
        else:
            names = (Path(name) for name in sorted(glob.glob(place, recursive=True)))
            here = [(name, FORMATS[format] if format else format_of(name)) for name in names if name.is_file()]
        if not here:
            raise MissingFile(f"{place}: no such file, or a folder or pattern without a file of a known format")
        found.update((path.resolve(), each) for path, each in here)
    return list(found.items())


def look_at(path: Path | str, format: Format, columns: Columns) -> PoolFile:
    """What can be told of a file without reading it; raises UnreadableFile, MissingColumn."""
    size = _size(path)
    if format is parquet.FORMAT:
        groups, digest = parquet.look_at(path, columns)
        rows: int | None = sum(groups)
    else:
        groups, digest, rows = (), _digest_of_ends(Path(path), size), None
    return PoolFile(path=str(path), format=format.name, bytes=size, rows=rows, rows_in_group=groups, digest=digest)


def look_at_all(pool: Sequence[str], columns: Columns, format: str | None = None) -> list[PoolFile]:
    """All files of a pool; raises EmptyPool if they are known to hold no row, and what the two above raise.

    A file whose name is no UTF-8 is refused: a plan could not name it.
    """
    places = find_files(pool, format)
    for path, _ in places:
        check_path(path)
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as lookers:
        found = list(lookers.map(lambda each: look_at(each[0], each[1], columns), places))
    if all(file.rows == 0 for file in found):
        raise EmptyPool(f"{', '.join(pool)}: not one row in {len(found)} file(s)")
    return found


def unchanged(file: PoolFile, columns: Columns) -> bool:
    """Whether a file is still what it was; raises UnreadableFile, MissingColumn."""
    return look_at(place_of(file), FORMATS[file.format], columns) == file


def place_of(file: PoolFile) -> Path | str:
    """Where a file of a pool is: its path, or its URI."""
    return file.path if files.is_uri(file.path) else Path(file.path)


def guess_columns(fields: Sequence[str], columns: Columns) -> Columns:
    """Columns with those that keep their usual name, but are not there, replaced by what others call them.

    fields: of a file of the pool

    >>> guess_columns(["URL", "TEXT", "width"], Columns())
    Columns(text='TEXT', uid='uid', url='URL', image='image', width='width', height='height', language='language')
    """
    guessed = {
        name: next((candidate for candidate in candidates if candidate in fields), name)
        for name, candidates in _CANDIDATES.items()
        if getattr(columns, name) == name and name not in fields
    }
    return replace(columns, **guessed)


def _size(place: Path | str) -> int:
    if files.is_uri(place):
        return remote.size(str(place))
    try:
        return Path(place).stat().st_size
    except FileNotFoundError:
        raise UnreadableFile(f"{place}: is not there any more; put it back, or start a new run") from None


def _remote_files(uri: str, format: str | None) -> list[str]:
    """The Parquet files behind a URI."""
    found = remote.find_parquet(uri)
    by_name = format_by_name(uri.partition("?")[0])
    if (other := format or (by_name and by_name.name)) not in (None, parquet.FORMAT.name):
        raise BadArgument(f"{uri}: only Parquet is read from there; copy files of format {other!r} here first")
    return found


def _in_folder(folder: Path, format: str | None) -> list[tuple[Path, Format]]:
    """The files of a folder and those below it; a folder may as a whole belong to a format."""
    for each in FORMATS.values() if format is None else [FORMATS[format]]:
        if (claimed := each.folder(folder)) is not None:
            return [(path, each) for path in claimed]
    found: list[tuple[Path, Format]] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir():
            found += _in_folder(path, format)
        elif path.is_file() and (its_format := _format_or_none(path)) and format in (None, its_format.name):
            found.append((path, its_format))
    others = [(path, each) for path, each in found if each.name not in _AMONG_OTHERS]
    return others or found


def _format_or_none(path: Path) -> Format | None:
    try:
        return format_of(path)
    except UnreadableFile:
        return None


def _digest_of_ends(path: Path, size: int) -> str:
    with path.open("rb") as file:
        first = file.read(ENDS_BYTES)
        file.seek(max(size - ENDS_BYTES, 0))
        return hashlib.sha256(size.to_bytes(8, "little") + first + file.read(ENDS_BYTES)).hexdigest()
