"""The process in which models run for the app: it answers one question after the other, and holds what it loaded.

Who asks (`ui.model_worker`) holds the other end of a connection and never imports torch. What crosses it is data, see
`questions`: a question is [its name, its arguments], an answer ["answer", value], ["refused", a line for people] or
["bug", a traceback]. If a picture, a checkpoint or a decoder takes this process down, only this process is gone; and if
one takes it over, all that it can do to the app is to answer wrongly.
"""

import logging
import os
import resource
import socket
import time
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.clip import classify as classification
from curation.clip import frames
from curation.clip.classify import Classified, Picture, Seen
from curation.clip.features import FeatureStore
from curation.clip.frames import Message
from curation.clip.questions import FORMS, About, Source
from curation.clip.templates import Templates
from curation.clip.training_data import Nearest, nearest_captions, trained_run, trained_t
from curation.clip.zero_shot import class_embeddings
from curation.errors import BadRun, CurationError
from curation.runs.workspace import features_folder

if TYPE_CHECKING:
    from curation.clip.checkpoint import Checkpoint

HELD = 2
"""So many checkpoints stay loaded: one can go to and fro between two."""

MEMORY_SHARE = 0.8
"""Of the memory of the machine: more than this the process cannot take, where its models run on the processor."""


class Models:
    """The checkpoints that are loaded, those that were asked for last; loaded again where their files changed."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[Source, int], Checkpoint] = OrderedDict()

    def get(self, source: Source) -> "Checkpoint":
        """The checkpoint of a source; raises what `load_checkpoint` does."""
        from curation.clip.checkpoint import load_checkpoint

        key = source, source.written()
        if key not in self._held:
            while len(self._held) >= HELD:
                self._held.popitem(last=False)
            self._held[key] = load_checkpoint(source.where, model=source.model)
        self._held.move_to_end(key)
        return self._held[key]


def _about(models: Models, source: Source) -> About:
    return about(models.get(source))


def about(checkpoint: "Checkpoint") -> About:
    """A checkpoint and the verdicts of its self-test."""
    from curation.clip.self_test import self_test

    return About(
        name=checkpoint.name,
        digest=checkpoint.digest,
        dimensions=checkpoint.dimensions,
        logit_scale=checkpoint.logit_scale,
        preprocess_cfg=dict(checkpoint.preprocess_cfg),
        trained_on=checkpoint.trained_on,
        device=str(checkpoint.device),
        checks=tuple((check.name, check.verdict, check.detail) for check in self_test(checkpoint)),
    )


def _see(models: Models, source: Source, pictures: Sequence[Picture]) -> list[Seen]:
    return classification.see(models.get(source), pictures)


def _embed(models: Models, source: Source, classnames: Sequence[str], templates: Templates) -> None:
    class_embeddings(models.get(source), classnames, templates, _store(features_folder()))


def _classify(
    models: Models, source: Source, seen: Sequence[Seen], classnames: Sequence[str], templates: Templates
) -> Classified:
    return classification.classify(models.get(source), seen, classnames, templates, _store(features_folder()))


def _nearest(models: Models, source: Source, image_features: np.ndarray) -> Nearest:
    checkpoint = models.get(source)
    run = trained_run(checkpoint.trained_on)
    if run is None or checkpoint.trained_on is None:
        raise BadRun(f"{checkpoint.name}: does not say which run it was trained on")
    t = trained_t(checkpoint.trained_on)
    return nearest_captions(checkpoint, run, t, image_features, _store(features_folder()))


def _names(models: Models) -> tuple[list[str], list[str]]:
    return known_names()


def known_names() -> tuple[list[str], list[str]]:
    """Weights by their name and tag ("ViT-B-32/metaclip_400m"), and architectures, those of ours included."""
    import open_clip

    from curation.clip import architectures  # noqa: F401  # open_clip learns of ours

    return ["/".join(pair) for pair in open_clip.list_pretrained()], list(open_clip.list_models())


ANSWERS: dict[str, Callable[..., Any]] = {
    "about": _about,
    "see": _see,
    "embed": _embed,
    "classify": _classify,
    "nearest": _nearest,
    "names": _names,
}
"""What `questions.FORMS` can ask; each takes the `Models` and the arguments of the question."""


def answer(models: Models, what: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    """The answer to one question, whatever happens."""
    try:
        return "answer", ANSWERS[what](models, *arguments)
    except (CurationError, OSError) as error:
        return "refused", (str(error).splitlines() or [type(error).__name__])[0]
    except MemoryError:
        return "refused", "this needs more memory than the models may take here; try fewer pictures or a smaller model"
    except Exception as error:
        if "not enough memory" in str(error) or "out of memory" in str(error):  # what torch raises
            return "refused", "the model needs more memory than there is here; try a smaller one"
        return "bug", traceback.format_exc()


def main(descriptor: int) -> None:
    """Answer questions from a connection until its other end is closed."""
    Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")  # they are of what others wrote, and would stand in the log of the app
    logging.disable(logging.WARNING)
    _import_models()
    connection, models = socket.socket(fileno=descriptor), Models()
    while True:
        try:
            asked = frames.receive(connection)
        except EOFError:
            return
        what, arguments = asked.value
        kind, value = answer(models, what, FORMS[what].unpack(Message(arguments, asked.blobs)))
        found = FORMS[what].answer(value) if kind == "answer" else Message(value)
        frames.send(connection, Message([kind, found.value], found.blobs))


def _import_models() -> None:
    """Import what takes seconds, before anybody asks; then limit the memory."""
    import open_clip  # noqa: F401
    import torch

    if not torch.cuda.is_available():  # CUDA maps more addresses than there is memory
        most = int(MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _end_with(parent: int) -> None:
    """End when the app is gone, also in the middle of an answer."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


@lru_cache(maxsize=1)
def _store(folder: Path) -> FeatureStore:
    return FeatureStore(folder)
