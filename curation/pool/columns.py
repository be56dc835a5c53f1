"""Which column of a pool holds what."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The names of the columns, fields or keys that are read; only the text is needed."""

    text: str = "text"
    uid: str = "uid"
    url: str = "url"
    image: str = "image"
    width: str = "width"
    height: str = "height"
    language: str = "language"
