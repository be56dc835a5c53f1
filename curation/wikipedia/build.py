"""Metadata from WordNet and Wikipedia, and what each threshold would give."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from curation.errors import BadArgument, BadMetadata
from curation.metadata import Metadata
from curation.metadata.counted import Counted
from curation.metadata.effect import SCORE_GRIDS, Effect, count_grid, effects
from curation.metadata.selection import (
    Contribution,
    Part,
    ScoredBigrams,
    combine,
    score_bigrams,
    select,
    select_bigrams,
)
from curation.metadata_files import read_wordnet
from curation.wikipedia.config import PAPER, Compat, SelectionConfig
from curation.wikipedia.ngram_files import has_ngrams, read_ngrams
from curation.wikipedia.pageviews import read_titles


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where entries come from; what is None, or empty, is no source.

    wordnet: dict folder of WordNet 3.0; unigrams, bigrams: see `read_ngrams`; titles: see `read_titles`
    """

    wordnet: Path | None = None
    unigrams: Path | None = None
    bigrams: Path | None = None
    titles: tuple[Path, ...] = ()

    @property
    def titles_bytes(self) -> int:
        """Bytes of the files with page views; what is not there has none."""
        return sum(path.stat().st_size for path in self.titles if path.is_file())


@dataclass(frozen=True, kw_only=True)
class SourceEffects:
    """What each threshold of a source gives.

    available: how many the source has; considered: without what no threshold brings back (bigrams that are too rare)
    measure:   what the threshold is on
    """

    source: str
    measure: str
    available: int
    considered: int
    effects: list[Effect]


def build(
    sources: Sources,
    config: SelectionConfig,
    compat: Compat = None,
    *,
    on_bytes: Callable[[int], None] = lambda more: None,
) -> tuple[Metadata, list[Contribution]]:
    """The entries of all sources, in the paper's order: WordNet, unigrams, bigrams, titles.

    on_bytes: is told the bytes of each file of page views that is done

    raises BadArgument (no source, bigrams without counts of words), BadMetadata (not one entry), what reading raises
    """
    config = config.resolved(compat)
    parts = []
    if sources.wordnet is not None:
        metadata = read_wordnet(sources.wordnet, compat)
        parts.append(Part("wordnet", len(metadata), metadata))
    words = _words(sources)
    if sources.unigrams is not None and words is not None:
        parts.append(select("unigrams", words, config.min_count, config.max_unigrams))
    if sources.bigrams is not None:
        parts.append(select_bigrams(_scored(sources.bigrams, words, config), config.min_pmi, config.max_bigrams))
    if sources.titles:
        titles = _titles(sources, config, compat, config.min_views, on_bytes)
        parts.append(select("titles", titles, config.min_views, config.max_titles))
    if not parts:
        raise BadArgument("no source: give --wordnet DIR, --unigrams FILE, --bigrams FILE or --titles FILE...")
    metadata, contributions = combine(parts)
    if not len(metadata):
        best = ", ".join(
            f"the highest of {part.source} is {part.best:,.10g}" for part in parts if part.best is not None
        )
        raise BadMetadata(f"not one entry reaches its threshold ({best}); see 'headtail metadata thresholds'")
    return metadata, contributions


def thresholds(
    sources: Sources,
    config: SelectionConfig,
    compat: Compat = None,
    *,
    on_bytes: Callable[[int], None] = lambda more: None,
) -> list[SourceEffects]:
    """How many entries of each source a grid of thresholds gives; the chosen one and the paper's are in it.

    raises BadArgument (no source, bigrams without counts of words), what reading raises
    """
    config = config.resolved(compat)
    found = []
    words = _words(sources)
    if sources.unigrams is not None and words is not None:
        found.append(_count_effects("unigrams", "count", words, config.min_count))
    if sources.bigrams is not None:
        scored = _scored(sources.bigrams, words, config)
        found.append(_score_effects(scored, config))
    if sources.titles:
        found.append(_count_effects("titles", "views", _titles(sources, config, compat, 1, on_bytes), config.min_views))
    if not found:
        raise BadArgument("no source: give --unigrams FILE, --bigrams FILE or --titles FILE...")
    return found


def _words(sources: Sources) -> Counted | None:
    """All words of the corpus; a bigram file may hold them too."""
    if sources.unigrams is not None:
        return read_ngrams(sources.unigrams, 1)
    if sources.bigrams is None:
        return None
    if sources.bigrams.is_file() and not has_ngrams(sources.bigrams, 1):
        raise BadArgument(
            f"{sources.bigrams}: no counts of words, which the score needs; give --unigrams FILE too"
            " (--max-unigrams 0 keeps the words themselves out)"
        )
    return read_ngrams(sources.bigrams, 1)


def _scored(path: Path, words: Counted | None, config: SelectionConfig) -> ScoredBigrams:
    assert words is not None  # there are bigrams
    return score_bigrams(read_ngrams(path, 2, config.min_bigram_count or 1), words, config.score)


def _titles(
    sources: Sources, config: SelectionConfig, compat: Compat, least: int | None, on_bytes: Callable[[int], None]
) -> Counted:
    return read_titles(
        sources.titles,
        domain=config.domain,
        min_views=least or 1,
        min_hourly_views=config.min_hourly_views or 1,
        compat=compat,
        on_bytes=on_bytes,
    )


def _count_effects(source: str, measure: str, counted: Counted, chosen: int | None) -> SourceEffects:
    grid = count_grid(counted.counts, PAPER[source])
    return _effects(source, measure, counted, counted.counts, grid, {"chosen": chosen, "paper": PAPER[source]})


def _score_effects(scored: ScoredBigrams, config: SelectionConfig) -> SourceEffects:
    marked = {"chosen": config.min_pmi, "paper": PAPER["bigrams"] if config.score == "pmi" else None}
    grid = list(SCORE_GRIDS[config.score])
    return _effects("bigrams", config.score, scored.counted, scored.score, grid, marked)


def _effects(
    source: str,
    measure: str,
    counted: Counted,
    rank: npt.NDArray[np.int64] | npt.NDArray[np.float64],
    grid: list[float],
    marked: dict[str, float | None],
) -> SourceEffects:
    return SourceEffects(
        source=source,
        measure=measure,
        available=counted.distinct,
        considered=len(counted.table),
        effects=effects(rank, grid, marked),
    )
