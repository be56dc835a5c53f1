"""What is measured of answers: accuracies and recalls, each with an interval. NumPy only.

Every interval is that of Wilson (1927) at 95 %: it needs no random numbers, and it has a width also where all answers
are right, or none. It says how much the number would move with other test pictures, not with another training.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

Z = 1.959963984540054
"""97.5 % of a normal distribution lie below it."""

TOP = (1, 5)
RECALL_AT = (1, 5, 10)

_CELLS = 16_000_000


@dataclass(frozen=True)
class Score:
    """A share in [0, 1], its interval, and the number of answers behind it."""

    metric: str
    value: float
    low: float
    high: float
    n: int


def wilson(share: float, n: float) -> tuple[float, float]:
    """The interval of a share of n independent answers.

    Wilson 1927, Probable inference, the law of succession, and statistical inference; J. Am. Stat. Assoc. 22.

    >>> [round(end, 4) for end in wilson(0.5, 10)], [round(end, 4) for end in wilson(0.0, 10)]
    ([0.2366, 0.7634], [0.0, 0.2775])
    """
    middle = share + Z * Z / (2 * n)
    reach = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    # the share itself lies in between, also where rounding would have it a little outside
    return max(0.0, min(share, (middle - reach) / scale)), min(1.0, max(share, (middle + reach) / scale))


def label_ranks(logits: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(N,) int64: how many other classes score at least as much as the right one, so 0 where it is the only best.

    A tie counts against the model: one that says the same of every picture is right about none.

    logits: (N, C); label: (N,) int64
    """
    own = logits[np.arange(len(label)), label]
    ranks: np.ndarray = (logits >= own[:, None]).sum(axis=1) - 1
    return ranks


def accuracies(rank: np.ndarray, label: np.ndarray, classes: int) -> list[Score]:
    """top-1, top-5 where there are more than 5 classes, and the mean over the classes that were met of their top-1.

    The mean over classes gets the interval of C**2 / sum of 1 / n_c independent answers, with n_c pictures of each of C
    classes: where all classes are equally hard, so many answers scatter as much as this mean does. Where classes are of
    equal size that is the number of pictures, and the mean over classes is top-1.

    rank: (N,) as `label_ranks` gives it, N > 0; label: (N,) int64; classes: how many there are to choose from
    """
    n = len(rank)
    found = [_score(f"top-{k}", float((rank < k).mean()), n, n) for k in TOP if k == 1 or k < classes]
    met, of_class, n_c = np.unique(label, return_inverse=True, return_counts=True)
    mean = float((np.bincount(of_class, rank == 0) / n_c).mean())
    return [*found, _score("mean per class", mean, n, met.size**2 / float((1 / n_c).sum()))]


def recalls(image_features: np.ndarray, text_features: np.ndarray, pairs: np.ndarray) -> list[Score]:
    """R@1, R@5 and R@10 from images to texts and from texts to images.

    A query is right at k if any of what belongs to it is among the first k: any caption of an image; for a caption that
    several images share, any of these. So images, and texts, stand in here once each, however often a set has them. A
    tie counts against the model. Where there is not more to choose from than k, there is no R@k.

    The captions of an image are not independent of each other, so the interval from texts to images is that of as many
    answers as there are images: too wide rather than too narrow.

    image_features: (I, D), text_features: (T, D), of length 1; pairs: (P, 2) int64, numbers of an image and its text
    """
    images, texts = len(image_features), len(text_features)
    to_text = _ranks(image_features, text_features, pairs)
    to_image = _ranks(text_features, image_features, pairs[:, ::-1])
    return [
        *_recall("image to text", to_text, texts, images),
        *_recall("text to image", to_image, images, min(images, texts)),
    ]


def _recall(way: str, rank: np.ndarray, candidates: int, independent: int) -> list[Score]:
    at = [k for k in RECALL_AT if k < candidates]
    return [_score(f"{way} R@{k}", float((rank < k).mean()), rank.size, independent) for k in at]


def _ranks(queries: np.ndarray, items: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(Q,) int64: how many items that do not belong to a query score at least as much as the best that does."""
    ranks = np.empty(len(queries), np.int64)
    for rows in _slices(len(queries), len(items)):
        scores = queries[rows] @ items.T
        belongs = np.zeros(scores.shape, bool)
        of_rows = (pairs[:, 0] >= rows.start) & (pairs[:, 0] < rows.stop)
        belongs[pairs[of_rows, 0] - rows.start, pairs[of_rows, 1]] = True
        best = np.where(belongs, scores, -np.inf).max(axis=1)
        ranks[rows] = ((scores >= best[:, None]) & ~belongs).sum(axis=1)
    return ranks


def _slices(rows: int, columns: int) -> Iterator[slice]:
    """The rows of a table in pieces that fit into memory."""
    size = max(1, _CELLS // max(columns, 1))
    return (slice(at, min(at + size, rows)) for at in range(0, rows, size))


def _score(metric: str, value: float, n: int, independent: float) -> Score:
    return Score(metric, value, *wilson(value, independent), n)
