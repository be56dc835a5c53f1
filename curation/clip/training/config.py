"""What a training can be told. The command line and the form of the app are made from this, so it loads no torch."""

from dataclasses import dataclass
from typing import Literal, get_args

from curation.errors import BadArgument
from curation.options import check_options, option

Arm = Literal["raw", "english", "matched", "balanced", "online"]
ARMS: tuple[Arm, ...] = get_args(Arm)
"""The arms of the paper's ladder, see `arms.py`."""

WORDS: dict[Arm, str] = {
    "raw": "Raw",
    "english": "English only",
    "matched": "Matched",
    "balanced": "Matched and balanced",
    "online": "Balanced online",
}

BALANCED: tuple[Arm, ...] = ("balanced", "online")
"""Those whose pairs depend on t."""

Tower = Literal["unlocked", "locked", "fresh"]
TOWERS: tuple[Tower, ...] = get_args(Tower)
SCHEDULE, OPTIMISER, TOWER = "Samples and batches", "Optimiser", "Start and towers"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train: InfoNCE with a learned scale, AdamW, warm-up and cosine, as CLIP was (Radford et al. 2021)."""

    model: str = option(
        "headtail-tiny",
        "architecture: headtail-tiny, or a name of open_clip such as ViT-B-32; not asked for with a start",
    )
    arm: Arm = option("balanced", "which pairs of the run are trained on", choices=ARMS)
    t: float | None = option(
        None, "threshold of the arms that are balanced; that of the run if not given", min=1.0, flag="-t"
    )
    samples: int = option(76_800, "samples seen in all, however often each pair comes", min=1, group=SCHEDULE)
    batch_size: int = option(64, "pairs that are told apart from each other in a step", min=2, group=SCHEDULE)
    accumulate: int = option(
        1, "parts that a batch goes through in, with the same result in less memory", min=1, group=SCHEDULE
    )
    seed: int = option(0, "seed of the weights and of the order of pairs", min=0, max=2**31 - 1)
    learning_rate: float = option(1e-3, "highest learning rate", min=0.0, group=OPTIMISER)
    warmup: float = option(
        0.1, "share of the steps in which the learning rate rises", min=0.0, max=1.0, group=OPTIMISER
    )
    weight_decay: float = option(0.2, "of weights, not of gains, biases and the scale", min=0.0, group=OPTIMISER)
    beta1: float = option(0.9, "decay of the mean of gradients", min=0.0, max=0.9999999, group=OPTIMISER)
    beta2: float = option(0.98, "decay of the mean of their squares", min=0.0, max=0.9999999, group=OPTIMISER)
    epsilon: float = option(1e-6, "what the root of it is kept above", min=0.0, group=OPTIMISER)
    grad_clip: float | None = option(1.0, "largest norm of a gradient", min=0.0, group=OPTIMISER)
    precision: Literal["auto", "fp32", "bf16"] = option(
        "auto", "bf16 where there is CUDA, else fp32, if auto", choices=("auto", "fp32", "bf16"), group=OPTIMISER
    )
    start: str | None = option(
        None, "checkpoint to start from: a folder, or a name such as ViT-B-32/metaclip_400m", group=TOWER
    )
    image_tower: Tower = option(
        "unlocked", "unlocked, locked (LiT), or fresh: with random weights", choices=TOWERS, group=TOWER
    )
    text_tower: Tower = option("unlocked", "unlocked, locked, or fresh", choices=TOWERS, group=TOWER)
    evaluate: str | None = option(
        None, "evaluation set (docs/evaluate.md) for the curve of zero-shot accuracy", group=SCHEDULE
    )
    evaluations: int = option(10, "how many points that curve has", min=1, max=1000, group=SCHEDULE)

    def __post_init__(self) -> None:
        check_options(self)
        if self.batch_size % self.accumulate:
            raise BadArgument(f"accumulate {self.accumulate}: give a divisor of the batch size {self.batch_size}")
        if self.samples < self.batch_size:
            raise BadArgument(f"samples {self.samples:,}: give at least one batch of {self.batch_size:,}")
        if self.image_tower == self.text_tower == "locked":
            raise BadArgument("both towers are locked: nothing is left to train")
        if self.start is None and "locked" in (self.image_tower, self.text_tower):
            raise BadArgument("a locked tower needs a checkpoint to start from: name it with --start")

    @property
    def steps(self) -> int:
        """Steps of the optimiser."""
        return self.samples // self.batch_size

    @property
    def needs_t(self) -> bool:
        """Whether the arm depends on t."""
        return self.arm in BALANCED
