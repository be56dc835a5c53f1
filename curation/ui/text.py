"""Text from data on a page: captions, URLs, uids, entries, names of runs and files, error texts.

Streamlit reads markdown in most places that take a string, and a caption that is read as markdown makes the browser
call out. So text from data goes to `st.text`, `st.code`, a TextColumn, the options of a select box or our own
components, and nowhere else; `plain` and `label` make it fit to be seen.
"""

import re

import streamlit as st

SHOWN_CHARACTERS = 2048
"""How much of a text is shown before "show more": a caption of a megabyte freezes the browser."""

# with halves of surrogate pairs: no text that is sent may have them
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_BREAKERS = re.compile(r"[\s\u2028\u2029]+")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str, length: int = SHOWN_CHARACTERS) -> str:
    """The text without control characters, which a browser shows as nothing or as boxes, cut to a length.

    >>> plain("a dog\\x00 on\\na mat"), plain("a very long caption", length=6)
    ('a dog\ufffd on\\na mat', 'a ver…')
    """
    text = _CONTROLS.sub("\ufffd", text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"


def label(text: str, length: int = 60) -> str:
    """The text on one line, for an option of a select box or a cell; characters that turn the direction are left out.

    >>> label("run\\n 1\u202e evil")
    'run 1 evil'
    """
    return plain(_LINE_BREAKERS.sub(" ", _DIRECTIONS.sub("", text[: 8 * length])).strip(), length)


def notice(message: str, icon: str = "error") -> None:
    """A message that may quote data, in a frame; icon: a name of Streamlit's Material icons."""
    with st.container(border=True, horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f":material/{icon}:", width="content")
        st.text(plain(message), width="stretch")


def number(value: float) -> str:
    """A count or a threshold in full.

    >>> number(20000.0), number(812.34)
    ('20,000', '812.34')
    """
    return f"{value:,.15g}"


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "text"), counted(2000, "text")
    ('1 text', '2,000 texts')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def share(part: float, whole: float = 1.0) -> str:
    """A share in per cent, with one digit, or as many as it takes not to read 0.0 or 100.0 when it is neither.

    >>> share(1, 3), share(1, 40_000), share(39_999, 40_000), share(0, 0)
    ('33.3 %', '0.003 %', '99.998 %', '0.0 %')
    """
    percent = 100.0 * part / whole if whole else 0.0
    for digits in range(1, 7):
        text = f"{percent:.{digits}f}"
        if 0.0 < float(text) < 100.0 or percent in (0.0, 100.0):
            break
    return f"{text} %"
