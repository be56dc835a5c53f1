"""Read a checkpoint in a child process with limits, and say whether it can be used: nothing in it is ever executed.

A checkpoint is one row. What is not finite, not all there, or holds anything else than tensors is no checkpoint.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curation.children import MEMORY, Child
from curation.errors import CurationError, UnreadableFile
from curation.pool.checked import Checked, checked_row, one_row

FILES = (".safetensors", ".pt", ".pth", ".bin")
TIMES = 3
"""A model of N bytes takes this often N bytes while it is loaded."""


def check_checkpoint(where: Path, model: str | None = None) -> Checked:
    """Whether a folder with a checkpoint, a training, or a file of weights can be loaded; raises nothing.

    model: the architecture of a file of weights; without it, only its tensors are looked at
    """
    try:
        size = sum(path.stat().st_size for path in _files(where))
    except CurationError as reason:
        return Checked(rows_in=None, error=str(reason))
    modules = ("torch", "safetensors", *(("curation.clip.checkpoint",) if _is_model(where, model) else ()))
    with Child(f"{__name__}:load", modules=modules, memory=MEMORY + TIMES * size, mapped=size) as child:
        return checked_row(child.ask(str(where), model))


def load(where: str, model: str | None) -> Iterator[dict[str, Any]]:
    """In the child: whether it can be loaded."""
    try:
        _load(Path(where), model)
        found = one_row()
    except MemoryError:
        raise
    except CurationError as reason:
        found = one_row(str(reason))
    except Exception as reason:  # torch and open_clip raise whatever they meet in a damaged file
        if "allocate memory" in str(reason):
            raise MemoryError from None
        found = one_row(f"cannot be read ({type(reason).__name__})")
    yield asdict(found)


def _load(where: Path, model: str | None) -> None:
    for path in _files(where):
        if path.suffix in FILES:
            _check_tensors(path)
    if _is_model(where, model):
        from curation.clip.checkpoint import load_checkpoint

        load_checkpoint(str(where), model=model, device="cpu")


def _is_model(where: Path, model: str | None) -> bool:
    """Whether it is told which model the weights are of, so that it can be built."""
    return where.is_dir() or model is not None


def _files(where: Path) -> list[Path]:
    """The files of a checkpoint; raises UnreadableFile where there are none."""
    try:
        inner = where / "checkpoint"
        folder = inner if inner.is_dir() else where
        found = [path for path in folder.iterdir() if path.is_file()] if where.is_dir() else [where]
        if not all(path.is_file() for path in found):
            raise UnreadableFile(f"{where}: no such file, nor a folder with a checkpoint")
    except OSError as reason:
        raise UnreadableFile(f"{where}: {reason.strerror}") from None
    if not any(path.suffix in FILES for path in found):
        raise UnreadableFile(f"{where}: no weights; they are in files that end in {', '.join(FILES)}")
    return found


def _check_tensors(path: Path) -> None:
    """Read each tensor of a file; raises UnreadableFile, and whatever torch raises."""
    import torch

    count = 0
    for name, tensor in _tensors(path):
        count += 1
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
            raise UnreadableFile(f"tensor {name[:80]!r} is no plain tensor")
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise UnreadableFile(f"tensor {name[:80]!r} is larger than what the file holds of it")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise UnreadableFile(f"tensor {name[:80]!r} has values that are not finite")
    if not count:
        raise UnreadableFile("no tensor in it")


def _tensors(path: Path) -> Iterator[tuple[str, Any]]:
    """The tensors of a file by name, of .safetensors one at a time."""
    if path.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118  # it is no dictionary
                yield name, file.get_tensor(name)
        return
    yield from _state_dict(path).items()


def _state_dict(path: Path) -> dict[str, Any]:
    """The tensors of a file that torch wrote, also of one that holds them as `state_dict` beside other things."""
    from pickle import UnpicklingError  # only to catch it

    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError:  # its message advises to switch the safety off
        raise UnreadableFile(
            "holds something else than tensors, or is damaged; only tensors are read, no code"
        ) from None
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in found.items()
    ):
        raise UnreadableFile("its tensors have no names")
    return found
