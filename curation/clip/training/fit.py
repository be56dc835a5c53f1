"""The loop of a training: batches in, a trained model out."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from curation.clip.checkpoint import Checkpoint
from curation.clip.encode import text_features
from curation.clip.training.batches import Batch
from curation.clip.training.config import TrainConfig
from curation.clip.training.folder import Training
from curation.clip.training.judge import Judge
from curation.clip.training.metrics import Metrics
from curation.clip.training.objective import MOST_LOGIT_SCALE, Encode, backward, learning_rate, optimizer_of
from curation.clip.training.ready import Ready
from curation.clip.training.resume import State, load_state, save_state
from curation.engines import Cancelled
from curation.errors import BadArgument, BadRun
from curation.runs.progress import Reporter

LOGGED = 200
"""So many points the curve of the loss has."""
SAVED_EVERY_S = 60.0
TOTALS = ("step", "samples", "epoch", "loss", "logit_scale", "top1", "mean_per_class")


def fit(
    training: Training,
    ready: Ready,
    report: Reporter,
    on_metrics: Callable[[dict[str, Any]], None],
    cancel: Callable[[], bool],
) -> dict[str, Any]:
    """Train the model; returns step, samples, epoch, loss, logit_scale and seconds, and the last evaluation.

    Every few steps a line goes to metrics.jsonl, every minute all it takes to go on to resume.safetensors.

    raises BadRun (fewer pairs than a batch, a loss that is no number), Cancelled
    """
    config, model, device = training.config, ready.live.model, ready.live.device
    size, logit_scale = config.batch_size, model.logit_scale
    assert isinstance(logit_scale, nn.Parameter)
    optimizer = optimizer_of(model, config)
    state = load_state(training.path, model, optimizer)
    metrics = Metrics(training.path, state.step, on_metrics)
    step, losses = state.step, [torch.tensor(loss, device=device) for loss in state.losses]
    every = max(1, config.steps // LOGGED)
    evaluated = {round(config.steps * point / config.evaluations) for point in range(1, config.evaluations + 1)}
    saved = logged = time.monotonic()
    began, logged_step = saved - state.seconds, step
    model.train()
    report.phase("train", already_done=step * size, total=config.steps * size)

    for batch in ready.batches.after(state.place):
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
        report.add(size)

        if step % every == 0 or step == config.steps:
            loss = float(torch.stack(losses).mean())
            if not np.isfinite(loss):
                raise BadRun(f"{training.path}: the loss is {loss} at step {step:,}; choose a lower learning rate")
            now = time.monotonic()
            metrics.add(
                step=step,
                samples=step * size,
                epoch=batch.after.epoch,
                loss=loss,
                learning_rate=learning_rate(step - 1, config),
                logit_scale=float(logit_scale.detach().exp()),
                samples_per_second=(step - logged_step) * size / (now - logged),
            )
            losses, logged, logged_step = [], now, step
        if ready.jury is not None and step in evaluated:
            metrics.add(step=step, samples=step * size, **accuracy(ready.live, ready.jury))
            logged, logged_step = time.monotonic(), step

        if step == config.steps:
            break
        now, stop = time.monotonic(), cancel()
        if stop or now - saved > SAVED_EVERY_S:
            state = State(step, batch.after, tuple(float(loss) for loss in losses), now - began)
            with nullcontext() if stop else suppress(OSError):  # on a full disk: tried again, a minute later
                save_state(training.path, model, optimizer, state)
            saved = now
        if stop:
            raise Cancelled
    report.end_phase()
    last = {name: value for line in metrics.lines for name, value in line.items()}
    return {name: last[name] for name in TOTALS if name in last} | {"seconds": round(time.monotonic() - began, 1)}


def accuracy(live: Checkpoint, jury: Judge) -> dict[str, float]:
    """Zero-shot top-1 and mean per class of a model in training."""
    live.model.eval()
    found = jury.accuracies(live)
    live.model.train()
    return found


def _parts(ready: Ready, config: TrainConfig, batch: Batch) -> list[Encode]:
    """What encodes each part of a batch; the features of a locked tower are looked up."""
    live, locked = ready.live, ready.locked

    def encode(part: slice) -> tuple[Tensor, Tensor]:
        with _precision(config, live.device):
            return image_side(part).float(), text_side(part).float()  # (B / accumulate, D) each

    def image_side(part: slice) -> Tensor:
        if "image" in locked:
            return torch.from_numpy(locked["image"][batch.items[part]]).to(live.device)
        images = live.preprocess.tensor(batch.pixels[part].to(live.device, non_blocking=True))  # (B, 3, H, W)
        return live.model.encode_image(images, normalize=True)  # type: ignore[operator]

    def text_side(part: slice) -> Tensor:
        if "text" in locked:
            return torch.from_numpy(locked["text"][batch.items[part]]).to(live.device)
        return text_features(live.model, batch.tokens[part].to(live.device, non_blocking=True))

    size = config.batch_size // config.accumulate
    return [partial(encode, slice(at, at + size)) for at in range(0, config.batch_size, size)]


def _precision(config: TrainConfig, device: torch.device) -> AbstractContextManager[object]:
    if config.precision == "bf16" or (config.precision == "auto" and device.type == "cuda"):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


@contextmanager
def deterministic(seed: int) -> Iterator[None]:
    """Inside, the same machine and seed give the same weights, and another seed gives others.

    raises BadArgument for a model of which a step cannot be repeated exactly on this device
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # CUDA's matrix products ask for it
    torch.use_deterministic_algorithms(True)
    memory.fill_uninitialized_memory = False  # a check for mistakes, at the cost of time
    torch.manual_seed(seed)
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise BadArgument(
            f"this model cannot be trained twice alike on this device: {str(error).splitlines()[0][:160]}"
        ) from None
    finally:
        memory.fill_uninitialized_memory = filled
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
