"""The objective of CLIP, and a step of the optimiser on a batch, in one piece or in several."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from curation.clip.training.config import TrainConfig

MOST_LOGIT_SCALE = math.log(100)
"""The learned scale is clamped here (Radford et al. 2021, section 2.5)."""

Encode = Callable[[], tuple[Tensor, Tensor]]
"""Encodes a part of a batch: (B, D) image_features and (B, D) text_features, L2-normalised."""


def info_nce(image_features: Tensor, text_features: Tensor, logit_scale: Tensor) -> Tensor:
    """Which text belongs to which picture, and the other way round: the mean of both cross-entropies, in nats.

    image_features, text_features: (B, D), L2-normalised
    logit_scale:                   (), already exponentiated
    """
    logits = logit_scale * image_features @ text_features.T  # (B, B)
    labels = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, labels) + functional.cross_entropy(logits.T, labels)) / 2


def backward(parts: Sequence[Encode], logit_scale: nn.Parameter) -> Tensor:
    """The loss of a batch, with its gradients added to the weights; as large as the batch is in one piece.

    A batch of several parts is encoded twice: first without gradients, for the loss is about all features at once; then
    part by part with the gradient of the loss at its features, which the chain rule carries on (Gao et al. 2021,
    arXiv:2101.06983). That is exact, and only one part at a time is in memory.
    """
    if len(parts) == 1:
        loss = info_nce(*parts[0](), logit_scale.exp())
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
    with torch.no_grad():
        encoded = [part() for part in parts]
    images, texts = (torch.cat(side).requires_grad_() for side in zip(*encoded, strict=True))
    loss = info_nce(images, texts, logit_scale.exp())
    loss.backward()  # type: ignore[no-untyped-call]
    sizes = [len(image_features) for image_features, _ in encoded]
    assert images.grad is not None and texts.grad is not None
    gradients = zip(torch.split(images.grad, sizes), torch.split(texts.grad, sizes), strict=True)
    for part, (image_grad, text_grad) in zip(parts, gradients, strict=True):
        moving = [(of, grad) for of, grad in zip(part(), (image_grad, text_grad), strict=True) if of.requires_grad]
        torch.autograd.backward([of for of, _ in moving], [grad for _, grad in moving])
    return loss.detach()


def optimizer_of(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW over what is not locked; gains, biases and the scale do not decay."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in trained if weight.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [weight for weight in trained if weight.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), eps=config.epsilon, fused=True
    )


def learning_rate(step: int, config: TrainConfig) -> float:
    """Of a step, from 0: rises in a line to its highest, then falls along a cosine to nothing.

    >>> config = TrainConfig(samples=640, learning_rate=1.0, warmup=0.2)
    >>> [round(learning_rate(step, config), 3) for step in range(10)]
    [0.5, 1.0, 1.0, 0.962, 0.854, 0.691, 0.5, 0.309, 0.146, 0.038]
    """
    rising = round(config.warmup * config.steps)
    if step < rising:
        return config.learning_rate * (step + 1) / rising
    share = (step - rising) / max(1, config.steps - rising)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * share))
