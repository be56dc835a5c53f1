"""First answers of a checkpoint to pictures: in the process in which the app runs its models, and beside open_clip.

python tests/benchmarks/classify.py --record
"""

import io
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import open_clip
import torch
from measure import Measured, peak_memory_mb, prove, race, ratios, script
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from curation import files
from curation.class_lists import read_names
from curation.clip import classify as library
from curation.clip.checkpoint import Checkpoint, load_checkpoint
from curation.clip.classify import Picture
from curation.clip.questions import Source
from curation.clip.templates import named_templates
from curation.runs.workspace import SAMPLE_DATA
from curation.ui.model_worker import ModelWorker

TEMPLATES = named_templates("clip80")


def classify(
    *, checkpoint: Path = SAMPLE_DATA / "checkpoint", pictures: int = 16, labels: int = 20, repeats: int = 7
) -> Measured:
    """Seconds until pictures of the sample world are compared with labels, 80 prompts each.

    cold: no embedding of a class is kept yet; cached: all of them are; another label: the pictures were seen before,
    and one label is new. The process with the models is up and has loaded the checkpoint, as on a page that is open.
    """
    shown = _pictures(pictures)
    names = list(read_names(SAMPLE_DATA / "concepts.parquet").names)
    loaded = load_checkpoint(str(checkpoint))
    ours, theirs = _ours(loaded, shown, names[:labels]), _open_clips(loaded, shown, names[:labels])
    equal = bool(np.allclose(ours, theirs, rtol=0, atol=1e-5))
    proven = prove("logits equal to those of open_clip's zero-shot classifier, to 1e-5", True, equal)
    times = race(
        repeats,
        ours=lambda: _ours(loaded, shown, names[:labels]),
        open_clip=lambda: _open_clips(loaded, shown, names[:labels]),
    )
    asked, peak = _asked(Source(str(checkpoint)), shown, names, labels, repeats)
    return Measured(
        parameters={"templates": len(TEMPLATES), "weights": sum(w.numel() for w in loaded.model.parameters())},
        proven=[proven],
        figures={
            "seconds": {name: statistics.median(taken) for name, taken in asked.items()},
            "library_s": times["ours"].summary["median_wall"],
            "open_clip_s": times["open_clip"].summary["median_wall"],
            "ratio_open_clip": ratios(times["ours"], times["open_clip"]),
        },
        peak_memory_mb=peak,
    )


def _pictures(most: int) -> list[Picture]:
    """The first pictures of the sample world's evaluation set."""
    rows = files.open_parquet(SAMPLE_DATA / "eval.parquet").read(["uid", "image"]).slice(0, most).to_pylist()
    return [Picture(row["uid"], row["image"]) for row in rows]


def _ours(checkpoint: Checkpoint, pictures: Sequence[Picture], names: Sequence[str]) -> np.ndarray:
    """(N, C) logits, with nothing kept."""
    found = library.classify(checkpoint, library.see(checkpoint, pictures), names, TEMPLATES)
    return checkpoint.logit_scale * found.cosine


def _open_clips(checkpoint: Checkpoint, pictures: Sequence[Picture], names: Sequence[str]) -> np.ndarray:
    """(N, C) logits as open_clip's own evaluation makes them."""
    transform = image_transform_v2(PreprocessCfg(**checkpoint.preprocess_cfg), is_train=False)
    calls = [lambda name, template=template: template.replace("{}", name) for template in TEMPLATES]
    with torch.inference_mode():
        weights = open_clip.build_zero_shot_classifier(checkpoint.model, checkpoint.tokenizer, names, calls)
        pixels = torch.stack([transform(Image.open(io.BytesIO(picture.data))) for picture in pictures])
        image_features = checkpoint.model.encode_image(pixels, normalize=True)
        return (checkpoint.logit_scale * image_features @ weights).numpy()


def _asked(
    source: Source, pictures: Sequence[Picture], names: list[str], labels: int, repeats: int
) -> tuple[dict[str, list[float]], float]:
    """Seconds of each question to the process with the models, and its peak memory in MB."""
    worker = ModelWorker()
    times: dict[str, list[float]] = {"cold": [], "cached": [], "another label": []}
    try:
        for _ in range(repeats):
            with _workspace():
                worker.stop()
                worker.about(source)  # a fresh process that has loaded the checkpoint
                for name in ("cold", "cached"):
                    start = time.perf_counter()
                    seen = worker.see(source, pictures)
                    worker.classify(source, seen, names[:labels], TEMPLATES)
                    times[name].append(time.perf_counter() - start)
                start = time.perf_counter()
                worker.classify(source, seen, names[1 : labels + 1], TEMPLATES)
                times["another label"].append(time.perf_counter() - start)
        return times, peak_memory_mb(worker.pid)
    finally:
        worker.stop()


@contextmanager
def _workspace() -> Iterator[None]:
    """A workspace of its own: the embeddings of classes are kept there."""
    before = os.environ.get("HEADTAIL_RUNS")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEADTAIL_RUNS"] = folder
        try:
            yield
        finally:
            del os.environ["HEADTAIL_RUNS"]
            if before is not None:
                os.environ["HEADTAIL_RUNS"] = before


if __name__ == "__main__":
    script(classify)
