"""Metadata of several languages: a list for each, and the same string may stand in more than one (arXiv:2507.22062)."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from curation.metadata.entries import Metadata


def by_language(lists: Mapping[str, Metadata]) -> Metadata:
    """One metadata out of a list for each language, in the order given.

    lists: language code -> its entries

    >>> from curation.metadata import from_entries
    >>> lists = {"en": from_entries(["dog", "chat"], source="en"), "fr": from_entries(["chat"], source="fr")}
    >>> metadata = by_language(lists)
    >>> metadata.entry.to_pylist(), metadata.language.to_pylist()
    (['dog', 'chat', 'chat'], ['en', 'en', 'fr'])
    """
    dropped: Counter[str] = Counter()
    for listed in lists.values():
        dropped.update(listed.dropped)
    return Metadata(
        entry=pa.concat_arrays([listed.entry for listed in lists.values()]),
        source=pa.concat_arrays([listed.source for listed in lists.values()]),
        dropped=dict(dropped),
        language=pa.array([code for code, listed in lists.items() for _ in range(len(listed))], pa.string()),
    )
