"""Words and pairs of adjacent words in a text, cut where the matcher cuts, so that each of them can match."""

import re
from collections import Counter
from itertools import pairwise

from curation.matching.tokens import WRAPPED_MARKS

BRACKETS = '()[]{}<>"“”„«»‹›'
"""Brackets and quotes: they end a word as a mark does. For the matcher they are part of it, but `(dog` is no entry."""

_BREAK = "\0"  # no text of an XML file can hold it
_BREAKS = re.compile(f"[{re.escape(WRAPPED_MARKS + BRACKETS)}\n\0]+")
_NO_WORD = re.compile(r"(?<!\S)(?:[^\w\s\0]|_)+(?!\S)")


class NgramCounter:
    """Counts of the words and of the pairs of adjacent words in texts; case is kept.

    A word is a token of the matcher, cut at brackets and quotes too, with at least one letter or digit. A pair is two
    words with nothing but space between them: no mark, line break, bracket or quote, and no token without letter and
    digit.

    >>> counter = NgramCounter()
    >>> counter.add('A hot dog, a "hot" dog - 3.5 cm')
    >>> dict(counter.words)
    {'A': 1, 'hot': 2, 'dog': 2, 'a': 1, '3': 1, '5': 1, 'cm': 1}
    >>> dict(counter.pairs)
    {'A hot': 1, 'hot dog': 1, '5 cm': 1}
    """

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.pairs: Counter[str] = Counter()

    def __len__(self) -> int:
        """Distinct words and pairs."""
        return len(self.words) + len(self.pairs)

    def add(self, text: str) -> None:
        """Count one text."""
        tokens = _NO_WORD.sub(_BREAK, _BREAKS.sub(f" {_BREAK} ", text)).split()
        self.pairs.update([f"{a} {b}" for a, b in pairwise(tokens) if a != _BREAK and b != _BREAK])
        self.words.update(tokens)
        self.words.pop(_BREAK, None)
