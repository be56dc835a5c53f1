"""Texts and pictures -> features, as arrays."""

from collections.abc import Callable

import numpy as np
import open_clip
import torch
from PIL import Image
from torch.nn import functional

from curation.clip.device import full_float32

MOST_STRETCHED = 20
"""A picture of 2 x 30,000 that is made 224 wide takes 4 GB before its middle is cut out."""

TEXT_PIECES = 4
"""So many groups of about the same length a batch of texts is cut into on the processor."""


def text_features(model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """(N, context_length) int64 -> (N, D) float, L2-normalised; what `model.encode_text` gives, in less time.

    A text tower with a causal mask never looks beyond the end of a text, so what is padded need not be computed: texts
    are sorted by length and go through in a few pieces, each as long as its longest. On CUDA they are one piece: there
    a piece takes as long as its kernels take to start, however few its texts. Other towers take all at once.
    """
    if not _ignores_padding(model):
        return model.encode_text(tokens, normalize=True)  # type: ignore[operator]
    lengths = tokens.argmax(dim=-1) + 1  # the end of a text is the token with the highest number
    order = torch.argsort(lengths, stable=True)
    pieces = order.tensor_split(_pieces(tokens))
    features = torch.cat([_cut_text_features(model, tokens[piece, : _longest(lengths[piece])]) for piece in pieces])
    return functional.normalize(features[torch.argsort(order)], dim=-1)


def _pieces(tokens: torch.Tensor) -> int:
    return 1 if tokens.is_cuda else max(1, min(TEXT_PIECES, len(tokens)))


def _longest(lengths: torch.Tensor) -> int:
    return int(lengths.max()) if len(lengths) else 1


def _ignores_padding(model: torch.nn.Module) -> bool:
    return (
        isinstance(model, open_clip.CLIP)
        and model.text_pool_type == "argmax"
        and isinstance(model.attn_mask, torch.Tensor)
    )


def _cut_text_features(model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """The text tower of open_clip's CLIP on (N, L) tokens, L at most the context length."""
    length = tokens.shape[1]
    dtype = model.transformer.get_cast_dtype()  # type: ignore[operator, union-attr]
    x = model.token_embedding(tokens).to(dtype)  # type: ignore[operator]  # (N, L, W)
    x = x + model.positional_embedding[:length].to(dtype)  # type: ignore[index]
    x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])  # type: ignore[operator, index]
    x = model.ln_final(x)[torch.arange(len(tokens), device=tokens.device), tokens.argmax(dim=-1)]  # type: ignore[operator]
    projection = model.text_projection
    if isinstance(projection, torch.nn.Linear):
        return projection(x)
    return x if projection is None else x @ projection


class Preprocess:
    """Pictures -> what a model takes, by open_clip's own transform for evaluation, in two steps.

    `pixels` resizes and crops and gives numbers that can be kept; `tensor` makes them what the model takes.
    """

    def __init__(self, preprocess_cfg: dict[str, object]) -> None:
        self.cfg = open_clip.transform.PreprocessCfg(**preprocess_cfg)
        transform = open_clip.transform.image_transform_v2(self.cfg, is_train=False)
        *self._on_pictures, _, self._normalize = transform.transforms  # the last two: to a tensor, normalise

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width = self.cfg.input_size[1:]
        return height, width

    def pixels(self, image: Image.Image) -> np.ndarray:
        """An RGB picture of any size -> (H, W, 3) uint8."""
        if self.cfg.resize_mode == "shortest":  # the middle is cut out afterwards
            image = _middle(image)
        for step in self._on_pictures:
            image = step(image)
        return np.array(image)

    def tensor(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, H, W, 3) uint8 -> (N, 3, H, W) float32, normalised."""
        return self._normalize(pixels.permute(0, 3, 1, 2).to(torch.float32) / 255)


def _middle(image: Image.Image) -> Image.Image:
    """The middle of a picture that is longer than `MOST_STRETCHED` times its width; any other as it is."""
    most = MOST_STRETCHED * min(image.size)
    if max(image.size) <= most:
        return image
    width, height = (min(side, most) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def encoded(rows: int, batch: int, dimensions: int, encode: Callable[[slice], torch.Tensor]) -> np.ndarray:
    """(rows, D) float32: what `encode` gives for each batch of at most `batch` rows, without gradients."""
    out = np.empty((rows, dimensions), dtype=np.float32)
    with torch.inference_mode(), full_float32():
        for at in range(0, rows, batch):
            part = slice(at, min(at + batch, rows))
            out[part] = encode(part).float().cpu().numpy()
    return out
