"""What a training works with: the model, the decoded pictures, the tokens, the pictures it is judged on."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from curation.clip.architectures import has_own_vocabulary, named_cfg, new_model
from curation.clip.checkpoint import Checkpoint, load_checkpoint, preprocess_cfg_of
from curation.clip.device import best_device
from curation.clip.encode import Preprocess
from curation.clip.features import FeatureStore
from curation.clip.tokenizers import Tokenize, tokenizer_of
from curation.clip.training.arms import rows_of
from curation.clip.training.batches import Batches
from curation.clip.training.config import TrainConfig
from curation.clip.training.decoded import DecodedPool, decode
from curation.clip.training.folder import Training
from curation.clip.training.judge import Judge, judge
from curation.clip.training.locked import locked_features, reset_tower, tower
from curation.runs.folder import Run
from curation.runs.progress import Reporter
from curation.runs.workspace import features_folder


@dataclass(frozen=True)
class Ready:
    """What a training works with.

    live:   the model in training, with its tokenizer and preprocessing
    locked: (N, D) float32 features of the items of the pool by the tower that is locked, by its name
    jury:   None where it is not evaluated
    """

    live: Checkpoint
    pool: DecodedPool
    batches: Batches
    locked: dict[str, np.ndarray]
    jury: Judge | None


def prepare(
    training: Training, run: Run, decoded: Path, workers: int, report: Reporter, cancel: Callable[[], bool]
) -> Ready:
    """Decode the pictures, cut the texts into tokens, and build the model, or open the one to start from.

    raises as `train` does
    """
    config = training.config
    start = load_checkpoint(config.start) if config.start else None
    model_cfg = start.model_cfg if start else named_cfg(config.model)
    preprocess_cfg = start.preprocess_cfg if start else preprocess_cfg_of(model_cfg)
    preprocess = Preprocess(preprocess_cfg)
    jury = judge(Path(config.evaluate), preprocess) if config.evaluate else None

    report.phase("decode")
    pool = decode(run, decoded, preprocess, workers=workers, on_rows=report.add, cancel=cancel)
    merges = start.merges if start else None
    if start is None and has_own_vocabulary(config.model):
        merges = pool.merges(model_cfg["text_cfg"]["vocab_size"])
    tokenizer = start.tokenizer if start else tokenizer_of(model_cfg, config.model, merges)
    if merges is not None:  # few texts hold fewer pairs of letters to merge than were asked for
        model_cfg["text_cfg"]["vocab_size"] = tokenizer.vocab_size  # type: ignore[attr-defined]
    tokens = pool.tokens(tokenizer, _key(tokenizer, model_cfg["text_cfg"], merges))
    locked = locked_features(start, pool, config, FeatureStore(features_folder()), cancel=cancel) if start else {}
    report.end_phase()

    model, device = _model(start, model_cfg, config), best_device()
    live = Checkpoint(
        name=training.name, model=model.to(device), tokenizer=tokenizer, model_cfg=model_cfg,
        preprocess_cfg=preprocess_cfg, merges=merges, trained_on=None, folder=None, expected=None, device=device,
    )  # fmt: skip
    return Ready(live, pool, Batches(pool, tokens, rows_of(pool, config.arm, training.t), config), locked, jury)


def _model(start: Checkpoint | None, model_cfg: dict[str, Any], config: TrainConfig) -> torch.nn.Module:
    """With random weights of the seed, or those of the start but for fresh towers; locked ones ask for no gradient."""
    torch.manual_seed(config.seed)
    if start is None:
        return new_model(model_cfg)
    model = start.model.requires_grad_(True)
    for name, how in (("image", config.image_tower), ("text", config.text_tower)):
        if how == "fresh":
            reset_tower(model, name, new_model(model_cfg))
        for weight in tower(model, name).values():
            weight.requires_grad_(how != "locked")
    return model


def _key(tokenizer: Tokenize, text_cfg: dict[str, Any], merges: bytes | None) -> str:
    """All that decides which tokens a text becomes."""
    settings = {name: text_cfg.get(name) for name in ("context_length", "hf_tokenizer_name", "tokenizer_kwargs")}
    return json.dumps([type(tokenizer).__name__, settings, merges.hex() if merges else None], sort_keys=True)
