"""What is measured of a checkpoint on an evaluation set, and where it cannot be. Nothing in here imports torch.

The protocol is that of ELEVATER (Li et al. 2022, arXiv:2204.08790): zero, 5, 20, 50 shots and all, seeds 0 to 2.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from curation.clip.datasets import EvalSet
from curation.clip.templates import Templates
from curation.errors import BadArgument

Protocol = Literal["zero-shot", "retrieval", "probe", "probe-text"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
SHOTS: tuple[int | None, ...] = (5, 20, 50, None)
SEEDS = (0, 1, 2)


class Unit(NamedTuple):
    """What is measured at once. shots: a class, 0 without training, None for all; seed: None where nothing is drawn."""

    protocol: Protocol
    shots: int | None
    seed: int | None


def units(
    protocols: Sequence[Protocol] = PROTOCOLS, shots: Sequence[int | None] = SHOTS, seeds: Sequence[int] = SEEDS
) -> list[Unit]:
    """All that is measured of a checkpoint on a set, each once, in the order of `PROTOCOLS`; raises BadArgument."""
    if any(number is not None and number < 2 for number in shots):
        raise BadArgument("shots: give 2 or more a class, or full; zero shots are the protocol zero-shot")
    if any(not 0 <= seed < 2**63 for seed in seeds):
        raise BadArgument("seeds: give whole numbers from 0")
    found: list[Unit] = []
    for protocol in PROTOCOLS:
        if protocol in protocols and protocol.startswith("probe"):
            found += [Unit(protocol, number, seed) for number in shots for seed in seeds]
        elif protocol in protocols:
            found.append(Unit(protocol, 0, None))
    return list(dict.fromkeys(found))


def why_not(data: EvalSet, protocol: Protocol) -> str | None:
    """Why a protocol cannot be followed on a set; None if it can."""
    if protocol == "retrieval":
        return None if any(data.captions[number] for number in data.test) else "its pictures have no captions"
    if not (data.label[data.test] >= 0).any():
        return "its pictures have no labels"
    if protocol in ("zero-shot", "probe-text") and not data.named:
        return "its labels are numbers; give the names of the classes with --labels"
    if protocol == "zero-shot":
        return None
    label = data.label[data.train]
    if not (np.bincount(label[label >= 0]) > 1).any():
        return "it has no training split beside its test split, with two pictures of a class or more"
    return None


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """Templates by a name."""

    name: str
    templates: Templates

    @property
    def label(self) -> str:
        """Their name and 8 digits of the sha256 of what they are, such as simple7@0123abcd."""
        own = self.templates
        told = json.dumps(dict(own) if isinstance(own, Mapping) else list(own), sort_keys=True)
        return f"{self.name}@{hashlib.sha256(told.encode()).hexdigest()[:8]}"
