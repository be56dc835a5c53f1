"""Titles as page-view files write them, as entries."""

import re
from collections import Counter
from urllib.parse import unquote_to_bytes

import pyarrow as pa
import pyarrow.compute as pc

from curation.metadata.counted import as_text
from curation.metadata.wikitext import NAMESPACES
from curation.metadata.wordnet import Compat

_NAMESPACE = rf"(?i)^(?:{'|'.join(re.escape(name) for name in sorted(NAMESPACES))})(?:[_ ]talk)?:"


def clean_titles(raw: pa.BinaryArray, compat: Compat = None) -> tuple[pa.StringArray, dict[str, int]]:
    """Titles with spaces for underscores, percent-encoding decoded; null for what is none, with how many and why.

    compat: "metaclip" decodes nothing and leaves out every title with a colon, "2001: A Space Odyssey" too

    >>> titles, dropped = clean_titles(pa.array([b"Caf%C3%A9", b"File:Dog.jpg", b"-", b"2001:_A_Space_Odyssey"]))
    >>> titles.to_pylist(), dropped
    (['Café', None, None, '2001: A Space Odyssey'], {'another namespace': 1, 'no title': 1})
    """
    decoded = raw if compat == "metaclip" else _decoded(raw)
    text = as_text(decoded)
    title = pc.utf8_trim(pc.replace_substring(text, "_", " "), " ")
    reason = Counter({"bad unicode": text.null_count - raw.null_count})
    for why, matches in (
        ("no title", pc.or_(pc.equal(title, "-"), pc.equal(title, ""))),
        (
            "another namespace",
            pc.match_substring(title, ":") if compat == "metaclip" else pc.match_substring_regex(title, _NAMESPACE),
        ),
    ):
        reason[why] = pc.sum(matches).as_py() or 0
        title = pc.if_else(matches, None, title)
    return title, {why: count for why, count in sorted(reason.items()) if count}


def _decoded(raw: pa.BinaryArray) -> pa.BinaryArray:
    encoded = pc.match_substring(raw, "%")
    if not pc.any(encoded).as_py():
        return raw
    values = [unquote_to_bytes(title) for title in raw.filter(encoded).to_pylist()]
    return pc.replace_with_mask(raw, encoded, pa.array(values, pa.binary()))
