"""Cards with thumbnails and captions: what matched, whether the pair is kept, and why."""

import hashlib
import json
from typing import Any

import numpy as np
import pyarrow as pa

from curation import queries
from curation.languages import WITHOUT_SPACES
from curation.matching.tokens import spans
from curation.queries import EntryWhy, Why
from curation.runs.folder import Run
from curation.ui.components import component
from curation.ui.text import SHOWN_CHARACTERS, counted, label, number, plain
from curation.ui.thumbnails import sources

_gallery = component("gallery")

MORE_CHARACTERS = 16_384
"""How much of a caption "show more" can show; all of it would be a page of megabytes."""

MORE_ENTRIES = 50


def show_pairs(run: Run, pairs: pa.Table, t: float, *, key: str, question: object = None) -> None:
    """A card for each row of a table as `queries.samples` gives it: picture, caption with its entries, and why.

    question: what the pairs answer, but for t; where it is the same as before, those that t changed are marked
    """
    images = sources(run, pairs["image"].to_pylist())
    cards = [card(pair, *image) for pair, image in zip(queries.explain(run, pairs, t), images, strict=True)]
    # the version lets the browser leave cards alone when nothing changed
    version = hashlib.sha256(json.dumps(cards).encode()).hexdigest()
    _gallery(data={"cards": cards, "version": version, "question": repr((run.path, question))}, key=key)


def card(pair: Why, image: str | None = None, no_image: str | None = None) -> dict[str, Any]:
    """What gallery.js shows of a pair; image: the address of its thumbnail, no_image: why there is none."""
    length = len(pair.text)
    return {
        "key": pair.uid[:SHOWN_CHARACTERS],
        "kept": pair.kept,
        "image": image,
        "no_image": no_image,
        "alt": label(pair.text, 200),
        "parts": highlighted(pair),
        "shown": SHOWN_CHARACTERS,
        "cut": f"The first {number(MORE_CHARACTERS)} of {number(length)} characters."
        if length > MORE_CHARACTERS
        else None,
        "reason": reason(pair),
        "entries": [_row(entry) for entry in pair.entries[:MORE_ENTRIES]],
        "more_entries": max(0, len(pair.entries) - MORE_ENTRIES),
        "facts": [
            ["t_min", f"{pair.t_min:.4g}" if np.isfinite(pair.t_min) else "none: nothing matches"],
            ["pi, the chance to be kept at this t", f"{pair.keep_prob:.4f}"],
            *([["language", label(pair.language)]] if pair.language else []),
            ["uid", label(pair.uid, 200)],
            *([["url", label(pair.url, 500)]] if pair.url else []),
        ],
    }


def highlighted(pair: Why) -> list[list[Any]]:
    """The caption in parts: [text, what it is, which entries]; "keeps" where an entry keeps the pair, "matches", or "".

    Where places overlap they are one part.
    """
    text = pair.text[:MORE_CHARACTERS]
    keeps = {entry.entry: entry.keeps for entry in pair.entries}
    parts: list[list[Any]] = []
    at = start = stop = 0
    names: list[str] = []

    def close() -> None:
        nonlocal at
        if names:
            parts.append([plain(text[at:start], MORE_CHARACTERS), "", ""])
            kind = "keeps" if any(keeps[name] for name in names) else "matches"
            parts.append([plain(text[start:stop], MORE_CHARACTERS), kind, label(", ".join(dict.fromkeys(names)), 200)])
            at = stop

    for span in spans(text, keeps, with_spaces=pair.language not in WITHOUT_SPACES):
        if span.stop == len(text) < len(pair.text):
            continue  # half a token may look like a whole one
        if names and span.start < stop:
            stop = max(stop, span.stop)
            names.append(span.entry)
        else:
            close()
            start, stop, names = span.start, span.stop, [span.entry]
    close()
    parts.append([plain(text[at:], MORE_CHARACTERS), "", ""])
    return [part for part in parts if part[0]]


def reason(pair: Why) -> str:
    """Why the pair is in or out, in a sentence."""
    if not pair.entries:
        return "Dropped: no entry of the metadata stands in this text."
    # with languages, counts are compared with the t of the pair's own
    first, own_t = pair.entries[0], pair.t if pair.language_t is None else pair.language_t
    t = number(own_t) if pair.language_t is None else f"{number(own_t)} for “{label(pair.language or '')}”"
    name = f"“{label(first.entry)}”"
    if rare := [entry for entry in pair.entries if entry.count <= own_t]:
        name, texts = f"“{label(rare[0].entry)}”", counted(rare[0].count, "text")
        return f"Kept: {name} stands in {texts}, no more than t = {t}, so all of its texts stay."
    if pair.kept:
        return (
            f"Kept: {name} stands in {counted(first.count, 'text')} and keeps each with p = {first.prob:.3g}; "
            f"its draw for this pair, u = {first.u:.3g}, is below that."
        )
    return (
        f"Dropped: each of its entries stands in more than t = {t} texts and draws by chance; none drew this pair. "
        f"Nearest is {name}, which keeps it for t above {pair.t_min:,.4g}."
    )


def _row(entry: EntryWhy) -> list[Any]:
    values = [label(entry.entry), number(entry.count), f"{entry.prob:.4g}", f"{entry.u:.4g}", f"{entry.product:,.4g}"]
    return [values, entry.keeps]
