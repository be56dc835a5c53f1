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
RANDOM, CUDA_RANDOM = "random", "random.cuda"
"""A device has random numbers of its own: what is dropped out on CUDA is not drawn on the processor."""


@dataclass(frozen=True)
class Place:
    """A place in the data: the epoch, and how many batches of it are behind."""

    epoch: int = 0
    batch: int = 0


@dataclass(frozen=True)
class State:
    """A moment of a training, beside the weights and the optimiser.

    step:    steps behind
    place:   in the data
    losses:  of the steps since the last line of the metrics
    seconds: that the training took so far
    """

    step: int = 0
    place: Place = Place()
    losses: tuple[float, ...] = ()
    seconds: float = 0.0


def save_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: State) -> None:
    """Write weights, the optimiser's moments, the states of torch's random numbers, and all that `State` holds."""
    tensors = {f"model.{name}": weight for name, weight in model.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
    tensors[RANDOM] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors[CUDA_RANDOM] = torch.cuda.get_rng_state()
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with files.whole(path / RESUME) as temporary:
        save_file(tensors, temporary, metadata={"state": json.dumps(asdict(state))})


def load_state(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> State:
    """Put back what `save_state` wrote; the beginning where there is nothing. raises UnreadableFile"""
    if not (path / RESUME).is_file():
        return State()
    try:
        with safe_open(path / RESUME, framework="pt") as file:
            said = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        model.load_state_dict(_below(tensors, "model."))
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in _below(tensors, "optimizer.").items():
            number, _, moment = name.partition(".")
            moments.setdefault(int(number), {})[moment] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        torch.set_rng_state(tensors[RANDOM])
        if torch.cuda.is_available() and CUDA_RANDOM in tensors:  # not in what was written without CUDA
            torch.cuda.set_rng_state(tensors[CUDA_RANDOM])
        return State(int(said["step"]), Place(**said["place"]), tuple(said["losses"]), float(said["seconds"]))
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise UnreadableFile(f"{path / RESUME}: damaged ({reason}); delete it to train from the beginning") from None


def _below(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
