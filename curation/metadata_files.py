"""Metadata in files: JSON list, JSON {entry: count}, one entry a line, Parquet; and WordNet's dict folder."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from curation import files
from curation.errors import BadMetadata, MissingColumn, MissingFile, UnreadableFile
from curation.metadata import Metadata, from_entries
from curation.metadata.wordnet import DICT_FILES, Compat, from_wordnet


def read_metadata(path: Path) -> Metadata:
    """The entries of a file; duplicates, empty ones and what is no text are left out and counted.

    .json     a list of strings (the form in which MetaCLIP's list is published), or an object {entry: count}
    .txt      one entry a line, UTF-8
    .parquet  a column `entry`, and a column `source` if there is one

    raises MissingFile, UnreadableFile, MissingColumn, BadMetadata (no usable entry)
    """
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
    """Write .parquet (entry, source), .json (a list) or .txt (one entry a line), by the suffix."""
    if path.suffix == ".parquet":
        files.write_parquet(path, pa.table({"entry": metadata.entry, "source": metadata.source}))
        return
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
    file = files.open_parquet(path)
    names = file.schema_arrow.names
    if "entry" not in names:
        raise MissingColumn(f"{path}: no column 'entry' (found: {', '.join(names) or 'none'})")
    table = file.read([name for name in ("entry", "source") if name in names])
    sources = table["source"].to_numpy().tolist() if "source" in names else path.stem
    return from_entries(table["entry"].to_numpy().tolist(), sources)


_READERS: dict[str, Callable[[Path], Metadata]] = {".json": _read_json, ".txt": _read_lines, ".parquet": _read_parquet}
