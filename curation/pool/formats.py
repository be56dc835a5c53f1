"""All formats that pools are read from."""

from pathlib import Path

from curation.errors import MissingFile, UnreadableFile
from curation.pool import (
    crawl,
    delimited,
    hugging_face,
    img2dataset,
    json_lines,
    metaclip_json,
    parquet,
    webdataset,
)
from curation.pool.format import Format

FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        parquet.FORMAT,
        delimited.FORMAT,
        json_lines.FORMAT,
        metaclip_json.FORMAT,
        crawl.FORMAT,
        webdataset.FORMAT,
        img2dataset.FORMAT,
        hugging_face.FORMAT,
    )
}
"""The formats by name. A new one goes in here, and into the table of tests/pool/test_formats.py."""


def format_of(path: Path) -> Format:
    """The format of a file, by the end of its name.

    raises MissingFile, UnreadableFile
    """
    if not path.exists():
        raise MissingFile(f"{path}: no such file")
    if (found := format_by_name(path.name)) is None:
        known = " ".join(suffix for each in FORMATS.values() for suffix in each.suffixes)
        raise UnreadableFile(f"{path}: no format ends like this; rename it to one of {known}")
    return found


def format_by_name(name: str) -> Format | None:
    """The format of a file of this name; of several ends that fit, the longest counts."""
    name = name.lower()
    fitting = [(len(suffix), each) for each in FORMATS.values() for suffix in each.suffixes if name.endswith(suffix)]
    return max(fitting, key=lambda found: found[0], default=(0, None))[1]
