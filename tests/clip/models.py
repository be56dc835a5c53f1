"""Small models with random weights, for tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from curation.clip.architectures import new_model
from curation.clip.checkpoint import preprocess_cfg_of, save_checkpoint
from curation.clip.tokenizers import learn_merges

TEXTS = ["a photo of a dog", "a red cat on a mat", "the old house behind the palm trees", "dog, cat & house"]


def on_cuda(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test that needs CUDA."""
    there = torch.cuda.is_available()
    return pytest.mark.gpu(pytest.mark.skipif(not there, reason="no CUDA device: not tested on one")(test))


def small_cfg(**text_cfg: Any) -> dict[str, Any]:
    """Two layers, 64 wide, pictures of 32 pixels."""
    return {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "patch_size": 16, "layers": 2, "width": 64, "head_width": 32},
        "text_cfg": {"context_length": 16, "vocab_size": 560, "width": 64, "heads": 2, "layers": 2, **text_cfg},
    }


def write_small_checkpoint(folder: Path, seed: int = 0, trained_on: dict[str, Any] | None = None) -> Path:
    """A checkpoint of an untrained small model with a vocabulary of 560 tokens."""
    torch.manual_seed(seed)
    cfg = small_cfg()
    merges = learn_merges(TEXTS, cfg["text_cfg"]["vocab_size"])
    save_checkpoint(folder, new_model(cfg), cfg, preprocess_cfg_of(cfg), merges=merges, trained_on=trained_on)
    return folder
