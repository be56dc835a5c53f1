"""Towers that are locked or fresh, as in LiT (Zhai et al. 2022, arXiv:2111.07991): a locked tower encodes once."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from curation.clip.checkpoint import Checkpoint
from curation.clip.features import FeatureStore, item_digest
from curation.clip.training.config import TrainConfig
from curation.clip.training.decoded import DecodedPool

VIEW = "decoded"
"""Under this view the pictures of a pool are in a feature store; the item is the pixels as they were decoded."""


def tower(model: nn.Module, name: str) -> dict[str, nn.Parameter]:
    """The weights of the "image" or the "text" tower, by name; the scale belongs to neither."""
    weights = dict(model.named_parameters())
    if name == "image":
        return {key: weight for key, weight in weights.items() if key.startswith("visual.")}
    others = ("visual.", "logit_scale", "logit_bias")
    return {key: weight for key, weight in weights.items() if not key.startswith(others)}


def reset_tower(model: nn.Module, name: str, fresh: nn.Module) -> None:
    """Give a tower the weights of another model of the same shape."""
    weights = tower(fresh, name)
    with torch.no_grad():
        for key, weight in tower(model, name).items():
            weight.copy_(weights[key])


def locked_features(
    start: Checkpoint,
    pool: DecodedPool,
    config: TrainConfig,
    store: FeatureStore,
    *,
    cancel: Callable[[], bool],
) -> dict[str, np.ndarray]:
    """(N, D) float32 features of all items by the tower that is locked, by its name; {} where none is.

    start: the checkpoint that the training starts from, as it is
    """

    def of_pictures(items: np.ndarray) -> np.ndarray:
        return start.encode_pixels(pool.pixels(items))

    def of_texts(items: np.ndarray) -> np.ndarray:
        return start.encode_texts([texts[item] for item in items.tolist()])

    if config.image_tower == "locked":
        digests = [item_digest(pool.pixels(np.array([item])).tobytes()) for item in range(len(pool))]
        return {"image": store.features_of(start.digest, VIEW, digests, of_pictures, cancel=cancel)}
    if config.text_tower == "locked":
        texts = pool.pairs["text"].to_pylist()
        digests = [item_digest(text) for text in texts]
        return {"text": store.features_of(start.digest, "text", digests, of_texts, cancel=cancel)}
    return {}
