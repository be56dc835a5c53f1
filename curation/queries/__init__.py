"""Questions to a run folder. Every SQL statement of the project stands here."""

from curation.queries import database, pairs, sizes
from curation.queries.pairs import Found, Which, count_samples, samples, search
from curation.queries.reasons import EntryWhy, Why, entry_id, explain, similar_entries, why
from curation.queries.sizes import (
    Comparison,
    LanguageSize,
    Size,
    Step,
    Threshold,
    by_language,
    compare_thresholds,
    curves_at,
    entry_kept_at,
    funnel,
    language_step,
    read_matches,
    size,
    threshold_for_size,
    threshold_for_tail_share,
)

__all__ = [
    "Comparison",
    "EntryWhy",
    "Found",
    "LanguageSize",
    "Size",
    "Step",
    "Threshold",
    "Which",
    "Why",
    "by_language",
    "compare_thresholds",
    "count_samples",
    "curves_at",
    "database",
    "entry_id",
    "entry_kept_at",
    "explain",
    "funnel",
    "language_step",
    "pairs",
    "read_matches",
    "samples",
    "search",
    "similar_entries",
    "size",
    "sizes",
    "threshold_for_size",
    "threshold_for_tail_share",
    "why",
]
