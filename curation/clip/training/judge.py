"""Zero-shot accuracy on an evaluation set, for the curve of a training and the table of a ladder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from curation.clip.checkpoint import Checkpoint
from curation.clip.datasets import EvalSet, load
from curation.clip.encode import Preprocess
from curation.clip.scores import accuracies, label_ranks
from curation.clip.zero_shot import class_embeddings
from curation.errors import BadArgument, CurationError
from curation.pool.decode import rgb

TEMPLATES = ("{}", "a photo of a {}", "{} image")
"""Captions of the web rarely are sentences: the bare name is asked for as well."""


@dataclass(frozen=True)
class Judge:
    """The pictures of an evaluation set, decoded once, with the number of the class of each.

    pixels:  (P, H, W, 3) uint8; label: (P,) int64 in 0..C-1
    dropped: pictures left out because they cannot be decoded
    """

    classnames: tuple[str, ...]
    pixels: np.ndarray
    label: np.ndarray
    dropped: int

    def right(self, checkpoint: Checkpoint) -> np.ndarray:
        """(P,) bool: whether the class that a picture is most like is its own."""
        return self._ranks(checkpoint) == 0

    def accuracies(self, checkpoint: Checkpoint) -> dict[str, float]:
        """Zero-shot top-1 and mean per class."""
        found = {one.metric: one.value for one in accuracies(self._ranks(checkpoint), self.label, len(self.classnames))}
        return {"top1": found["top-1"], "mean_per_class": found["mean per class"]}

    def _ranks(self, checkpoint: Checkpoint) -> np.ndarray:
        embeddings = class_embeddings(checkpoint, self.classnames, TEMPLATES)
        return label_ranks(checkpoint.encode_pixels(self.pixels) @ embeddings.T, self.label)


def judge(data: Path, preprocess: Preprocess) -> Judge:
    """Read an evaluation set, see docs/evaluate.md.

    raises BadArgument where no picture of it has a label, or none of those that have one can be decoded
    """
    found: EvalSet = load(data)
    labelled = found.test[found.label[found.test] >= 0]
    if not len(labelled):
        raise BadArgument(f"{data}: no picture of it has a label, so accuracy cannot be measured on it")
    pixels, label = [], []
    for number, data_of_picture in zip(labelled.tolist(), found.images(labelled.tolist()), strict=True):
        try:
            if data_of_picture is not None:
                pixels.append(preprocess.pixels(rgb(data_of_picture)))
                label.append(int(found.label[number]))
        except CurationError:  # counted below
            continue
    if not pixels:
        raise BadArgument(f"{data}: none of its {len(labelled):,} labelled pictures can be decoded")
    return Judge(found.classnames, np.stack(pixels), np.array(label), len(labelled) - len(pixels))
