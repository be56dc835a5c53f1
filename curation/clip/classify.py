"""What a checkpoint sees in pictures: the similarity to each label, the labels that come first, or none of these.

Whether a picture shows none of the labels is told by its highest cosine, not by its highest probability. A probability
is a share among the labels that were asked for: it says which of them is nearest, and of a single label it is always 1.
The cosine of a picture and a label does not depend on what else is on the list. Where it is high enough differs between
checkpoints, so there is no threshold unless one is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curation.clip.features import FeatureStore
from curation.clip.templates import Templates
from curation.clip.zero_shot import class_embeddings, logits, probabilities
from curation.errors import BadArgument, UnreadableFile
from curation.pool.decode import rgb

if TYPE_CHECKING:
    from PIL import Image

    from curation.clip.checkpoint import Checkpoint

PIXELS_TOGETHER = 100_000_000
"""Decoded pictures that are in memory together have about so many pixels."""


@dataclass(frozen=True)
class Picture:
    """A picture as it was handed over. name: what it is called, never a path; data: the bytes of its file."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A picture that went through a checkpoint, or the reason why it could not be decoded.

    image_features: (D,) float32 of length 1; None where there is a reason
    """

    name: str
    image_features: np.ndarray | None = field(default=None, repr=False)
    reason: str | None = None


@dataclass(frozen=True)
class Guess:
    """A label of a picture. probability: its share among all labels asked for; cosine: with the picture."""

    label: str
    probability: float
    cosine: float


@dataclass(frozen=True, kw_only=True)
class Classified:
    """Pictures against labels.

    cosine:      (N, C) float32, of each picture with each label; NaN in the rows of pictures that were not decoded
    logit_scale: of the checkpoint; the probabilities are softmax(logit_scale * cosine) over the labels
    reasons:     why a picture was not decoded, None for the others
    """

    names: tuple[str, ...]
    reasons: tuple[str | None, ...]
    classnames: tuple[str, ...]
    cosine: np.ndarray = field(repr=False)
    logit_scale: float

    @cached_property
    def probability(self) -> np.ndarray:
        """(N, C) float64; each row sums to 1, or is NaN."""
        return probabilities(self.logit_scale * self.cosine)

    @cached_property
    def best(self) -> np.ndarray:
        """(N,) float32: the highest cosine of each picture; NaN where it was not decoded."""
        best: np.ndarray = self.cosine.max(axis=1)
        return best

    def top(self, k: int) -> list[list[Guess]]:
        """The k labels with the highest cosines of each picture, the first first; none where it was not decoded."""
        order = np.argsort(-self.cosine, axis=1, kind="stable")[:, :k]
        return [
            []
            if reason is not None
            else [
                Guess(self.classnames[c], float(self.probability[row, c]), float(self.cosine[row, c])) for c in labels
            ]
            for row, (reason, labels) in enumerate(zip(self.reasons, order.tolist(), strict=True))
        ]

    def none_of_these(self, threshold: float | None) -> np.ndarray:
        """(N,) bool: pictures whose highest cosine is below the threshold; none without one, none not decoded."""
        if threshold is None:
            return np.zeros(len(self.names), bool)
        below: np.ndarray = self.best < threshold  # NaN is not below
        return below

    def table(self, k: int, threshold: float | None = None) -> pa.Table:
        """A row for each picture and each of its first k labels; one with nulls for a picture that was not decoded.

        picture string, rank int32 from 1, label string, probability and cosine float64, none_of_these bool, reason
        string
        """
        none = self.none_of_these(threshold).tolist()
        rows: list[tuple[Any, ...]] = []
        for name, reason, is_none, guesses in zip(self.names, self.reasons, none, self.top(k), strict=True):
            for rank, guess in enumerate(guesses, start=1):
                rows.append((name, rank, guess.label, guess.probability, guess.cosine, is_none, None))
            if reason is not None:
                rows.append((name, None, None, None, None, None, reason))
        columns = list(zip(*rows, strict=True)) or [()] * len(_SCHEMA)
        return pa.table([pa.array(column, kind) for column, kind in zip(columns, _SCHEMA.types, strict=True)], _SCHEMA)


_SCHEMA = pa.schema(
    {
        "picture": pa.string(),
        "rank": pa.int32(),
        "label": pa.string(),
        "probability": pa.float64(),
        "cosine": pa.float64(),
        "none_of_these": pa.bool_(),
        "reason": pa.string(),
    }
)


def see(checkpoint: "Checkpoint", pictures: Sequence[Picture]) -> list[Seen]:
    """Decode pictures and put them through the image tower; one that cannot be decoded is told with its reason.

    They are decoded as those of a pool are: upright by their EXIF data, transparent parts white, grey, CMYK and 16 bits
    as colours of 8 bits, of an animation the first frame (`pool.decode.rgb`).
    """
    seen: dict[int, Seen] = {}
    waiting: dict[int, Image.Image] = {}
    held = 0
    for at, picture in enumerate(pictures):
        try:
            image = rgb(picture.data)
        except UnreadableFile as error:
            seen[at] = Seen(name=picture.name, reason=str(error))
            continue
        if waiting and held + image.width * image.height > PIXELS_TOGETHER:
            seen |= _through_tower(checkpoint, pictures, waiting)
            waiting, held = {}, 0
        waiting[at] = image
        held += image.width * image.height
    seen |= _through_tower(checkpoint, pictures, waiting)
    return [seen[at] for at in range(len(pictures))]


def classify(
    checkpoint: "Checkpoint",
    seen: Sequence[Seen],
    classnames: Sequence[str],
    templates: Templates,
    store: FeatureStore | None = None,
) -> Classified:
    """Compare pictures with labels.

    seen:      as `see` gives them, of the same checkpoint
    store:     where class embeddings are kept, and found again
    raises     BadArgument (no label, templates that do not fit, features that are not numbers)
    """
    classes = class_embeddings(checkpoint, classnames, templates, store)
    cosine = np.full((len(seen), len(classnames)), np.nan, np.float32)
    rows = [at for at, one in enumerate(seen) if one.image_features is not None]
    if rows:
        image_features = np.stack([one.image_features for one in seen if one.image_features is not None])
        cosine[rows] = logits(image_features, classes, 1.0)
        if not np.isfinite(cosine[rows]).all():
            raise BadArgument(f"{checkpoint.name}: gives features that are no numbers; its weights are damaged")
    return Classified(
        names=tuple(one.name for one in seen),
        reasons=tuple(one.reason for one in seen),
        classnames=tuple(classnames),
        cosine=cosine,
        logit_scale=checkpoint.logit_scale,
    )


def _through_tower(
    checkpoint: "Checkpoint", pictures: Sequence[Picture], waiting: "dict[int, Image.Image]"
) -> dict[int, Seen]:
    if not waiting:
        return {}
    features = checkpoint.encode_images(list(waiting.values()))
    return {
        at: Seen(name=pictures[at].name, image_features=image_features)
        for at, image_features in zip(waiting, features, strict=True)
    }
