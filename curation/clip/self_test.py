"""Does a checkpoint answer as it should? With the wrong activation, tokenizer or preprocessing it answers wrongly, and
nothing else tells.

A checkpoint of ours brings what it answered when it was written. Of one from elsewhere what is known is checked, and it
is asked for plain colours, which every CLIP can name that saw the web.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image

from curation.clip.checkpoint import KNOWN_ANSWERS, Checkpoint, read_tensors
from curation.errors import UnreadableFile

TEXTS = (
    "a photo of a dog",
    "Red heart & two CATS!",
    "",
    "IMG_1234.jpg",
    "ein blauer Hund, 犬",
    "it's the photo of a very old house behind the palm trees of a long, long street with many cars and no people",
)
CLIP_TOKENS = (49406, 320, 1125, 539, 320, 1929, 49407)
"""What CLIP's own table makes of the first of them."""

TOLERANCE = 1e-3
"""Cosines of other machines and precisions differ by less; a wrong activation moves them by more than 0.01."""

COLORS = {
    "red": (220, 30, 30),
    "green": (30, 160, 50),
    "blue": (40, 70, 220),
    "yellow": (240, 220, 40),
    "black": (10, 10, 10),
    "white": (250, 250, 250),
    "orange": (245, 140, 20),
    "purple": (130, 40, 160),
}
SEES_COLORS = 6
"""Of 8; by chance it is 6 or more one time in 30,000."""

Verdict = Literal["ok", "failed", "unknown"]


@dataclass(frozen=True)
class Check:
    """One thing that was checked, what came of it, and why in a line."""

    name: str
    verdict: Verdict
    detail: str


def self_test(checkpoint: Checkpoint) -> list[Check]:
    """Check tokenizer, preprocessing, activation and features; a checkpoint to trust has failed none."""
    if checkpoint.folder is not None and (checkpoint.folder / KNOWN_ANSWERS).is_file():
        return list(_against_known_answers(checkpoint))
    return list(_against_what_is_known(checkpoint))


def known_answers(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """What the checkpoint makes of TEXTS and of drawn pictures: tokens, pixels (coarse), and features of both."""
    pixels = np.stack([checkpoint.preprocess.pixels(picture) for picture in drawn_pictures()])
    return {
        "tokens": checkpoint.tokenizer(list(TEXTS)),
        "pixels": _coarse(checkpoint, pixels),
        "text_features": torch.from_numpy(checkpoint.encode_texts(TEXTS)),
        "image_features": torch.from_numpy(checkpoint.encode_pixels(pixels)),
    }


def drawn_pictures() -> list[Image.Image]:
    """Three pictures in colour, wide, high and square, which resizing, cropping and a swap of channels change."""
    pictures = []
    for at, (width, height) in enumerate([(96, 64), (50, 90), (72, 72)]):
        x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
        wave = np.stack([np.sin(9 * x + 5 * at), np.cos(7 * y - at), np.sin(11 * x * y + 3)], axis=-1)
        pictures.append(Image.fromarray((127.5 + 127.5 * wave).astype(np.uint8)))
    return pictures


def _coarse(checkpoint: Checkpoint, pixels: np.ndarray) -> torch.Tensor:
    """(N, 3, 4, 4): the normalised pictures, small."""
    tensor = checkpoint.preprocess.tensor(torch.from_numpy(pixels))
    return torch.nn.functional.adaptive_avg_pool2d(tensor, 4).contiguous()


def _against_known_answers(checkpoint: Checkpoint) -> Iterator[Check]:
    assert checkpoint.folder is not None
    try:
        known, now = read_tensors(checkpoint.folder / KNOWN_ANSWERS), known_answers(checkpoint)
        same = torch.equal(known["tokens"], now["tokens"])
        yield Check(
            "tokenizer", "ok" if same else "failed", f"{len(TEXTS)} texts cut into tokens as when it was written"
        )
        for name, title in (("pixels", "preprocessing"), ("text_features", "texts"), ("image_features", "pictures")):
            away = float((known[name] - now[name]).abs().max()) if known[name].shape == now[name].shape else np.inf
            verdict: Verdict = "ok" if away < TOLERANCE else "failed"  # not so for NaN
            yield Check(title, verdict, f"at most {away:.1e} away from what it answered when it was written")
    except (UnreadableFile, KeyError) as error:
        yield Check("known answers", "failed", str(error))


def _against_what_is_known(checkpoint: Checkpoint) -> Iterator[Check]:
    yield _tokenizer(checkpoint)
    expected = checkpoint.expected
    if expected is None:
        yield Check("activation", "unknown", "weights alone do not say whether they were trained with QuickGELU")
        yield Check("preprocessing", "unknown", "weights alone do not say how pictures are to be made ready")
    else:
        quick = bool(expected.get("quick_gelu", False))
        same = bool(checkpoint.model_cfg.get("quick_gelu", False)) == quick
        yield Check(
            "activation", "ok" if same else "failed", f"{'QuickGELU' if quick else 'GELU'}, as these weights need"
        )
        differing = [
            name
            for name in ("mean", "std", "interpolation", "resize_mode")
            if name in expected and _listed(expected[name]) != _listed(checkpoint.preprocess_cfg[name])
        ]
        detail = f"differs in {', '.join(differing)}" if differing else "as these weights need"
        yield Check("preprocessing", "failed" if differing else "ok", detail)
    yield _colors(checkpoint)


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _tokenizer(checkpoint: Checkpoint) -> Check:
    rows = int(checkpoint.model_cfg["text_cfg"].get("vocab_size", 49408))
    tokens = checkpoint.tokenizer([TEXTS[0]])[0]
    if int(tokens.max()) >= rows:
        return Check("tokenizer", "failed", f"token {int(tokens.max())} where the model has {rows}")
    if tuple(tokens[: len(CLIP_TOKENS)].tolist()) == CLIP_TOKENS:
        return Check("tokenizer", "ok", "that of CLIP, and its tokens for a known text are right")
    return Check("tokenizer", "unknown", "not that of CLIP, and no known answers came with it")


def _colors(checkpoint: Checkpoint) -> Check:
    images = checkpoint.encode_images([Image.new("RGB", (224, 224), color) for color in COLORS.values()])
    texts = checkpoint.encode_texts([f"a plain {name} background" for name in COLORS])
    if not (np.isfinite(images).all() and np.isfinite(texts).all()):
        return Check("colours", "failed", "it answers with numbers that are none (NaN)")
    right = int(((images @ texts.T).argmax(axis=1) == np.arange(len(COLORS))).sum())
    verdict: Verdict = "ok" if right >= SEES_COLORS else "failed"
    return Check("colours", verdict, f"it names {right} of {len(COLORS)} plain colours")
