"""Where models run, and that CUDA computes there what the processor computes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def best_device() -> torch.device:
    """CUDA where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def full_float32() -> Iterator[None]:
    """Inside, convolutions of float32 are float32 on CUDA too.

    By itself CUDA rounds what it convolves to TF32, with 10 bits after the point. The patches of a picture go through
    a convolution, so features would be 5e-4 away from those of the processor, with which they share a feature store,
    rather than 3e-7. Products of matrices are float32 anyway.
    """
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
