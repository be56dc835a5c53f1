"""Concepts of the SYNTHETIC emoji world: the emoji that the font draws and that Unicode CLDR names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from law import LAW, zipf_probabilities
from streams import listed

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
CLDR = Path("/usr/share/unicode/cldr/common/annotations")
LANGUAGES = ("en", "de", "es", "zh", "ja")

# The only size at which this bitmap font can be loaded, and a canvas that holds any of its glyphs, in pixels.
FONT_SIZE = 109
GLYPH_CANVAS = (160, 160)

# CLDR lists emoji in the order of a keyboard: pictures of things first, then signs, arrows, zodiac, buttons,
# coloured squares and flags. The first sign ends what this world is made of.
FIRST_SIGN = "🏧"
# CLDR also names punctuation and mathematical signs; no picture of a thing has a code point below these.
FIRST_PICTURE = "⌀"
# Skin tones are no objects, "=" is a sign, a rude gesture is no example for anybody, and of the 24 clock
# faces one is enough: turned by a few degrees they show another time.
LEFT_OUT = frozenset("🏻🏼🏽🏾🏿🟰🖕").union(chr(code) for code in range(ord("🕑"), ord("🕧") + 1))

# The head, in this order: things that stock-photo sites are full of.
HEAD = listed(
    "dog, cat, woman, red heart, house, automobile, rose, star, man, sun, horse, bird, baby, butterfly, "
    "Christmas tree, birthday cake, sunflower, pizza, t-shirt, dress, airplane, laptop, camera, guitar, "
    "bicycle, fish, ring, strawberry, books, bear, hamburger, crown, balloon, elephant, hot beverage, "
    "wine glass, tulip, lion, palm tree, soccer ball"
)


# A swapped caption speaks of a picture that shares no concept with its own, which shows up to three.
FEWEST_CONCEPTS = len(LAW.object_counts) + 1


class ConceptsOutOfRange(Exception):
    """So many concepts cannot be had."""


class SourceMissing(Exception):
    """A file that this world is made from is not on this machine."""


@dataclass(frozen=True)
class Concept:
    """One kind of thing; its rank (0 is the most frequent) is its concept_id and its label_id."""

    rank: int
    emoji: str  # a single code point
    names: dict[str, str]  # by language: en, de, es, zh, ja
    keywords: tuple[str, ...]  # English, without the name itself
    probability: float  # of one object of one picture; all concepts sum to 1

    @property
    def name(self) -> str:
        """The English name as CLDR writes it: "Christmas tree"."""
        return self.names["en"]


def load_concepts(
    count: int | None = None,
    zipf_exponent: float = LAW.zipf_exponent,
    font: Path = FONT,
    cldr: Path = CLDR,
) -> list[Concept]:
    """The `count` most frequent concepts (None: all) in the order of their rank; the same for every seed.

    The probabilities sum to 1 over these: fewer concepts are more frequent ones.
    """
    law = replace(LAW, zipf_exponent=zipf_exponent)
    annotations = {language: read_annotations(cldr / f"{language}.xml") for language in LANGUAGES}
    glyph_font = load_font(font)
    drawn = [
        emoji
        for emoji in things(annotations["en"])
        if all(emoji in annotations[language] for language in LANGUAGES) and draw_glyph(glyph_font, emoji)
    ]
    if count is not None and not FEWEST_CONCEPTS <= count <= len(drawn):
        raise ConceptsOutOfRange(f"{count} concepts: give a number from {FEWEST_CONCEPTS} to {len(drawn):,}")
    ordered = rank_order({emoji: annotations["en"][emoji][0] for emoji in drawn})[:count]
    return [
        Concept(
            rank=rank,
            emoji=emoji,
            names={language: annotations[language][emoji][0] for language in LANGUAGES},
            keywords=annotations["en"][emoji][1],
            probability=float(probability),
        )
        for rank, (emoji, probability) in enumerate(
            zip(ordered, zipf_probabilities(len(ordered), law), strict=True)
        )
    ]


def read_annotations(path: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Emoji -> (name, keywords without the name), in the order of a CLDR annotation file."""
    try:
        tree = ElementTree.parse(path)
    except FileNotFoundError:
        raise SourceMissing(f"{path}: not found; apt-get install unicode-cldr-core") from None
    names: dict[str, str] = {}
    keywords: dict[str, list[str]] = {}
    for annotation in tree.iter("annotation"):
        emoji, text = annotation.attrib["cp"], annotation.text or ""
        if annotation.get("type") == "tts":
            # people type a plain apostrophe, CLDR a typographic one
            names[emoji] = text.strip().replace("’", "'")
        else:
            keywords[emoji] = [keyword.strip().replace("’", "'") for keyword in text.split("|")]
    return {
        emoji: (name, tuple(keyword for keyword in keywords.get(emoji, ()) if keyword != name))
        for emoji, name in names.items()
    }


def things(annotations: dict[str, tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    """The single code points that name a thing, before the font has been asked."""
    for emoji, (name, _) in annotations.items():
        if emoji == FIRST_SIGN:
            return
        # "person: beard" has a colon, at which matching splits: such an entry could never match
        if len(emoji) == 1 and emoji >= FIRST_PICTURE and emoji not in LEFT_OUT and ":" not in name:
            yield emoji


def rank_order(names: dict[str, str]) -> list[str]:
    """Emoji by rank: the head as listed, then by a hash, with long names further down.

    A hash and not a seeded shuffle: a concept that a newer font adds leaves the order of the others as it is.
    Long names ("smiling face with open hands") are rare on the web; a word more costs a third of the range.
    """

    def key(emoji: str) -> tuple[int, float]:
        name = names[emoji]
        if name in HEAD:
            return HEAD.index(name), 0.0
        digest = blake2b(name.encode(), digest_size=8).digest()
        return len(HEAD), int.from_bytes(digest, "big") / 2**64 + name.count(" ") / 3

    return sorted(names, key=key)


def load_font(path: Path = FONT) -> ImageFont.FreeTypeFont:
    """The emoji font at its only size. Basic layout: single code points need no shaping library."""
    try:
        return ImageFont.truetype(str(path), FONT_SIZE, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        raise SourceMissing(f"{path}: no such font; apt-get install fonts-noto-color-emoji") from None


def draw_glyph(font: ImageFont.FreeTypeFont, emoji: str) -> Image.Image | None:
    """The emoji on a transparent square that it touches on two sides; None where the font draws nothing."""
    canvas = Image.new("RGBA", GLYPH_CANVAS)
    ImageDraw.Draw(canvas).text((8, 8), emoji, font=font, embedded_color=True)
    box = canvas.getbbox()
    if box is None:
        return None
    width, height = box[2] - box[0], box[3] - box[1]
    side = max(width, height)
    square = Image.new("RGBA", (side, side))
    square.paste(canvas.crop(box), ((side - width) // 2, (side - height) // 2))
    return square


def cumulative(concepts: Sequence[Concept]) -> np.ndarray:
    """(M,) float64: the upper end of each concept's share of [0, 1)."""
    return np.cumsum([concept.probability for concept in concepts])
