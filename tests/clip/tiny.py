"""A CLIP of open_clip's that is made in a moment: width 64, 2 layers, 32 pixels, random weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import open_clip
import torch

MODEL_CFG: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "layers": 2, "width": 64, "head_width": 32},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}


@dataclass(frozen=True)
class Tiny:
    model: Any
    tokenizer: Any

    def encode_texts(self, texts: Sequence[str], batch: int = 256) -> np.ndarray:
        with torch.no_grad():
            parts = [
                self.model.encode_text(self.tokenizer(list(texts[at : at + batch])), normalize=True)
                for at in range(0, len(texts), batch)
            ]
        return torch.cat(parts).numpy()


def tiny(seed: int = 0) -> Tiny:
    torch.manual_seed(seed)
    return Tiny(open_clip.CLIP(**MODEL_CFG).eval(), open_clip.SimpleTokenizer(context_length=16))
