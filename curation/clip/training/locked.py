"""Towers that are locked or fresh, as in LiT (Zhai et al. 2022, arXiv:2111.07991): a locked tower encodes once."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from curation.clip.checkpoint import Checkpoint
from curation.clip.features import FeatureStore, item_digest
from curation.clip.training.config import TrainConfig
from curation.clip.training.decoded import DecodedPool

BATCH = 256
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
    on_items: Callable[[int], None],
    cancel: Callable[[], bool],
) -> dict[str, np.ndarray]:
    """(N, D) float32 features of all items by the tower that is locked, by its name; {} where none is.

    start: the checkpoint that the training starts from, as it is
    """
    keep = {"on_done": on_items, "cancel": cancel, "batch": BATCH}
    if config.image_tower == "locked":
        every = np.arange(len(pool))
        digests = [item_digest(pool.pixels(every[at : at + 1]).tobytes()) for at in range(len(pool))]
        make = lambda items: start.encode_pixels(pool.pixels(items))  # noqa: E731
        return {"image": store.features_of(start.digest, VIEW, digests, make, **keep)}
    if config.text_tower == "locked":
        texts = pool.pairs["text"].to_pylist()
        make = lambda items: start.encode_texts([texts[item] for item in items])  # noqa: E731
        return {"text": store.features_of(start.digest, "text", [item_digest(text) for text in texts], make, **keep)}
    return {}
