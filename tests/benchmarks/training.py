"""A step of training beside open_clip's own training code, on the same model, data and machine.

python tests/benchmarks/training.py --record
"""

import copy
import csv
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import open_clip
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from measure import Measured, peak_memory_mb, prove, race, script, timed
from open_clip_train.params import parse_args
from open_clip_train.scheduler import cosine_lr
from open_clip_train.train import train_one_epoch

from curation.clip.training import fit as our_fit
from curation.clip.training.batches import Batch, Batches
from curation.clip.training.config import TrainConfig
from curation.clip.training.folder import Training, create_training
from curation.clip.training.ready import Ready, prepare
from curation.clip.training.resume import Place
from curation.engines.local import LocalEngine
from curation.metadata_files import read_metadata
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.folder import Run
from curation.runs.plan import create_run
from curation.runs.progress import Reporter
from curation.runs.workspace import SAMPLE_DATA

PROOF_STEPS = 5


def training(*, batches: int = 24, batch: int = 256, repeats: int = 3, tiny: int = 1) -> Measured:
    """Train headtail-tiny (headtail-nano with --tiny 0) for so many batches, from the same weights each time.

    step:       open_clip's train_one_epoch, given tensors that are ready in memory; ours reads its mapped files, and
                normalises, in the same time
    from files: open_clip's, with its own dataset of a CSV file and picture files, and one worker
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = _run(folder, batches * batch)
        config = TrainConfig(
            model="headtail-tiny" if tiny else "headtail-nano", arm="raw", samples=batches * batch, batch_size=batch
        )
        workers = os.cpu_count() or 1
        with _workspace(folder):
            decode_s, _, ready = timed(_prepared, folder, run, config, workers)
        given = [_tensors(ready, one) for one in _first(ready.batches, batches)]
        proven = _equal_steps(folder, run, ready, config, given)
        waited: list[float] = []
        times = race(
            repeats,
            ours=lambda: waited.append(_ours(folder, run, ready, config, log=max(1, batches // 3))[1]),
            open_clip_step=lambda: _open_clips(ready, config, _InMemory(given, batches * batch)),
            open_clip_files=lambda: _open_clips(ready, config, _from_files(folder, ready, config)),
        )
    rate = {who: batches * batch / min(one.wall) for who, one in times.items()}
    return Measured(
        parameters={
            "pairs": batches * batch,
            "model": config.model,
            "weights": sum(weight.numel() for weight in ready.live.model.parameters()),
            "threads": torch.get_num_threads(),
            "tokens": float(np.mean([(tokens > 0).sum() / len(tokens) for _, tokens in given])),
        },
        proven=proven,
        figures={
            "samples_per_s": rate,
            "ratio_step": _ratio(times, "open_clip_step"),
            "ratio_files": _ratio(times, "open_clip_files"),
            "waiting_for_data": sum(waited) / sum(times["ours"].wall),
            "pictures_decoded_per_s": batches * batch / decode_s,
        },
        peak_memory_mb=peak_memory_mb(),
    )


def _ratio(times: dict[str, Any], peer: str) -> dict[str, float]:
    """How many times as long the peer takes by wall time: both use all cores, and the peer a process more."""
    turns = [theirs / ours for theirs, ours in zip(times[peer].wall, times["ours"].wall, strict=True)]
    return {"best": min(times[peer].wall) / min(times["ours"].wall), "median": float(np.median(turns))}


def _run(folder: Path, pairs: int) -> Run:
    """The first so many pairs of the sample data, which are in a few words each, with their pictures as files too."""
    pool = pa.concat_tables([pq.read_table(path) for path in sorted((SAMPLE_DATA / "pool").glob("*.parquet"))])
    pool = pool.filter(pc.and_(pc.is_valid(pool["text"]), pc.is_valid(pool["image"]))).slice(0, pairs)
    if len(pool) < pairs:
        raise SystemExit(f"the sample data has {len(pool):,} pairs: choose fewer batches, or smaller ones")
    (folder / "pictures").mkdir()
    for n, image in enumerate(pool["image"].to_pylist()):
        _picture(folder, n).write_bytes(image)
    pq.write_table(pool, folder / "pool.parquet")
    metadata = read_metadata(SAMPLE_DATA / "metadata.parquet")
    create_run(folder / "run", [str(folder / "pool.parquet")], metadata, CurateConfig(t=20.0))
    return curate.run(folder / "run", LocalEngine(1))


def _picture(folder: Path, n: int) -> Path:
    return folder / "pictures" / f"{n:08d}.webp"


@contextmanager
def _workspace(folder: Path) -> Iterator[None]:
    before = os.environ.get("HEADTAIL_RUNS")
    os.environ["HEADTAIL_RUNS"] = str(folder / "workspace")
    try:
        yield
    finally:
        os.environ.pop("HEADTAIL_RUNS")
        if before is not None:
            os.environ["HEADTAIL_RUNS"] = before


def _planned(folder: Path, run: Run, config: TrainConfig) -> tuple[Training, Reporter]:
    """A training in a new folder, so that none goes on with the state of another."""
    path = Path(tempfile.mkdtemp(dir=folder))
    training = create_training(path, run, config, name="benchmark")
    return training, Reporter(path, config.samples, "pairs", lambda progress: None)


def _prepared(folder: Path, run: Run, config: TrainConfig, workers: int) -> Ready:
    training, report = _planned(folder, run, config)
    return prepare(training, run, folder / "decoded", workers, report, lambda: False)


def _first(batches: Batches, count: int) -> list[Batch]:
    following = batches.after(Place())
    return [next(following) for _ in range(count)]


def _tensors(ready: Ready, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """As open_clip's loader hands them over: (B, 3, H, W) float32, normalised, and (B, context_length) int64."""
    return ready.live.preprocess.tensor(batch.pixels).contiguous(), batch.tokens


class _Watched:
    """Batches, with the seconds that were waited for them."""

    def __init__(self, batches: Batches) -> None:
        self.rows, self.waited, self._batches = batches.rows, 0.0, batches

    def after(self, place: Place) -> Iterator[Batch]:
        following = self._batches.after(place)
        while True:
            since = time.perf_counter()
            batch = next(following)
            self.waited += time.perf_counter() - since
            yield batch


def _ours(folder: Path, run: Run, ready: Ready, config: TrainConfig, log: int) -> tuple[list[float], float]:
    """Losses at so many points, and the seconds that were waited for data.

    log: at a third of its steps, as a training of 600 steps writes its metrics
    """
    training, report = _planned(folder, run, config)
    watched = _Watched(ready.batches)
    fresh = replace(ready, live=replace(ready.live, model=copy.deepcopy(ready.live.model)), batches=watched)
    losses: list[float] = []
    before, our_fit.LOGGED = our_fit.LOGGED, log
    try:
        with our_fit.deterministic(config.seed):
            our_fit.fit(training, fresh, report, lambda line: losses.append(line["loss"]), lambda: False)
    finally:
        our_fit.LOGGED = before
    return losses, watched.waited


class _InMemory(list):
    """Batches that are ready, as a loader of open_clip."""

    def __init__(self, batches: list[Any], pairs: int) -> None:
        super().__init__(batches)
        self.num_batches, self.num_samples = len(batches), pairs


def _from_files(folder: Path, ready: Ready, config: TrainConfig) -> Any:
    """open_clip's own loader of a CSV file, with the transform of ours."""
    from open_clip_train.data import get_csv_dataset

    table = folder / "pairs.csv"
    if not table.exists():
        captions = pq.read_table(folder / "pool.parquet")["text"].to_pylist()
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t")
            writer.writerow(["filepath", "title"])
            writer.writerows((str(_picture(folder, n)), caption) for n, caption in enumerate(captions))
    transform = open_clip.transform.image_transform_v2(ready.live.preprocess.cfg, is_train=False)
    args = _arguments(config, ["--train-data", str(table)])
    return get_csv_dataset(args, transform, is_train=True, tokenizer=ready.live.tokenizer).dataloader


def _arguments(config: TrainConfig, more: list[str] | None = None) -> Any:
    """The options of open_clip's command for what ours does."""
    given = {
        "--batch-size": config.batch_size, "--lr": config.learning_rate, "--beta1": config.beta1,
        "--beta2": config.beta2, "--eps": config.epsilon, "--wd": config.weight_decay,
        "--grad-clip-norm": config.grad_clip, "--warmup": round(config.warmup * config.steps),
        "--precision": "fp32", "--workers": 1, "--device": "cpu",
    }  # fmt: skip
    args = parse_args([str(part) for option in given.items() for part in option] + (more or []))
    # what its main() adds for one process without a log elsewhere
    for name, value in {"rank": 0, "local_rank": 0, "world_size": 1}.items():
        setattr(args, name, value)
    args.distributed = args.distill = args.wandb = False
    return args


def _open_clips(ready: Ready, config: TrainConfig, loader: Any, loss: Callable[..., Any] | None = None) -> None:
    """An epoch of open_clip's training code from the weights at which ours begins, with the optimiser of its main()."""
    args = _arguments(config)
    settings = {name: value for name, value in ready.live.model_cfg.items() if name != "custom_text"}
    model = open_clip.CLIP(**settings, output_dict=True)
    model.load_state_dict(ready.live.model.state_dict())
    named = list(model.named_parameters())
    no_decay = [w for n, w in named if w.ndim < 2 or "bn" in n or "ln" in n or "bias" in n or "logit_scale" in n]
    ids = {id(weight) for weight in no_decay}
    optimizer = torch.optim.AdamW(
        [
            {"params": no_decay, "weight_decay": 0.0},
            {"params": [weight for _, weight in named if id(weight) not in ids], "weight_decay": args.wd},
        ],
        lr=args.lr,
        betas=(args.beta1, args.beta2),
        eps=args.eps,
    )
    data = {"train": SimpleNamespace(dataloader=loader, set_epoch=lambda epoch: None)}
    scheduler = cosine_lr(optimizer, args.lr, args.warmup, config.steps)
    objective = loss or open_clip.ClipLoss(cache_labels=True)
    with warnings.catch_warnings():  # its loader asks for pinned memory without CUDA, and forks
        warnings.simplefilter("ignore")
        train_one_epoch(model, data, objective, 0, optimizer, None, scheduler, None, args)


def _equal_steps(folder: Path, run: Run, ready: Ready, config: TrainConfig, given: list[Any]) -> list[str]:
    steps = min(PROOF_STEPS, len(given))
    theirs: list[float] = []

    def noted(objective: open_clip.ClipLoss, **features: Any) -> Any:
        losses = objective(**features)
        theirs.append(float(losses["contrastive_loss"].detach()))
        return losses

    _open_clips(ready, config, _InMemory(given[:steps], steps), partial(noted, open_clip.ClipLoss()))
    ours = _ours(folder, run, ready, config, log=config.steps)[0][:steps]
    equal = bool(np.allclose(ours, theirs, rtol=0, atol=1e-5))
    return [prove(f"from the same weights, the losses of the first {steps} steps, to 1e-5", True, equal)]


if __name__ == "__main__":
    script(training)
