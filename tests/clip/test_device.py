"""CUDA computes what the processor computes."""

import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import torch

from clip.models import on_cuda
from curation.clip.checkpoint import load_checkpoint
from curation.clip.classify import Picture, classify, see
from curation.clip.device import full_float32
from curation.runs.workspace import SAMPLE_DATA

PRODUCT_FIRST = f"""
import torch
from curation.clip.checkpoint import load_checkpoint
from curation.clip.training.fit import deterministic

load_checkpoint({str(SAMPLE_DATA / "checkpoint")!r}).encode_texts(["a dog"])
with deterministic(0):
    print((torch.ones(4, 4, device="cuda") @ torch.ones(4, 4, device="cuda")).sum().item())
"""


def test_convolutions_are_full_float32_inside_and_as_they_were_behind(monkeypatch):
    for before in (True, False):
        monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", before)
        with full_float32():
            assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.allow_tf32 is before


@on_cuda
def test_a_training_can_be_repeated_after_a_checkpoint_was_asked_on_cuda():
    env = {name: value for name, value in os.environ.items() if name != "CUBLAS_WORKSPACE_CONFIG"}
    run = [sys.executable, "-c", PRODUCT_FIRST]
    assert subprocess.run(run, env=env, capture_output=True, text=True, check=True).stdout == "64.0\n"


@on_cuda
def test_on_cuda_features_and_probabilities_are_those_of_the_processor():
    data = pq.read_table(SAMPLE_DATA / "eval.parquet")["image"].to_pylist()[:100]
    texts = pq.read_table(SAMPLE_DATA / "pool" / "00000.parquet")["text"].to_pylist()[:500]
    pictures = [Picture(str(number), one) for number, one in enumerate(data)]
    found = []
    for device in ("cpu", "cuda"):
        checkpoint = load_checkpoint(str(SAMPLE_DATA / "checkpoint"), device=device)
        seen = see(checkpoint, pictures)
        classified = classify(checkpoint, seen, ["dog", "cat", "fire", "house"], ["a photo of a {}."])
        features = np.stack([one.image_features for one in seen])
        found.append((features, checkpoint.encode_texts(texts), classified.probability))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
