"""What a curation run can be told. The command line and the form of the app are made from this."""

from dataclasses import dataclass
from typing import Literal

from curation.errors import BadArgument
from curation.options import check_options, option
from curation.pool.columns import Columns
from curation.pool.filter_config import FilterConfig

DEFAULT_TAIL_SHARE = 0.06
"""What the paper holds when a pool grows: about 6 % of the matches belong to the tail (arXiv:2309.16671)."""


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
