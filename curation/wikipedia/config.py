"""What building metadata can be told. The command line is made from this."""

import sys
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from curation.errors import BadArgument

Compat = Literal["metaclip"] | None

PAPER = {"unigrams": 100, "bigrams": 30, "titles": 70}
"""The thresholds of the paper's Table 1: count, PMI, page views."""

DEFAULT_MIN_PMI = 8.0
"""Together at least 2**8 times as often as by chance: about where pairs with a function word end (docs/metadata.md)."""

DEFAULT_MIN_BIGRAM_COUNT = 100
"""PMI alone favours what occurs once; a pair is asked for the evidence that a word is asked for."""

BUDGET = 5_000_000
"""Distinct n-grams, or titles, in memory at once (n-grams: about 1 GB); what is beyond goes to disk."""

PAPER_MIN_HOURLY_VIEWS = 50
"""The original adds up only the hours in which a title was seen so often."""


def _option(default: Any, help: str, **limits: Any) -> Any:
    return field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """What becomes an entry: by value, as the N best, or both. What is None has a default that depends on the rest."""

    min_count: int | None = _option(None, "unigrams that occur so often (default 100)", min=1)
    max_unigrams: int | None = _option(None, "so many unigrams, the most frequent", min=0)
    score: Literal["pmi", "npmi", "pmi2"] = _option("pmi", "score of a bigram: pmi, npmi or pmi2 (docs/metadata.md)")
    min_pmi: float | None = _option(None, "bigrams with this score (default 8; the paper's 30 with --compat metaclip)")
    max_bigrams: int | None = _option(None, "so many bigrams, those of the highest score", min=0)
    min_bigram_count: int | None = _option(
        None, "bigrams that occur so often (default 100; 1 with --compat metaclip)", min=1
    )
    min_views: int | None = _option(None, "titles with so many page views (default 70)", min=1)
    max_titles: int | None = _option(None, "so many titles, the most viewed", min=0)
    min_hourly_views: int | None = _option(
        None, "count a title only in hours with so many views (default 1; 50 with --compat metaclip)", min=1
    )
    domain: str = _option("en", "Wikipedia of page-view files; its mobile site counts too")

    def __post_init__(self) -> None:
        for option in fields(self):
            value, low = getattr(self, option.name), option.metadata.get("min", -sys.float_info.max)
            if isinstance(value, int | float) and not low <= value <= sys.float_info.max:
                allowed = f"from {low:g} up" if "min" in option.metadata else "that is finite"
                raise BadArgument(f"--{option.name.replace('_', '-')} {value:g}: give a number {allowed}")
        if self.score != "pmi" and self.min_pmi is None and self.max_bigrams is None:
            raise BadArgument(
                f"--score {self.score}: no threshold is known for it; give --min-pmi or --max-bigrams"
                " (headtail metadata thresholds shows their effect)"
            )

    def resolved(self, compat: Compat = None) -> "SelectionConfig":
        """With the defaults in place: a budget given alone sets no threshold on what it ranks."""
        original = compat == "metaclip"
        chosen: dict[str, Any] = {
            "min_count": 1 if self.max_unigrams is not None else PAPER["unigrams"],
            "min_pmi": None if self.max_bigrams is not None else PAPER["bigrams"] if original else DEFAULT_MIN_PMI,
            "min_bigram_count": 1 if original else DEFAULT_MIN_BIGRAM_COUNT,
            "min_views": 1 if self.max_titles is not None else PAPER["titles"],
            "min_hourly_views": PAPER_MIN_HOURLY_VIEWS if original else 1,
        }
        return replace(self, **{name: value for name, value in chosen.items() if getattr(self, name) is None})
