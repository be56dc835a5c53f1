"""Questions to a run folder. Every SQL statement of the project stands here."""

from curation.queries import database, pairs, sizes
from curation.queries.pairs import Found, Which, count_samples, samples, search
from curation.queries.reasons import EntryWhy, Why, entry_id, explain, similar_entries, why
from curation.queries.sizes import (
    Comparison,
    Size,
    Step,
    Threshold,
    compare_thresholds,
    curves_at,
    entry_kept_at,
    funnel,
    read_matches,
    size,
    threshold_for_size,
    threshold_for_tail_share,
)

__all__ = [
    "Comparison",
    "EntryWhy",
    "Found",
    "Size",
    "Step",
    "Threshold",
    "Which",
    "Why",
    "compare_thresholds",
    "count_samples",
    "curves_at",
    "database",
    "entry_id",
    "entry_kept_at",
    "explain",
    "funnel",
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
