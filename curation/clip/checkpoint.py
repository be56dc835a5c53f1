"""Checkpoints: a model with all that it takes to use it, and where it comes from.

On disk a checkpoint is a folder in open_clip's own form, which open_clip opens by "local-dir:<folder>" as well:

    open_clip_config.json          model_cfg, preprocess_cfg, and under "headtail" what it was trained on
    open_clip_model.safetensors    the weights
    bpe.txt.gz                     merges as open_clip's SimpleTokenizer reads them, where it has a tokenizer of its own
    known_answers.safetensors      what it answered when it was written, see `self_test.py`
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from curation import files
from curation.clip.architectures import has_own_vocabulary, named_cfg
from curation.clip.device import best_device
from curation.clip.encode import Preprocess, encoded, text_features
from curation.clip.pretrained import known_weights, weights_file
from curation.clip.tokenizers import Tokenize, tokenizer_of
from curation.clip.training.folder import Training
from curation.errors import BadArgument, CurationError, MissingFile, UnreadableFile

CONFIG, WEIGHTS, MERGES = "open_clip_config.json", "open_clip_model.safetensors", "bpe.txt.gz"
KNOWN_ANSWERS = "known_answers.safetensors"
FILES = (".safetensors", ".pt", ".pth", ".bin")
BATCH = 64


@dataclass(frozen=True)
class Checkpoint:
    """A model that is ready to encode: weights, tokenizer, preprocessing.

    name:           what people call it
    model:          in eval mode, on `device`
    model_cfg, preprocess_cfg: as open_clip writes them
    merges:         of a tokenizer of its own
    trained_on:     what headtail trained it on: run_name, plan_digest, arm, t, seed, samples_seen; and `run`, the path,
                    where it lies in its training. None if it did not
    folder:         where it lies; None for a model by name
    expected:       what is known of it from elsewhere (quick_gelu, mean, std of a pretrained tag), for the self-test
    """

    name: str
    model: torch.nn.Module
    tokenizer: Tokenize
    model_cfg: dict[str, Any]
    preprocess_cfg: dict[str, Any]
    merges: bytes | None
    trained_on: dict[str, Any] | None
    folder: Path | None
    expected: dict[str, Any] | None
    device: torch.device

    @cached_property
    def preprocess(self) -> Preprocess:
        """Pictures -> what the model takes."""
        return Preprocess(self.preprocess_cfg)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that decides a feature: weights, model_cfg, preprocess_cfg and merges."""
        return digest_of(self.model.state_dict(), self.model_cfg, self.preprocess_cfg, self.merges)

    @property
    def dimensions(self) -> int:
        """D, the length of a feature."""
        return int(self.model_cfg["embed_dim"])

    @property
    def logit_scale(self) -> float:
        """What a cosine is multiplied by to become a logit."""
        return float(self.model.logit_scale.exp())  # type: ignore[operator]

    def encode_texts(self, texts: Sequence[str], batch: int = 4 * BATCH) -> np.ndarray:
        """(N, D) float32, L2-normalised."""
        texts = list(texts)
        return encoded(
            len(texts),
            batch,
            self.dimensions,
            lambda part: text_features(self.model, self.tokenizer(texts[part]).to(self.device)),
        )

    def encode_pixels(self, pixels: np.ndarray, batch: int = BATCH) -> np.ndarray:
        """(N, H, W, 3) uint8, as `preprocess.pixels` makes them -> (N, D) float32, L2-normalised."""

        def encode(part: slice) -> torch.Tensor:
            images = self.preprocess.tensor(torch.tensor(pixels[part]).to(self.device))
            return self.model.encode_image(images, normalize=True)  # type: ignore[operator]

        return encoded(len(pixels), batch, self.dimensions, encode)

    def encode_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """RGB pictures of any size -> (N, D) float32, L2-normalised."""
        height, width = self.preprocess.size
        pixels = np.empty((len(images), height, width, 3), dtype=np.uint8)
        for at, image in enumerate(images):
            pixels[at] = self.preprocess.pixels(image)
        return self.encode_pixels(pixels)


def digest_of(
    weights: dict[str, torch.Tensor], model_cfg: dict[str, Any], preprocess_cfg: dict[str, Any], merges: bytes | None
) -> str:
    """SHA-256, in hex, of a model and all that belongs to it; the same however it was stored."""
    digest = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
        digest.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    digest.update(json.dumps([model_cfg, preprocess_cfg], sort_keys=True, default=list).encode())
    digest.update(merges or b"")
    return digest.hexdigest()


def load_checkpoint(where: str, *, model: str | None = None, device: str | None = None) -> Checkpoint:
    """Open a checkpoint.

    where:  a folder with a checkpoint, or one with a folder `checkpoint` in it, as a training has; a file of weights
            (.safetensors, .pt, .pth, .bin) of the architecture `model`; "ViT-B-32/metaclip_400m", a name and a tag of
            `open_clip.list_pretrained()`, which open_clip downloads unless it has it; or "ViT-B-32" for random weights
    device: "cuda" where there is one, else "cpu"
    raises  MissingFile, BadArgument, UnreadableFile
    """
    on = torch.device(device) if device else best_device()
    try:
        path = Path(where).expanduser()
        is_folder = path.is_dir()
    except (OSError, RuntimeError) as error:  # too long, no permission, a user that is not known
        raise MissingFile(f"{where[:200]}: cannot be looked at ({_line(error)[:80]})") from None
    if is_folder:
        inner = path / "checkpoint"
        return _from_folder(inner if (inner / CONFIG).is_file() else path, on)
    if path.suffix in FILES:
        if not path.is_file():
            raise MissingFile(f"{where}: no such file")
        if model is None:
            raise BadArgument(f"{where}: weights alone do not tell their architecture; name it, such as ViT-B-32")
        return _from_weights(path, model, on)
    return _from_name(where, on)


def save_checkpoint(
    folder: Path,
    model: torch.nn.Module,
    model_cfg: dict[str, Any],
    preprocess_cfg: dict[str, Any],
    *,
    merges: bytes | None,
    trained_on: dict[str, Any] | None,
) -> None:
    """Write a checkpoint, each file in one step, and what it answers to a few questions, for the self-test."""
    from curation.clip.self_test import known_answers

    config = {"model_cfg": model_cfg, "preprocess_cfg": preprocess_cfg, "headtail": {"trained_on": trained_on}}
    weights = {name: weight.detach().cpu().contiguous() for name, weight in model.state_dict().items()}
    _write_tensors(folder / WEIGHTS, weights)
    if merges is not None:
        with files.whole(folder / MERGES) as temporary:
            temporary.write_bytes(merges)
    files.write_json(folder / CONFIG, config)
    _write_tensors(folder / KNOWN_ANSWERS, known_answers(_from_folder(folder, torch.device("cpu"))))


def preprocess_cfg_of(model_cfg: dict[str, Any]) -> dict[str, Any]:
    """How pictures are made ready for a model that is trained from scratch: open_clip's defaults at its size."""
    size = model_cfg["vision_cfg"].get("image_size", 224)
    return asdict(open_clip.transform.PreprocessCfg(size=size))


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    with files.whole(path) as temporary:
        save_file(tensors, temporary)
        temporary.chmod(0o644)  # safetensors lets nobody else read: a checkpoint is made to be handed on


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors file; raises UnreadableFile."""
    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise UnreadableFile(f"{path}: no tensors that can be read ({_line(error)})") from None


def _from_folder(folder: Path, device: torch.device) -> Checkpoint:
    if not (folder / CONFIG).is_file():
        raise MissingFile(f"{folder}: no checkpoint here (no {CONFIG})")
    config = files.read_json(folder / CONFIG)
    try:
        model_cfg, preprocess_cfg = config["model_cfg"], config["preprocess_cfg"]
        trained_on = _trained_on(folder, config.get("headtail", {}).get("trained_on"))
        merges = (folder / MERGES).read_bytes() if (folder / MERGES).is_file() else None
        model = open_clip.create_model(f"local-dir:{folder}", device=device)
    except CurationError:
        raise
    except Exception as error:  # a configuration from anywhere: open_clip raises whatever it meets
        raise UnreadableFile(f"{folder}: this checkpoint cannot be opened ({_line(error)})") from None
    return Checkpoint(
        name=folder.parent.name if folder.name == "checkpoint" else folder.name,
        model=model.eval().requires_grad_(False),
        tokenizer=tokenizer_of(model_cfg, "", merges),
        model_cfg=model_cfg,
        preprocess_cfg=preprocess_cfg,
        merges=merges,
        trained_on=trained_on,
        folder=folder,
        expected=None,
        device=device,
    )


def _trained_on(folder: Path, said: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a checkpoint says it was trained on, with the path of the run where it still lies in its training.

    The checkpoint itself holds no path: it is made to be handed on.
    """
    with suppress(CurationError):
        plan = Training.open(folder.parent).info["plan"]
        if said is not None and plan.get("plan_digest") == said.get("plan_digest"):
            return {**said, "run": plan["run"]}
    return said


def _from_weights(path: Path, name: str, device: torch.device) -> Checkpoint:
    model_cfg = named_cfg(name)
    try:
        model = open_clip.create_model(name, pretrained=str(path), device=device, weights_only=True)
    except Exception as error:  # a file from anywhere: torch and open_clip raise whatever they meet
        raise UnreadableFile(
            f"{path}: no weights of {name} that can be opened safely ({_line(error)}); only tensors are read, no code"
        ) from None
    return _named(f"{path.stem} ({name})", name, model, model_cfg, None, device)


def _from_name(where: str, device: torch.device) -> Checkpoint:
    name, _, tag = where.partition("/")
    model_cfg = named_cfg(name)
    if not tag and has_own_vocabulary(name):
        raise BadArgument(f"{where}: has no vocabulary before it is trained; give the folder of a training")
    if not tag:
        model = open_clip.create_model(name, device=device, pretrained_text=False)
        return _named(f"{name} (untrained)", name, model, model_cfg, None, device)
    expected = known_weights(name, tag)
    # the activation that the weights need, not that of the name: else the answers are wrong and nothing tells
    model_cfg["quick_gelu"] = bool(expected.get("quick_gelu", False))
    needed = {key: expected[key] for key in ("mean", "std", "interpolation", "resize_mode") if key in expected}
    file = weights_file(expected)
    try:
        model = open_clip.create_model(
            name,
            pretrained=file,
            device=device,
            force_quick_gelu=model_cfg["quick_gelu"],
            force_preprocess_cfg=needed,
            weights_only=True,
        )
    except Exception as error:  # a file from anywhere
        raise UnreadableFile(f"{file}: no weights of {name} that can be opened safely ({_line(error)})") from None
    return _named(where, name, model, model_cfg, expected, device)


def _named(
    title: str,
    name: str,
    model: torch.nn.Module,
    model_cfg: dict[str, Any],
    expected: dict[str, Any] | None,
    device: torch.device,
) -> Checkpoint:
    return Checkpoint(
        name=title,
        model=model.eval().requires_grad_(False),
        tokenizer=tokenizer_of(model_cfg, name, None),
        model_cfg=model_cfg,
        preprocess_cfg=dict(open_clip.get_model_preprocess_cfg(model)),
        merges=None,
        trained_on=None,
        folder=None,
        expected=expected,
        device=device,
    )


def _line(error: Exception) -> str:
    """The reason in a few words; some libraries advise to switch safety off, further down."""
    return (str(error).splitlines() or [""])[0][:160] or type(error).__name__
