"""Evaluation sets that are folders of images, with a sub-folder for each class."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from curation.clip.features import item_digest
from curation.clip.readers.picture import SPLITS, Picture, Source
from curation.errors import BadArgument
from curation.pool.image_files import IMAGE_SUFFIXES, read_image, why_unusable
from curation.pool.rows import printable


def open_folder(data: Path) -> Source:
    """A folder for each class; or first one for each split, and in these one for each class."""
    top = sorted(path for path in data.iterdir() if path.is_dir() and not path.name.startswith("."))
    names = {name: split for split, called in SPLITS.items() for name in called}
    if top and all(path.name.lower() in names for path in top):
        folders = [(names[path.name.lower()], path) for path in top]
    else:
        folders = [("", data)]
    classes = [(split, path) for split, folder in folders for path in sorted(folder.iterdir()) if path.is_dir()]
    classes = [(split, path) for split, path in classes if not path.name.startswith(".")]
    if not classes:
        raise BadArgument(f"{data}: no folder with a sub-folder for each class, no .parquet and no .tar")

    def pictures(dropped: Counter[str]) -> Iterator[Picture]:
        for split, folder in classes:
            for path in _files_below(folder):
                name = path.relative_to(data).as_posix()
                image = _image_file(data, name, dropped)
                if image is not None:
                    yield Picture(name, item_digest(image), printable(folder.name), split)

    return Source(pictures, lambda places: [read_image(data, place) for place in places])


def _files_below(folder: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(path, name) for name in sorted(names) if not name.startswith("."))


def _image_file(folder: Path, name: str, dropped: Counter[str]) -> bytes | None:
    if name.rpartition(".")[2].lower() not in IMAGE_SUFFIXES:
        dropped[f"file is none of {', '.join(IMAGE_SUFFIXES)}"] += 1
        return None
    image = read_image(folder, name)
    if image is None:
        dropped[why_unusable(folder, name) or "image cannot be read"] += 1
    return image
