"""What filters can be told: which pairs of a pool are left out before anything is matched. All are off by default."""

import re
from dataclasses import dataclass, fields
from typing import Any, Literal

from curation.errors import BadArgument
from curation.options import option

ALIGN: dict[str, Any] = {
    "min_short_side": 201,
    "max_aspect": 3.0,
    "min_words": 3,
    "max_words": 20,
    "max_texts_per_image": 1000,
    "max_images_per_text": 10,
    "frequent_words": 100_000_000,
}
"""Jia et al. 2021 (arXiv:2102.05918), section 3.1; docs/filters.md says where it differs."""

PRESETS: dict[str, dict[str, Any]] = {"none": {}, "align": ALIGN}


def _option(default: Any, help: str, **limits: Any) -> Any:
    return option(default, help, group="Filters", **limits)


@dataclass(frozen=True, kw_only=True)
class FilterConfig:
    """Which pairs are left out. What is None is as the preset says, and off without one; 0 is off."""

    filter: Literal["none", "align"] = _option(
        "none", "preset of filters; those given beside it count instead, and 0 turns one off", choices=tuple(PRESETS)
    )
    min_short_side: int | None = _option(None, "the shorter side of the image has so many pixels", min=0)
    max_aspect: float | None = _option(None, "longer side / shorter side is below this", min=0.0)
    min_words: int | None = _option(None, "the text has at least so many words", min=0)
    max_words: int | None = _option(None, "the text has at most so many words", min=0)
    min_characters: int | None = _option(None, "the text has at least so many characters", min=0)
    max_characters: int | None = _option(None, "the text has at most so many characters", min=0)
    text_matches: str | None = _option(None, "this regular expression (RE2) is found in the text")
    text_lacks: str | None = _option(None, "this regular expression (RE2) is not found in the text")
    distinct_pairs: bool = _option(False, "of equal pairs of image (url) and text the first")
    distinct_texts: bool = _option(False, "of equal texts the first")
    distinct_images: bool = _option(False, "of images with equal bytes the first")
    near_images: bool = _option(False, "of images that look alike (difference hash) the first")
    near_distance: int = _option(3, "so many of the 64 bits of two difference hashes may differ", min=0, max=8)
    max_texts_per_image: int | None = _option(None, "the image has at most so many different texts", min=0)
    max_images_per_text: int | None = _option(None, "the text has at most so many different images", min=0)
    frequent_words: int | None = _option(
        None, "all words of the text are among so many that are most frequent in the pool", min=0
    )

    def __post_init__(self) -> None:
        if self.filter not in PRESETS:
            raise BadArgument(f"filter {self.filter!r}: give one of {', '.join(PRESETS)}")
        for name, value in PRESETS[self.filter].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)  # frozen for users; the plan of a run holds the numbers
        for each in fields(FilterConfig):
            _check_limits(each.name, getattr(self, each.name), each.metadata)
        for name in ("text_matches", "text_lacks"):
            _check_pattern(name, getattr(self, name))

    @property
    def active_filters(self) -> tuple[str, ...]:
        """The steps that are on, by the names of FILTERS, in the order in which they work."""
        return tuple(name for name, option in FILTERS.items() if getattr(self, option))


FILTERS: dict[str, str] = {
    "short side": "min_short_side",
    "aspect ratio": "max_aspect",
    "too few words": "min_words",
    "too many words": "max_words",
    "too few characters": "min_characters",
    "too many characters": "max_characters",
    "text must match": "text_matches",
    "text must lack": "text_lacks",
    "same pair": "distinct_pairs",
    "same text": "distinct_texts",
    "same image": "distinct_images",
    "similar image": "near_images",
    "texts per image": "max_texts_per_image",
    "images per text": "max_images_per_text",
    "rare words": "frequent_words",
}
"""The filters by the names of their steps, with the option that turns each on, in the order in which they work."""

REASONS: dict[str, int] = {name: number for number, name in enumerate(FILTERS, start=1)}
"""The number that stands for a filter in the files of a run; 0 stands for a pair that no filter drops."""


def _check_limits(name: str, value: Any, limits: Any) -> None:
    if value is None or isinstance(value, bool | str):
        return
    if not limits["min"] <= value <= limits.get("max", 2**53):
        allowed = f"from {limits['min']:g}" + (f" to {limits['max']:g}" if "max" in limits else " up")
        raise BadArgument(f"{name.replace('_', ' ')} {value:g}: give a number {allowed}")


def _check_pattern(name: str, pattern: str | None) -> None:
    if not pattern:
        return
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array(["a"]), pattern)
    except pa.ArrowInvalid as error:
        reason = re.sub(r"^Invalid regular expression: ", "", str(error).splitlines()[0])
        raise BadArgument(f"{name.replace('_', ' ')} {pattern!r}: no regular expression of RE2 ({reason})") from None
