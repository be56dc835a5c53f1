"""All that it takes to go on with a training, in one file, so that it is always of one moment."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from curation import files
from curation.errors import UnreadableFile

RESUME = "resume.safetensors"


@dataclass(frozen=True)
class Place:
    """A place in the data: the epoch, and how many batches of it are behind."""

    epoch: int = 0
    batch: int = 0


def save_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, place: Place) -> None:
    """Write weights, the optimiser's moments, step and place."""
    tensors = {f"model.{name}": weight for name, weight in model.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with files.whole(path / RESUME) as temporary:
        save_file(tensors, temporary, metadata={"step": str(step), "place": json.dumps(asdict(place))})


def load_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[int, Place]:
    """Put back what `save_state` wrote, and return step and place; 0 and the beginning where there is nothing."""
    if not (path / RESUME).is_file():
        return 0, Place()
    try:
        with safe_open(path / RESUME, framework="pt") as file:
            said, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        model.load_state_dict(_below(tensors, "model."))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in _below(tensors, "optimizer.").items():
            number, _, moment = name.partition(".")
            state.setdefault(int(number), {})[moment] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        return int(said["step"]), Place(**json.loads(said["place"]))
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise UnreadableFile(f"{path / RESUME}: damaged ({reason}); delete it to train from the beginning") from None


def _below(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
