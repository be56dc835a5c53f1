"""Zero-shot classification: an embedding for each class, out of its prompts, and what pictures score against them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from curation.clip.templates import Templates, prompts
from curation.errors import BadArgument

TEXTS_AT_ONCE = 4096
"""Texts that are handed to the text tower together: 1,000 classes by 80 templates are never in memory at once."""


class TextEncoder(Protocol):
    """What makes features of texts: a `Checkpoint`."""

    def encode_texts(self, texts: Sequence[str], batch: int = ...) -> np.ndarray:
        """(N, D) float32, of length 1."""


def class_embeddings(encoder: TextEncoder, classnames: Sequence[str], templates: Templates) -> np.ndarray:
    """The weights of the zero-shot classifier: for each class the mean of its prompts' features, of length 1.

    As open_clip's `build_zero_shot_classifier`, transposed (Radford et al. 2021, arXiv:2103.00020, section 3.1.4).

    encoder:   the checkpoint
    templates: of all classes, or a list for each of them (`templates.Templates`)
    returns    (C, D) float32
    raises     BadArgument (no class, no template, a class without templates)
    """
    if not classnames:
        raise BadArgument("no class: give at least one name")
    texts = prompts(classnames, templates)
    found = []
    for chunk in _chunks(texts):
        features = encoder.encode_texts([text for of_class in chunk for text in of_class])
        stops = np.cumsum([len(of_class) for of_class in chunk])[:-1]
        # in float64: at a logit scale of 100 a rounding of 1e-7 is one of 1e-5 in the logits
        found += [of_class.mean(axis=0, dtype=np.float64) for of_class in np.split(features, stops)]
    return normalised(np.stack(found))


def logits(image_features: np.ndarray, class_embeddings: np.ndarray, logit_scale: float) -> np.ndarray:
    """(N, C) float32: the cosine of each picture with each class, times the scale (already exponentiated).

    image_features: (N, D), class_embeddings: (C, D), both of length 1
    """
    scaled = np.float32(logit_scale) * image_features.astype(np.float32, copy=False)
    scores: np.ndarray = scaled @ class_embeddings.astype(np.float32, copy=False).T
    return scores


def probabilities(logits: np.ndarray) -> np.ndarray:
    """softmax over the classes: (N, C) float64, each row sums to 1.

    >>> probabilities(np.array([[0.0, 0.0], [1000.0, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    weights = np.exp(shifted)
    shares: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return shares


def normalised(features: np.ndarray) -> np.ndarray:
    """(N, D) float32 of length 1; a feature of length 0 stays what it is."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    scaled: np.ndarray = (features / np.where(length == 0, 1, length)).astype(np.float32)
    return scaled


def _chunks(texts: list[list[str]]) -> list[list[list[str]]]:
    """The classes in groups of about `TEXTS_AT_ONCE` texts."""
    groups: list[list[list[str]]] = []
    held = TEXTS_AT_ONCE
    for of_class in texts:
        if held + len(of_class) > TEXTS_AT_ONCE:
            groups.append([])
            held = 0
        groups[-1].append(of_class)
        held += len(of_class)
    return groups
