"""The job of a training: from the pairs of a run to a checkpoint."""

import json
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from curation.clip.architectures import has_own_vocabulary, named_cfg, new_model
from curation.clip.checkpoint import Checkpoint, load_checkpoint, preprocess_cfg_of, save_checkpoint
from curation.clip.encode import Preprocess, text_features
from curation.clip.features import FeatureStore
from curation.clip.tokenizers import tokenizer_of
from curation.clip.training.arms import rows_of
from curation.clip.training.batches import Batch, Batches
from curation.clip.training.config import TrainConfig
from curation.clip.training.decoded import DecodedPool, decode
from curation.clip.training.folder import Training, read_metrics
from curation.clip.training.judge import Judge, judge, mean_per_class
from curation.clip.training.locked import locked_features, reset_tower, tower
from curation.clip.training.objective import MOST_LOGIT_SCALE, backward, learning_rate, optimizer_of
from curation.clip.training.resume import RESUME, load_state, save_state
from curation.engines import Cancelled
from curation.errors import BadRun
from curation.runs.folder import Run, lock
from curation.runs.job import told_in
from curation.runs.progress import Progress, Reporter
from curation.runs.workspace import features_folder

LOGGED = 200
"""So many points the curve of the loss has."""
SAVED_EVERY_S = 60.0


def train(
    path: Path,
    *,
    decoded: Path,
    workers: int = 2,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Training:
    """Do what is left of a training, to its end. Stopped at any moment, it goes on to the same weights.

    decoded: the folder in which pictures are kept decoded, for all trainings
    raises   BadRun (another process works on it, or its run changed), Cancelled, CurationError; the folder says which
    """
    with lock(path):
        training = Training.open(path)
        if training.state == "done":
            return training
        with told_in(path, training.set_state):
            _work(training, decoded, workers, on_progress, lambda: cancel() or (path / "cancel").exists())
    return Training.open(path)


def _work(
    training: Training,
    decoded: Path,
    workers: int,
    on_progress: Callable[[Progress], None],
    cancel: Callable[[], bool],
) -> None:
    config, run = training.config, training.open_run()
    be_deterministic(config.seed)
    ready = prepare(config, run, decoded, workers, training.path, on_progress, cancel)
    live, rows = ready.live, rows_of(ready.pool, config.arm, training.t)
    jury = judge(Path(config.evaluate), live.preprocess) if config.evaluate else None
    report = Reporter(training.path, config.steps * config.batch_size, "pairs", on_progress)
    batches = Batches(ready.pool, ready.tokens, rows, config)
    totals = fit(training, ready, batches, jury, report, cancel)
    trained_on = {
        **training.info["plan"],
        "items": len(rows(0)),
        "samples_seen": totals["samples"],
        "accuracy": totals.get("top1"),
    }
    save_checkpoint(
        training.checkpoint, live.model, live.model_cfg, live.preprocess_cfg, merges=live.merges, trained_on=trained_on
    )
    training.info["totals"] = {**totals, "items": len(rows(0)), "dropped": dict(ready.pool.dropped)}
    (training.path / RESUME).unlink(missing_ok=True)


def be_deterministic(seed: int) -> None:
    """The same weights on the same machine, and another start for another seed."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # CUDA's matrix products ask for it
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.manual_seed(seed)


@dataclass(frozen=True)
class Ready:
    """What a training works with.

    live:   the model in training, with its tokenizer and preprocessing
    tokens: (N, context_length) int32, of the items of the pool
    locked: (N, D) float32 features by the tower that is locked, by its name
    """

    live: Checkpoint
    pool: DecodedPool
    tokens: np.ndarray
    locked: dict[str, np.ndarray]


def prepare(
    config: TrainConfig,
    run: Run,
    decoded: Path,
    workers: int,
    scratch: Path,
    on_progress: Callable[[Progress], None],
    cancel: Callable[[], bool],
) -> Ready:
    """Decode the pictures, cut the texts into tokens, and build the model, or open the one to start from.

    scratch: where progress is told; for the others see `train`
    """
    start = load_checkpoint(config.start) if config.start else None
    model_cfg = start.model_cfg if start else named_cfg(config.model)
    preprocess_cfg = start.preprocess_cfg if start else preprocess_cfg_of(model_cfg)
    report = Reporter(scratch, int(run.info["totals"]["pairs"]), "pairs", on_progress)
    report.phase("decode")
    pool = decode(run, decoded, Preprocess(preprocess_cfg), workers=workers, on_rows=report.add, cancel=cancel)
    merges = start.merges if start else None
    if start is None and has_own_vocabulary(config.model):
        merges = pool.merges(model_cfg["text_cfg"]["vocab_size"])
    tokenizer = start.tokenizer if start else tokenizer_of(model_cfg, config.model, merges)
    if merges is not None:
        model_cfg["text_cfg"]["vocab_size"] = tokenizer.vocab_size  # type: ignore[attr-defined]
    key = repr(merges) if merges is not None else (start.name if start else config.model)
    tokens = pool.tokens(tokenizer, f"{key} {model_cfg['text_cfg'].get('context_length', 77)}")
    locked = locked_features(start, pool, config, FeatureStore(features_folder()), cancel=cancel) if start else {}
    report.end_phase()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = start.model.requires_grad_(True) if start else new_model(model_cfg)
    for name, how in (("image", config.image_tower), ("text", config.text_tower)):
        if how == "fresh" and start:
            reset_tower(model, name, new_model(model_cfg))
        for weight in tower(model, name).values():
            weight.requires_grad_(how != "locked")
    live = Checkpoint(
        name="", model=model.to(device), tokenizer=tokenizer, model_cfg=model_cfg, preprocess_cfg=preprocess_cfg,
        merges=merges, trained_on=None, folder=None, expected=None, device=device,
    )  # fmt: skip
    return Ready(live, pool, tokens, locked)


def fit(
    training: Training,
    ready: Ready,
    batches: Batches,
    jury: Judge | None,
    report: Reporter,
    cancel: Callable[[], bool],
) -> dict[str, Any]:
    """Train the model; returns steps, samples, epochs, loss, seconds, and the last evaluation if there is one.

    Every few steps a line goes to metrics.jsonl, every minute all it takes to go on to resume.safetensors.
    """
    config, live, model = training.config, ready.live, ready.live.model
    optimizer = optimizer_of(model, config)
    step, place = load_state(training.path, model, optimizer)
    metrics = Metrics(training.path, step)
    logit_scale: nn.Parameter = model.logit_scale  # type: ignore[assignment]
    every = max(1, config.steps // LOGGED)
    evaluated = {round(config.steps * point / config.evaluations) for point in range(1, config.evaluations + 1)}
    began = saved = logged = time.monotonic()
    losses: list[Tensor] = []
    model.train()
    report.phase("train", already_done=step * config.batch_size)
    for batch in batches.after(place):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, config)
        optimizer.zero_grad(set_to_none=True)
        losses.append(backward(_parts(ready, config, batch), logit_scale))
        if config.grad_clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), config.grad_clip)
        optimizer.step()
        with torch.no_grad():
            logit_scale.clamp_(0, MOST_LOGIT_SCALE)
        step += 1
        report.add(config.batch_size)
        now = time.monotonic()
        if step % every == 0 or step == config.steps:
            rate, logged = len(losses) * config.batch_size / (now - logged), now
            loss = float(torch.stack(losses).mean())
            losses.clear()
            if not np.isfinite(loss):
                raise BadRun(f"the loss is {loss} at step {step}: choose a lower learning rate")
            metrics.add(
                step=step, samples=step * config.batch_size, epoch=batch.after.epoch, loss=loss,
                learning_rate=learning_rate(step - 1, config), logit_scale=float(logit_scale.detach().exp()),
                samples_per_second=rate,
            )  # fmt: skip
        if jury is not None and step in evaluated:
            metrics.add(step=step, samples=step * config.batch_size, **accuracy(live, jury))
            logged = time.monotonic()
        if step == config.steps:
            break
        if cancel() or now - saved > SAVED_EVERY_S:
            save_state(training.path, model, optimizer, step, batch.after)
            saved = now
        if cancel():
            raise Cancelled
    report.end_phase()
    last = {key: value for line in metrics.lines for key, value in line.items()}
    kept = ("step", "samples", "epoch", "loss", "logit_scale", "top1", "mean_per_class")
    return {key: last[key] for key in kept if key in last} | {"seconds": round(time.monotonic() - began, 1)}


def accuracy(live: Checkpoint, jury: Judge) -> dict[str, float]:
    """Zero-shot top-1 and mean per class of a model in training."""
    live.model.eval()
    right = jury.right(live)
    live.model.train()
    return {"top1": float(right.mean()), "mean_per_class": mean_per_class(right, jury.label)}


def _parts(ready: Ready, config: TrainConfig, batch: Batch) -> list[Callable[[], tuple[Tensor, Tensor]]]:
    """What encodes each part of a batch; the features of a locked tower are looked up."""
    live = ready.live

    def encode(part: slice) -> tuple[Tensor, Tensor]:
        with _precision(config, live.device):
            return image_side(part).float(), text_side(part).float()

    def image_side(part: slice) -> Tensor:
        if "image" in ready.locked:
            return torch.from_numpy(ready.locked["image"][batch.items[part]]).to(live.device)
        images = live.preprocess.tensor(batch.pixels[part].to(live.device, non_blocking=True))
        return live.model.encode_image(images, normalize=True)  # type: ignore[operator]

    def text_side(part: slice) -> Tensor:
        if "text" in ready.locked:
            return torch.from_numpy(ready.locked["text"][batch.items[part]]).to(live.device)
        return text_features(live.model, batch.tokens[part].to(live.device, non_blocking=True))

    size = config.batch_size // config.accumulate
    return [partial(encode, slice(at, at + size)) for at in range(0, config.batch_size, size)]


def _precision(config: TrainConfig, device: torch.device) -> AbstractContextManager[object]:
    if config.precision == "bf16" or (config.precision == "auto" and device.type == "cuda"):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


class Metrics:
    """The lines of metrics.jsonl; those behind the step that a training goes on from are taken back."""

    def __init__(self, path: Path, step: int) -> None:
        self._path = path / "metrics.jsonl"
        self.lines = [line for line in read_metrics(path) if line["step"] <= step]
        self._path.write_text("".join(json.dumps(line) + "\n" for line in self.lines), encoding="utf-8")

    def add(self, **line: float) -> None:
        """One more line."""
        self.lines.append(line)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
