"""What a token is: the text side of sub-string matching (arXiv:2309.16671, Algorithm 1, part 1).

The original puts spaces around a text and around seven marks, turns tab and line breaks into spaces, and looks for
" entry " in the result. For any entry that is the same as: the tokens of the text, split at single spaces with empty
tokens kept, contain the tokens of the entry as a consecutive run.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

SPACES = " \t\n\r"
"""Characters that end a token and vanish. No other white space does: a no-break space is part of a word."""

WRAPPED_MARKS = ",.;:?!`"
"""Characters that end a token and are a token of their own."""


class Token(NamedTuple):
    """text[start:stop]; an empty token stands between two spaces, or at an edge of the text."""

    text: str
    start: int
    stop: int


class Span(NamedTuple):
    """Where an entry stands in a text: text[start:stop]."""

    start: int
    stop: int
    entry: str


def tokens(text: str) -> list[Token]:
    """The tokens of a text with their places, in order.

    >>> [token.text for token in tokens("dog, cat")]
    ['dog', ',', '', 'cat']
    """
    found, start = [], 0
    for at, char in enumerate(text):
        if char in SPACES:
            found.append(Token(text[start:at], start, at))
            start = at + 1
        elif char in WRAPPED_MARKS:
            found.append(Token(text[start:at], start, at))
            found.append(Token(char, at, at + 1))
            start = at + 1
    found.append(Token(text[start:], start, len(text)))
    return found


def spans(text: str, entries: Iterable[str], with_spaces: bool = True) -> list[Span]:
    """Every place where one of the entries stands in the text, by start; places may overlap.

    with_spaces: as a run of whole tokens; else, for languages without spaces, anywhere

    >>> spans("hot dog, dog", ["dog", "hot dog", "cat"])
    [Span(start=0, stop=7, entry='hot dog'), Span(start=4, stop=7, entry='dog'), Span(start=9, stop=12, entry='dog')]
    """
    if not with_spaces:
        anywhere = [Span(at, at + len(entry), entry) for entry in entries for at in _places(text, entry)]
        return sorted(anywhere, key=lambda span: (span.start, -span.stop))
    wanted = {tuple(entry.split(" ")): entry for entry in entries}
    lengths = sorted({len(run) for run in wanted}, reverse=True)
    found, places = [], tokens(text)
    for first in range(len(places)):
        for length in lengths:
            run = places[first : first + length]
            entry = wanted.get(tuple(token.text for token in run)) if len(run) == length else None
            if entry is not None:
                found.append(Span(run[0].start, run[-1].stop, entry))
    return found


def _places(text: str, entry: str) -> Iterator[int]:
    at = text.find(entry)
    while at >= 0:
        yield at
        at = text.find(entry, at + 1)
