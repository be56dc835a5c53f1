"""What a curation run can be told. The command line and the form of the app are made from this."""

import sys
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from curation.errors import BadArgument
from curation.pool.columns import Columns
from curation.pool.filter_config import FilterConfig

DEFAULT_TAIL_SHARE = 0.06
"""What the paper holds when a pool grows: about 6 % of the matches belong to the tail (arXiv:2309.16671)."""


def option(default: Any, help: str, **limits: Any) -> Any:
    """A field of a configuration: min, max or choices are checked, help is shown."""
    return field(default=default, metadata={"help": help, **limits})


def check_options(config: Any) -> None:
    """BadArgument for a value outside the limits that its field names; None is always allowed."""
    for setting in fields(config):
        value, limits, name = getattr(config, setting.name), setting.metadata, setting.name.replace("_", " ")
        if value not in limits.get("choices", (value,)):
            raise BadArgument(f"{name} {value!r}: give one of {', '.join(limits['choices'])}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not limits["min"] <= value <= limits.get("max", sys.float_info.max):
            allowed = f"from {limits['min']:g}" + (f" to {limits['max']:g}" if "max" in limits else " up")
            raise BadArgument(f"{name} {value:g}: give a number {allowed}")


@dataclass(frozen=True, kw_only=True)
class CurateConfig(FilterConfig):
    """How to curate. At most one of t, size and tail_share; without any, the tail share is 0.06."""

    t: float | None = option(None, "threshold: how many texts each entry may keep", min=1.0, flag="-t")
    size: int | None = option(None, "choose t so that exactly this many pairs are kept", min=1)
    tail_share: float | None = option(
        None, "choose t so that this share of all matches falls on entries below t (default 0.06)", min=0.0, max=1.0
    )
    seed: int = option(0, "seed of the uniform number behind each (pair, entry)", min=0, max=2**63 - 1)
    text_column: str = option("text", "column, field or key that holds the text")
    uid_column: str = option("uid", "column that holds the uid; made from url or image, and text, where there is none")
    url_column: str = option("url", "column that holds the address of the image")
    image_column: str = option("image", "column that holds the image bytes")
    width_column: str = option("width", "column that holds the width of the image in pixels")
    height_column: str = option("height", "column that holds the height of the image in pixels")
    language_column: str = option("language", "column that holds the language of the text")
    pool_format: str | None = option(None, "read every file as this format, whatever its name", flag="--pool-format")
    identify: Literal["missing", "always", "never"] = option(
        "missing",
        "identify the language of a text: where the pool does not say, always, or never",
        choices=("missing", "always", "never"),
    )
    reference_language: str = option("en", "language whose threshold is t; others get the t with its tail share")
    texts: Literal["every", "one"] = option(
        "every", "of an image with several texts take every one, or one that is drawn", choices=("every", "one")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(given := [name for name in ("t", "size", "tail_share") if getattr(self, name) is not None]) > 1:
            raise BadArgument(f"{' and '.join(given)} were given: choose one, the threshold follows from it")
        check_options(self)

    @property
    def columns(self) -> Columns:
        """The names of the pool's columns."""
        return Columns(
            text=self.text_column,
            uid=self.uid_column,
            url=self.url_column,
            image=self.image_column,
            width=self.width_column,
            height=self.height_column,
            language=self.language_column,
        )
