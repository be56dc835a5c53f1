"""What an export can be told. The command line and the form of the app are made from this."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from curation.errors import BadArgument

ExportFormat = Literal["parquet", "webdataset", "urls", "uids", "hf", "card"]
"""The names of `formats.EXPORTS`, for who must not import what those need."""


def _option(default: Any, help: str, **limits: Any) -> Any:
    return field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """How to export. A file closes at `shard_rows` pairs, or with the batch that brings it to `shard_bytes`."""

    images: bool = _option(True, "with the image bytes, where the pool holds them")
    shard_rows: int | None = _option(
        None, "at most so many pairs a file (default: 10,000 in webdataset, 250,000 elsewhere)", min=1
    )
    shard_bytes: int = _option(1_000_000_000, "a file closes when it holds so many bytes of pairs", min=1)

    def __post_init__(self) -> None:
        for option in fields(self):
            value, least = getattr(self, option.name), option.metadata.get("min")
            if least is not None and value is not None and value < least:
                raise BadArgument(f"{option.name.replace('_', ' ')} {value}: give a number from {least} up")
