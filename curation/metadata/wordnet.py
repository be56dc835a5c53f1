"""WordNet 3.0 synsets as entries (arXiv:2309.16671, Table 1: 86,654 of them)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from curation.metadata.entries import Metadata, from_entries

DICT_FILES = ("data.noun", "data.verb", "data.adj", "data.adv")
"""The files of WordNet's dict folder that hold synsets, in the order of the entries made from them."""

Compat = Literal["metaclip"] | None

_ADJECTIVE_MARKER = re.compile(r"\((?:a|p|ip)\)$")


def first_lemmas(lines: Iterable[str], compat: Compat = None) -> Iterator[str]:
    """The first lemma of every synset line of a WordNet dict file, lower-cased, "_" as a space.

    lines:  of a `data.*` file; the licence at its head (lines that begin with a space) is passed over
    compat: "metaclip" cuts a lemma at its first ".", as the original list does ("st. louis" becomes "st")

    >>> list(first_lemmas(["00001740 03 n 01 St._Louis 0 000 | a city", "00020103 00 s 02 outback(a) 0 000 | x"]))
    ['st. louis', 'outback']
    >>> list(first_lemmas(["00001740 03 n 01 St._Louis 0 000 | a city"], compat="metaclip"))
    ['st']
    """
    for line in lines:
        if line.startswith(" ") or not line.strip():
            continue
        lemma = _ADJECTIVE_MARKER.sub("", line.split(" ", 5)[4]).lower()
        if compat == "metaclip":
            lemma = lemma.split(".", 1)[0]
        yield lemma.replace("_", " ")


def from_wordnet(files: Sequence[Iterable[str]], compat: Compat = None) -> Metadata:
    """The numbers "0".."99" and the first lemma of every synset, without single punctuation marks.

    files: the lines of each of `DICT_FILES`, in that order
    """
    lemmas = [str(number) for number in range(100)]
    for lines in files:
        lemmas.extend(first_lemmas(lines, compat))
    words = [lemma for lemma in lemmas if not _is_single_mark(lemma)]
    metadata = from_entries(words, source="wordnet")
    # that several synsets share a first lemma is what WordNet is, no loss worth a warning
    dropped = {reason: count for reason, count in metadata.dropped.items() if reason not in ("duplicate", "empty")}
    if marks := len(lemmas) - len(words):
        dropped["single punctuation mark"] = marks
    return Metadata(metadata.entry, metadata.source, dropped)


def _is_single_mark(lemma: str) -> bool:
    return len(lemma) == 1 and not lemma.isalnum()
