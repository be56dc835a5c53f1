"""The law of the emoji world: every proportion of this SYNTHETIC data set, in one place.

Nothing here was measured on people or on the web. The numbers are chosen so that a pool of a few thousand
pairs shows what a web crawl of billions shows: a head, a long tail, and noise.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Law:
    """Shares are of all pairs, each in [0, 1], unless a comment says otherwise."""

    # A concept of rank r = 0, 1, ... is drawn with p(r) proportional to (r + 1 + zipf_shift) **
    # -zipf_exponent (Zipf-Mandelbrot). Every object of every picture is an independent draw. Without the
    # shift "dog" alone would be 23 % of all objects, where the most frequent entry of MetaCLIP's pool is in
    # 7.5 % of its texts.
    zipf_exponent: float = 1.2
    zipf_shift: float = 2.7

    # One, two, three objects in a picture.
    object_counts: tuple[float, ...] = (0.60, 0.28, 0.12)

    # Captions that say nothing of the picture.
    file_name: float = 0.05  # IMG_1234.jpg
    date: float = 0.03  # 2019-07-04
    untitled: float = 0.04  # untitled photo
    boilerplate: float = 0.04  # Free shipping on all orders over $50!

    # Captions that describe a picture, in full or in part.
    other_languages: float = 0.15  # German, Spanish, Chinese, Japanese, in equal shares
    swapped: float = 0.06  # the caption describes another picture, which shares no concept with this one

    # Families of the English captions that describe; shares of these captions.
    families: tuple[tuple[str, float], ...] = (
        ("stock", 0.22),
        ("photo_of", 0.17),
        ("product", 0.14),
        ("blog", 0.14),
        ("scene", 0.11),
        ("keywords", 0.10),
        ("plain", 0.12),
    )

    # Colour of the background, which captions name truthfully, and its pattern.
    colors: tuple[tuple[str, float], ...] = (
        ("white", 0.34),
        ("blue", 0.10),
        ("green", 0.09),
        ("black", 0.08),
        ("grey", 0.08),
        ("pink", 0.08),
        ("yellow", 0.08),
        ("red", 0.05),
        ("orange", 0.04),
        ("purple", 0.03),
        ("brown", 0.02),
        ("beige", 0.01),
    )
    patterns: tuple[tuple[str, float], ...] = (
        ("flat", 0.38),
        ("gradient", 0.25),
        ("blobs", 0.15),
        ("stripes", 0.10),
        ("noise", 0.12),
    )

    @property
    def noise_kinds(self) -> tuple[tuple[str, float], ...]:
        """The captions that describe nothing: (kind, share of all pairs)."""
        return (
            ("file_name", self.file_name),
            ("date", self.date),
            ("untitled", self.untitled),
            ("boilerplate", self.boilerplate),
        )

    @property
    def described(self) -> float:
        """Share of all pairs whose caption describes a picture (this one, or another one where swapped)."""
        return 1.0 - sum(share for _, share in self.noise_kinds)


LAW = Law()


def zipf_probabilities(count: int, law: Law = LAW) -> np.ndarray:
    """Probability of each of `count` concepts by rank: (count,) float64, falling, with sum 1."""
    weights = (np.arange(1, count + 1) + law.zipf_shift) ** -law.zipf_exponent
    probabilities: np.ndarray = weights / weights.sum()
    return probabilities
