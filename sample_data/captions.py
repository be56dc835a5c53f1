"""The alt-texts of the SYNTHETIC emoji world: what kind a pair gets, and how it is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from concepts import Concept
from law import LAW, Law
from render import Scene
from streams import pick, pick_weighted
from templates import (
    COLORS,
    CREDIT,
    ENGLISH_FAMILIES,
    JOINS,
    NO_ARTICLE,
    NOISE,
    NUMBER,
    OTHER_TEMPLATES,
    WORDS,
    YEAR,
    Words,
)


@dataclass(frozen=True)
class Caption:
    """The text of a pair and what is true of it."""

    text: str
    kind: str  # a family of ENGLISH_FAMILIES, "described" in another language, or a kind of NOISE
    language: str  # of the text: en, de, es, zh, ja; "und" where it is no language (file names, dates)
    swapped: bool


class Blanks(dict[str, str]):
    """What a template's blanks stand for; a blank that is not set is drawn from the words of the language."""

    def __init__(self, rng: np.random.Generator, words: Words, **filled: str) -> None:
        super().__init__(filled)
        self.rng, self.words = rng, words

    def __missing__(self, blank: str) -> str:
        if blank in self.words:
            return pick(self.rng, self.words[blank])
        if blank[0].isupper():
            return title(self[blank.lower()])
        return COMMON[blank](self.rng)


COMMON: dict[str, Callable[[np.random.Generator], str]] = {
    "credit": lambda rng: pick(rng, CREDIT),
    "year": lambda rng: pick(rng, YEAR),
    "n": lambda rng: pick(rng, NUMBER),
    "d4": lambda rng: f"{int(rng.random() * 10_000):04d}",
    "d2": lambda rng: f"{int(rng.random() * 60):02d}",
    "y": lambda rng: pick(rng, YEAR),
    "m": lambda rng: f"{1 + int(rng.random() * 12):02d}",
    "d": lambda rng: f"{1 + int(rng.random() * 28):02d}",
    "h": lambda rng: f"{int(rng.random() * 24):02d}",
}


BLEMISHES: tuple[Callable[[str], str], ...] = (
    lambda text: text.replace(" and ", " &amp; "),
    lambda text: text.replace(" ", "\N{NO-BREAK SPACE}", 1),
    lambda text: text.replace(" ", "  ", 1),
    lambda text: f" {text} ",
    lambda text: text.replace(" ", "\n", 1),
    lambda text: text.replace(" ", "_"),
)


def draw_kind(rng: np.random.Generator, law: Law = LAW) -> tuple[str, str, bool]:
    """(kind, language, swapped) of a caption. Swapping and language are drawn apart from each other."""
    kind = pick_weighted(rng, (*law.noise_kinds, ("described", law.described)))
    if kind != "described":
        language = "en" if kind in ("untitled", "boilerplate") else "und"
        return kind, language, False
    swapped = bool(rng.random() < law.swapped / law.described)
    if rng.random() < law.other_languages / law.described:
        return kind, pick(rng, tuple(OTHER_TEMPLATES)), swapped
    return pick_weighted(rng, law.families), "en", swapped


def write(
    rng: np.random.Generator, kind: str, language: str, scene: Scene, concepts: Sequence[Concept]
) -> str:
    """A text of this kind about this scene (which may be another picture's: a swapped caption)."""
    if kind in NOISE:
        return pick(rng, NOISE[kind]).format_map(Blanks(rng, WORDS["en"]))
    templates = ENGLISH_FAMILIES[kind] if language == "en" else OTHER_TEMPLATES[language]
    template = pick(rng, templates)
    text = template.format_map(scene_blanks(rng, language, scene, concepts))
    return restyle(rng, text) if language == "en" else text


def scene_blanks(
    rng: np.random.Generator, language: str, scene: Scene, concepts: Sequence[Concept]
) -> Blanks:
    """The blanks that speak of the scene; one of the things may be named instead of all."""
    shown = [concepts[rank] for rank in scene.concepts]
    names = [concept.names[language] for concept in shown]
    if language == "en" and rng.random() < 0.3:
        # as many people type: Christmas tree -> christmas tree
        names = [name.lower() for name in names]
    between, before_last = pick(rng, JOINS[language])
    color = COLORS[language][COLORS["en"].index(scene.color)]
    keywords = shown[0].keywords or (names[0],)
    blanks = Blanks(rng, WORDS[language] | {"kw": keywords}, x=names[0], xs=join(names, between, before_last))
    blanks["color"] = color
    if language == "en":
        with_articles = [article(name) for name in names]
        blanks["ax"], blanks["axs"] = with_articles[0], join(with_articles, between, before_last)
        blanks["Axs"] = blanks["axs"][0].upper() + blanks["axs"][1:]
    return blanks


def restyle(rng: np.random.Generator, text: str) -> str:
    """An English caption as some people type it: capitals, a mark at the end, a blemish."""
    u = rng.random()
    if u < 0.02:
        return text.upper()
    if u < 0.08:
        return title(text)
    if u < 0.14:
        return text.lower()
    if u < 0.26:
        return text[:1].upper() + text[1:]
    if u < 0.30:
        return text + pick(rng, (".", "!", "...", " -", " ,", " | emoji-world.example", '"'))
    if u < 0.32:
        return f'"{text}"'
    if u < 0.35:
        # what careless pages leave in an attribute
        return pick(rng, BLEMISHES)(text)
    return text


def join(names: Sequence[str], between: str, before_last: str) -> str:
    """ "dog, cat and apple"."""
    if len(names) == 1:
        return names[0]
    return between.join(names[:-1]) + before_last + names[-1]


def title(text: str) -> str:
    """Title Case of every word; str.title would write Dog'S."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def article(name: str) -> str:
    """The name with "a" or "an", or alone where it is plural, cannot be counted, or is a proper name.

    >>> [article(name) for name in ("dog", "ear with hearing aid", "books", "bus", "Tokyo tower")]
    ['a dog', 'an ear with hearing aid', 'books', 'a bus', 'Tokyo tower']
    """
    head = name
    for preposition in (" with ", " of ", " in ", " on ", " at ", " to "):
        head = head.partition(preposition)[0]
    words = head.split(" ")
    plural = words[-1].endswith("s") and not words[-1].endswith(("ss", "us", "is", "ros"))
    proper = name[0].isupper() and not name.startswith(("T-", "OK", "Christmas", "Japanese"))
    if plural or proper or words[-1] in NO_ARTICLE or words[0] in ("people", "men", "women"):
        return name
    vowel = name[0].lower() in "aeiou" and not name.startswith(("eu", "ew", "uni", "one"))
    vowel = vowel or name.startswith(("hour", "x-"))
    return f"{'an' if vowel else 'a'} {name}"
