"""Zero-shot classification: an embedding for each class, out of its prompts, and what pictures score against them."""

import json
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from curation.clip.features import FeatureStore, item_digest
from curation.clip.templates import Templates, prompts
from curation.errors import BadArgument

CLASSES_AT_ONCE = 16
"""The features of the prompts of so many classes are in memory together."""

VIEW = "class"
"""Under this view the embeddings of classes are in a feature store; the item is the list of a class's prompts."""


class TextEncoder(Protocol):
    """What makes features of texts: a `Checkpoint`."""

    @property
    def digest(self) -> str:
        """Names the features it makes."""

    def encode_texts(self, texts: Sequence[str], batch: int = ...) -> np.ndarray:
        """(N, D) float32, of length 1."""


def class_embeddings(
    encoder: TextEncoder, classnames: Sequence[str], templates: Templates, store: FeatureStore | None = None
) -> np.ndarray:
    """The weights of the zero-shot classifier: for each class the mean of its prompts' features, of length 1.

    As open_clip's `build_zero_shot_classifier`, transposed (Radford et al. 2021, arXiv:2103.00020, section 3.1.4).

    encoder:   the checkpoint
    templates: of all classes, or a list for each of them (`templates.Templates`)
    store:     where each class is looked up by its prompts, and kept: a list that shares classes with an earlier one
               costs the others only
    returns    (C, D) float32
    raises     BadArgument (no class, no template, a class without templates)
    """
    if not classnames:
        raise BadArgument("no class: give at least one name")
    texts = prompts(classnames, templates)

    def make(classes: np.ndarray) -> np.ndarray:
        return _mean_features(encoder, [texts[number] for number in classes.tolist()])

    if store is not None:
        digests = [item_digest(json.dumps(of_class)) for of_class in texts]
        return store.features_of(encoder.digest, VIEW, digests, make, batch=CLASSES_AT_ONCE)
    every = np.arange(len(texts))
    return np.concatenate([make(every[at : at + CLASSES_AT_ONCE]) for at in range(0, every.size, CLASSES_AT_ONCE)])


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


def _mean_features(encoder: TextEncoder, texts: list[list[str]]) -> np.ndarray:
    """(C, D) float32: for each class the mean over its texts, of length 1."""
    features = encoder.encode_texts([text for of_class in texts for text in of_class])
    stops = np.cumsum([len(of_class) for of_class in texts])[:-1]
    # in float64: at a logit scale of 100 a rounding of 1e-7 is one of 1e-5 in the logits
    return normalised(np.stack([of_class.mean(axis=0, dtype=np.float64) for of_class in np.split(features, stops)]))
