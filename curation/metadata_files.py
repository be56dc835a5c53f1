"""Metadata in files: JSON list, JSON {entry: count}, one entry a line, Parquet, folders of these; WordNet's folder."""

import json
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.errors import BadArgument, BadMetadata, CurationError, MissingColumn, MissingFile, UnreadableFile
from curation.languages import language_code, normalised
from curation.metadata import Metadata, by_language, from_entries, merge
from curation.metadata.wordnet import DICT_FILES, Compat, from_wordnet

_TITLE = b"headtail.title"


@dataclass(frozen=True)
class SavedMetadata:
    """A file in a folder of metadata.

    title:   what people call it; data, its path is named otherwise
    entries: how many it has
    """

    path: Path
    title: str
    entries: int


def read_metadata(path: Path) -> Metadata:
    """The entries of a file; duplicates, empty ones and what is no text are left out and counted.

    .json     a list of strings (the form in which MetaCLIP's list is published), or an object {entry: count}
    .txt      one entry a line, UTF-8
    .parquet  a column `entry`, and columns `source` and `language` if there are any
    a folder  a file for each language, named after it: en.json, zh.txt, de.parquet

    raises MissingFile, UnreadableFile, MissingColumn, BadMetadata (no usable entry)
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise MissingFile(f"{path}: no such file; build metadata with 'headtail metadata build'")
    if path.suffix not in _READERS:
        raise MissingFile(
            f"{path}: metadata is read from {', '.join(_READERS)}, not from {path.suffix or 'no suffix'!r}"
        )
    metadata = _READERS[path.suffix](path)
    if not len(metadata):
        raise BadMetadata(
            f"{path}: not one usable entry (left out: {metadata.dropped or 'nothing; the file is empty'})"
        )
    return metadata


def write_metadata(metadata: Metadata, path: Path) -> None:
    """Write .parquet (entry, source, language if known), .json (a list) or .txt (one entry a line), by the suffix."""
    if path.suffix == ".parquet":
        files.write_parquet(path, metadata_table(metadata))
        return
    if metadata.language is not None:
        raise BadArgument(f"{path}: metadata of several languages is written as .parquet")
    entries = metadata.entry.to_pylist()
    if path.suffix == ".json":
        text = json.dumps(entries, ensure_ascii=False)
    elif path.suffix == ".txt":
        text = "".join(f"{entry}\n" for entry in entries)
    else:
        raise MissingFile(
            f"{path}: metadata is written as {', '.join(_READERS)}, not as {path.suffix or 'no suffix'!r}"
        )
    with files.whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def save_metadata(metadata: Metadata, folder: Path, title: str) -> Path:
    """Write metadata as a new Parquet file of a folder, never in the place of another; returns its path.

    Of the title only plain letters and digits come into the file's name; the whole of it stands in the file.

    raises BadArgument without a title, BadMetadata without an entry
    """
    title = " ".join(title.encode(errors="replace").decode().split())
    if not title:
        raise BadArgument("metadata is saved under a name; give one")
    if not len(metadata):
        raise BadMetadata("there is not one entry to save")
    words = "-".join(re.findall("[a-z0-9]+", title[:200].lower()))[:40].strip("-") or "metadata"
    path = folder / f"{words}-{secrets.token_hex(4)}.parquet"
    files.write_parquet(path, metadata_table(metadata).replace_schema_metadata({_TITLE: title.encode()}))
    return path


def saved_metadata(folder: Path) -> list[SavedMetadata]:
    """The Parquet files of metadata in a folder, the latest first; whatever else is in there is passed over."""
    found: list[tuple[int, SavedMetadata]] = []
    for path in sorted(folder.glob("*.parquet")) if folder.is_dir() else ():
        with suppress(CurationError, OSError), files.open_parquet(path) as file:
            title = (file.schema_arrow.metadata or {}).get(_TITLE, path.stem.encode()).decode(errors="replace")
            if "entry" in file.schema_arrow.names:
                found.append((path.stat().st_mtime_ns, SavedMetadata(path, title, file.metadata.num_rows)))
    return [saved for _, saved in sorted(found, key=lambda one: -one[0])]


def metadata_table(metadata: Metadata) -> pa.Table:
    """The columns entry and source, and language where it is known."""
    columns = {"entry": metadata.entry, "source": metadata.source}
    return pa.table(columns if metadata.language is None else columns | {"language": metadata.language})


def read_wordnet(folder: Path, compat: Compat = None) -> Metadata:
    """The entries of a WordNet 3.0 dict folder (Debian: package wordnet-base, /usr/share/wordnet)."""
    lines = []
    for name in DICT_FILES:
        path = folder / name
        if not path.is_file():
            raise MissingFile(
                f"{folder}: no {name}; give the dict folder of WordNet 3.0 (Debian: package wordnet-base)"
            )
        lines.append(path.read_text(encoding="latin-1").splitlines())
    try:
        return from_wordnet(lines, compat)
    except IndexError:
        raise UnreadableFile(f"{folder}: not the dict files of WordNet (a line has no lemma)") from None


def _read_json(path: Path) -> Metadata:
    value = files.read_json(path)
    if not isinstance(value, list | dict):
        raise UnreadableFile(
            f"{path}: a JSON {type(value).__name__}; give a list of entries or an object {{entry: count}}"
        )
    return from_entries(value, source=path.stem)


def _read_lines(path: Path) -> Metadata:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path}: not UTF-8 (byte {error.start})") from None
    # not splitlines: that also cuts at characters which an entry may hold
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    return from_entries(lines, source=path.stem)


def _read_parquet(path: Path) -> Metadata:
    with files.open_parquet(path) as file:
        names = file.schema_arrow.names
    if "entry" not in names:
        raise MissingColumn(f"{path}: no column 'entry' (found: {', '.join(names) or 'none'})")
    table = files.read_table(path, [name for name in ("entry", "source", "language") if name in names])
    if "language" not in names:
        return _from_table(table, path)
    try:
        codes = normalised(pc.cast(pc.cast(table["language"], pa.binary()), pa.string()).combine_chunks())
    except pa.ArrowException:
        raise BadMetadata(f"{path}: the column 'language' holds no codes of languages, such as 'en'") from None
    lists = {
        code: _from_table(table.filter(pc.equal(codes, code)), path) for code in codes.unique().to_pylist() if code
    }
    if codes.null_count:
        raise BadMetadata(
            f"{path}: {codes.null_count:,} entries have no language code, such as 'en', in the column 'language'"
        )
    return by_language(lists)


def _from_table(table: pa.Table, path: Path) -> Metadata:
    sources: str | list[str] = path.stem
    if "source" in table.column_names:
        sources = [source if isinstance(source, str) else path.stem for source in _values(table["source"])]
    return from_entries(_values(table["entry"]), sources)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column; a text that is no UTF-8 stays bytes, so that it is counted as no text."""
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return column.to_pylist()
    return [_decoded(value) for value in pc.cast(column, pa.large_binary()).to_pylist()]


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def _read_folder(folder: Path) -> Metadata:
    lists: dict[str, list[Metadata]] = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix in _READERS):
        code = language_code(path.stem)
        if code is None:
            raise BadMetadata(f"{path}: {path.stem!r} is no language code; name each file after its language: en.json")
        found = read_metadata(path)
        if found.language is not None:
            raise BadMetadata(f"{path}: has a column 'language' of its own; give the file itself, not its folder")
        lists.setdefault(code, []).append(found)
    if not lists:
        raise MissingFile(
            f"{folder}: no file {', '.join(_READERS)} in this folder; put one in for each language: en.json"
        )
    return by_language({code: merge(found) if len(found) > 1 else found[0] for code, found in lists.items()})


_READERS: dict[str, Callable[[Path], Metadata]] = {".json": _read_json, ".txt": _read_lines, ".parquet": _read_parquet}

SUFFIXES = tuple(_READERS)
"""How the names of metadata files end."""
