"""A run that a very small model learns in a few seconds: pictures of one colour, and texts that name it."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from curation.clip.training.config import TrainConfig
from curation.clip.training.folder import Training, create_training
from curation.clip.training.train import train
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.folder import Run
from curation.runs.plan import create_run
from inline import INLINE

COLOURS = {
    "red": (220, 30, 30), "green": (30, 160, 50), "blue": (40, 70, 220), "yellow": (240, 220, 40),
    "black": (10, 10, 10), "white": (250, 250, 250), "orange": (245, 140, 20), "purple": (130, 40, 160),
}  # fmt: skip
NAMES = tuple(COLOURS)
PAIRS = 240
KINDS = ("PNG", "JPEG", "WEBP")


def colour_of(n: int) -> str:
    """Of pair n: red comes most, each further one half as often."""
    return NAMES[min((n & -n).bit_length() - 1 if n else 7, 7)]


def text_of(n: int) -> str:
    """Every 8th text names no colour, every 10th is German."""
    if n % 8 == 5:
        return f"IMG_{n:04d}.jpg"
    if n % 10 == 3:
        return f"das ist ein sehr altes Haus am Ende der Straße, und es ist {colour_of(n)}"
    return f"this is a photo of a very nice thing that is {colour_of(n)}, number {n} of all the things"


def picture_of(n: int) -> bytes | None:
    """Wide, high or square; every 40th pair has none, every 60th is no picture, one is only a line."""
    if n % 40 == 7:
        return None
    if n % 60 == 11:
        return b"\xff\xd8 no picture"
    size = (400, 2) if n == 100 else ((48, 32), (30, 44), (40, 40))[n % 3]
    picture = Image.new("RGB", size, COLOURS[colour_of(n)])
    picture.putpixel((n % size[0], 1), (n, 0, 0))
    out = io.BytesIO()
    picture.save(out, KINDS[n % 3])
    return out.getvalue()


def make_colour_run(folder: Path, **config: Any) -> Run:
    """PAIRS pairs in two units, uids in another order than rows."""
    table = pa.table(
        {
            "uid": [f"pair-{(n * 77) % PAIRS:04d}" for n in range(PAIRS)],
            "text": [text_of(n) for n in range(PAIRS)],
            "image": [picture_of(n) for n in range(PAIRS)],
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "pool.parquet", row_group_size=80)
    with pytest.MonkeyPatch.context() as small_units:
        small_units.setattr(plan, "UNIT_ROWS", 160)
        metadata = from_entries(NAMES, source="test")
        create_run(folder / "run", [str(folder / "pool.parquet")], metadata, CurateConfig(**(config or {"t": 16.0})))
    return curate.run(folder / "run", INLINE)


def number_of(uid: str) -> int:
    """The row of the pool that has this uid.

    77 * 53 = 17 * 240 + 1, so 53 undoes 77
    """
    return int(uid.removeprefix("pair-")) * 53 % PAIRS


def nano(**config: Any) -> TrainConfig:
    """24 steps with batches of 16, on everything that matches; in fp32 on CUDA too."""
    usual = {"model": "headtail-nano", "arm": "matched", "samples": 24 * 16, "batch_size": 16, "precision": "fp32"}
    return TrainConfig(**usual | {"learning_rate": 3e-3} | config)


def trained(path: Path, run: Run, decoded: Path, **config: Any) -> Training:
    """A training that was done in one go."""
    create_training(path, run, nano(**config), name=path.name)
    return train(path, decoded=decoded)
