"""Metadata: the entries a pool is matched against (arXiv:2309.16671, section 3.1 and Table 1)."""

from curation.metadata.edits import Edited, Edits, edited
from curation.metadata.entries import DeadEntry, Metadata, dead_entries, from_entries, merge
from curation.metadata.languages import by_language

__all__ = [
    "DeadEntry",
    "Edited",
    "Edits",
    "Metadata",
    "by_language",
    "dead_entries",
    "edited",
    "from_entries",
    "merge",
]
