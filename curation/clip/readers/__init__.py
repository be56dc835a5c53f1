"""Evaluation sets on disk: picture by picture out of image folders, Parquet files and WebDataset tars."""

from collections.abc import Callable
from pathlib import Path

from curation.clip.readers.folder import open_folder
from curation.clip.readers.parquet import open_parquet
from curation.clip.readers.picture import Source, split_of
from curation.clip.readers.webdataset import open_tar
from curation.errors import MissingFile, UnreadableFile

_FILES: dict[str, Callable[[Path, str], Source]] = {".parquet": open_parquet, ".tar": open_tar}


def sources(data: Path) -> list[Source]:
    """What an evaluation set consists of: a Parquet file, a tar file, a folder with such, or a folder of images.

    raises MissingFile, UnreadableFile, MissingColumn, BadArgument
    """
    if data.is_file():
        if data.suffix not in _FILES:
            raise UnreadableFile(f"{data}: evaluation sets are .parquet, .tar or folders of images")
        return [_FILES[data.suffix](data, "")]
    if not data.is_dir():
        raise MissingFile(f"{data}: no such file or folder")
    found = [path for path in sorted(data.rglob("*")) if path.suffix in _FILES and path.is_file()]
    found = [path for path in found if not any(part[0] in "._" for part in path.relative_to(data).parts)]
    if not found:
        return [open_folder(data)]
    return [_FILES[path.suffix](path, _split_of_path(path.relative_to(data))) for path in found]


def _split_of_path(path: Path) -> str:
    return next((split for part in (*path.parts[:-1], path.stem) if (split := split_of(part))), "")
