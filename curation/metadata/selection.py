"""Which words, pairs of words and titles become entries (arXiv:2309.16671, Table 1)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.matching.tokens import SPACES
from curation.metadata.counted import Counted
from curation.metadata.entries import Metadata, from_entries
from curation.metadata.scores import SCORES, Score


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What a source gave: how many it has, chose, and how many of these an earlier source had, and had not.

    best: the highest count, score or number of views in it; None where there is no such thing
    """

    source: str
    available: int
    best: float | None
    chosen: int
    already_there: int
    new: int


@dataclass(frozen=True)
class Part:
    """The entries of one source, the best first, before it meets the others."""

    source: str
    available: int
    metadata: Metadata
    best: float | None = None


@dataclass(frozen=True)
class ScoredBigrams:
    """Pairs of words with a score. counted: without the pairs that could not be scored; score: (K,) float64."""

    counted: Counted
    score: npt.NDArray[np.float64]


def select(source: str, counted: Counted, least: float | None = None, most: int | None = None) -> Part:
    """The strings that occur at least `least` times, and of these the `most` most frequent; ties by text."""
    return _select(source, counted, counted.counts, least, most)


def select_bigrams(scored: ScoredBigrams, least: float | None = None, most: int | None = None) -> Part:
    """The pairs with a score of at least `least`, and of these the `most` highest; ties by count, then by text."""
    return _select("bigrams", scored.counted, scored.score, least, most)


def score_bigrams(pairs: Counted, words: Counted, score: Score = "pmi") -> ScoredBigrams:
    """The score of every pair of words; pairs of which a word has no count are left out and counted.

    words: of the whole corpus, so that words.total is N
    """
    halves = [_half(pairs.table["text"], part) for part in (0, 1)]
    at = [pc.index_in(half, value_set=words.table["text"].combine_chunks()) for half in halves]
    known = pc.and_(pc.is_valid(at[0]), pc.is_valid(at[1]))
    table = pairs.table.filter(known)
    first, second = (words.counts[place.filter(known).to_numpy()] for place in at)
    dropped = dict(pairs.dropped)
    if unknown := len(pairs.table) - len(table):
        dropped["bigrams with a word that has no count"] = unknown
    counted = Counted(table, pairs.distinct, pairs.total, dropped)
    return ScoredBigrams(counted, SCORES[score](counted.counts, first, second, words.total))


def _half(pairs: pa.ChunkedArray, part: int) -> pa.ChunkedArray:
    pattern = r"^(?P<word>[^ ]*) " if part == 0 else r" (?P<word>[^ ]*)$"
    return pc.struct_field(pc.extract_regex(pairs, pattern), "word")


def _select(source: str, counted: Counted, rank: npt.NDArray[Any], least: float | None, most: int | None) -> Part:
    keep = np.flatnonzero(rank >= (-np.inf if least is None else least))
    texts = counted.table["text"].take(pa.array(keep))
    keys = pa.table({"rank": rank[keep], "count": counted.counts[keep], "text": texts})
    order = keys.sort_by([("rank", "descending"), ("count", "descending"), ("text", "ascending")])["text"]
    entries = [entry for entry in order[:most].to_pylist() if not _is_no_entry(entry)]
    dropped = Counter(counted.dropped)
    if marks := min(len(order), len(order) if most is None else most) - len(entries):
        dropped["single mark, or a space at an edge"] = marks
    best = float(rank.max()) if rank.size else None
    return Part(source, counted.distinct, from_entries(entries, source, dict(dropped)), best)


def _is_no_entry(entry: str) -> bool:
    return (len(entry) == 1 and not entry.isalnum()) or entry.strip(SPACES) != entry


def combine(parts: Sequence[Part]) -> tuple[Metadata, list[Contribution]]:
    """One metadata out of several sources, in their order; an entry that two have belongs to the first."""
    entries: dict[str, str] = {}
    contributions = []
    dropped: Counter[str] = Counter()
    for part in parts:
        before = len(entries)
        for entry in part.metadata.entry.to_pylist():
            entries.setdefault(entry, part.source)
        new, chosen = len(entries) - before, len(part.metadata)
        contributions.append(
            Contribution(
                source=part.source,
                available=part.available,
                best=part.best,
                chosen=chosen,
                already_there=chosen - new,
                new=new,
            )
        )
        dropped.update(part.metadata.dropped)
    return from_entries(entries, list(entries.values()), dict(dropped)), contributions
