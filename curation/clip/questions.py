"""What the app asks the process with its models, and how questions and answers cross as `frames.Message`.

The answers come out of a process in which pictures and checkpoints from anywhere are read. So they are values, arrays
with a shape that is known from the question, and nothing that could run.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curation.clip.classify import Classified, Picture, Seen
from curation.clip.frames import Message, array, floats, texts
from curation.clip.templates import Templates
from curation.clip.training_data import Nearest


@dataclass(frozen=True)
class Source:
    """Where a checkpoint comes from, as `checkpoint.load_checkpoint` takes it.

    where: a folder, a file, or a name of open_clip; model: the architecture of a file that holds bare weights
    """

    where: str
    model: str | None = None

    def written(self) -> int:
        """When its files were written last, in nanoseconds; 0 for a name, and for what cannot be looked at."""
        try:
            path = Path(self.where).expanduser()
            found = [path, *path.glob("*"), *path.glob("checkpoint/*")] if path.is_dir() else [path]
            return max((one.stat().st_mtime_ns for one in found if one.exists()), default=0)
        except (OSError, ValueError, RuntimeError):  # too long a path, no permission, a user that is not known
            return 0


@dataclass(frozen=True, kw_only=True)
class About:
    """A checkpoint in plain values. checks: of its self-test, each (name, verdict, detail)."""

    name: str
    digest: str
    dimensions: int
    logit_scale: float
    preprocess_cfg: dict[str, Any]
    trained_on: dict[str, Any] | None
    device: str
    checks: tuple[tuple[str, str, str], ...]

    @property
    def verdict(self) -> str:
        """Of the whole self-test: "failed" if one check did, "ok" if none did and one is, else "unknown"."""
        verdicts = {verdict for _, verdict, _ in self.checks}
        return next((one for one in ("failed", "ok") if one in verdicts), "unknown")


@dataclass(frozen=True)
class Form:
    """How a question crosses, and its answer.

    pack:   its arguments as a message; unpack: the arguments in a message
    answer: what it found as a message
    read:   what was found, of a message and the arguments of the question; raises one of `children.GARBLED` for a
            message that is no answer to it
    """

    pack: Callable[..., Message]
    unpack: Callable[[Message], tuple[Any, ...]]
    answer: Callable[[Any], Message]
    read: Callable[..., Any]


def _pack_source(source: Source) -> Message:
    return Message(asdict(source))


def _unpack_source(message: Message) -> tuple[Any, ...]:
    return (Source(**message.value),)


def _answer_about(about: About) -> Message:
    return Message(asdict(about))


def _read_about(message: Message, source: Source) -> About:
    name, digest, dimensions, logit_scale, preprocess_cfg, trained_on, device, checks = (
        message.value[field] for field in About.__dataclass_fields__
    )
    names = texts([name, digest, device])
    if not isinstance(preprocess_cfg, dict) or not isinstance(trained_on, dict | None):
        raise ValueError("no checkpoint")
    return About(
        name=names[0],
        digest=names[1],
        dimensions=int(dimensions),
        logit_scale=float(logit_scale),
        preprocess_cfg=preprocess_cfg,
        trained_on=trained_on,
        device=names[2],
        checks=tuple((one, verdict, detail) for one, verdict, detail in map(texts, checks)),
    )


def _pack_see(source: Source, pictures: Sequence[Picture]) -> Message:
    names = [picture.name for picture in pictures]
    return Message([asdict(source), names], tuple(picture.data for picture in pictures))


def _unpack_see(message: Message) -> tuple[Any, ...]:
    source, names = message.value
    return Source(**source), [Picture(name, data) for name, data in zip(names, message.blobs, strict=True)]


def _answer_see(seen: Sequence[Seen]) -> Message:
    features = [one.image_features for one in seen if one.image_features is not None]
    dimensions = len(features[0]) if features else 0
    return Message([[one.reason for one in seen], dimensions], (floats(_stacked(features)),))


def _read_see(message: Message, source: Source, pictures: Sequence[Picture]) -> list[Seen]:
    reasons, dimensions = message.value
    texts([reason for reason in reasons if reason is not None])
    features = iter(array(message.blobs, (sum(reason is None for reason in reasons), dimensions)))
    return [
        Seen(name=picture.name, reason=reason, image_features=next(features) if reason is None else None)
        for picture, reason in zip(pictures, reasons, strict=True)
    ]


def _pack_embed(source: Source, classnames: Sequence[str], templates: Templates) -> Message:
    return Message([asdict(source), list(classnames), templates])


def _unpack_embed(message: Message) -> tuple[Any, ...]:
    source, classnames, templates = message.value
    return Source(**source), classnames, templates


def _answer_embed(nothing: None) -> Message:
    return Message(nothing)


def _read_embed(message: Message, *asked: object) -> None:
    if message.value is not None:
        raise ValueError("an answer to a question that has none")


def _pack_classify(source: Source, seen: Sequence[Seen], classnames: Sequence[str], templates: Templates) -> Message:
    features = [one.image_features for one in seen if one.image_features is not None]
    told = [[one.name, one.reason, one.image_features is not None] for one in seen]
    return Message([asdict(source), told, list(classnames), templates], (floats(_stacked(features)),))


def _unpack_classify(message: Message) -> tuple[Any, ...]:
    source, told, classnames, templates = message.value
    decoded = sum(there for _, _, there in told)
    features = iter(array(message.blobs, (decoded, -1)) if decoded else ())
    seen = [
        Seen(name=name, reason=reason, image_features=next(features) if there else None) for name, reason, there in told
    ]
    return Source(**source), seen, classnames, templates


def _answer_classify(found: Classified) -> Message:
    return Message(found.logit_scale, (floats(found.cosine),))


def _read_classify(
    message: Message, source: Source, seen: Sequence[Seen], classnames: Sequence[str], templates: Templates
) -> Classified:
    return Classified(
        names=tuple(one.name for one in seen),
        reasons=tuple(one.reason for one in seen),
        classnames=tuple(classnames),
        cosine=array(message.blobs, (len(seen), len(classnames))),
        logit_scale=float(message.value),
    )


def _pack_nearest(source: Source, image_features: np.ndarray) -> Message:
    return Message([asdict(source), image_features.shape], (floats(image_features),))


def _unpack_nearest(message: Message) -> tuple[Any, ...]:
    source, shape = message.value
    return Source(**source), array(message.blobs, tuple(shape))


def _answer_nearest(nearest: Nearest) -> Message:
    return Message(asdict(nearest))


def _read_nearest(message: Message, source: Source, image_features: np.ndarray) -> Nearest:
    found, looked_at, pairs, drawn = (message.value[field] for field in Nearest.__dataclass_fields__)
    if len(found) != len(image_features):
        raise ValueError("captions of other pictures")
    captions = [[(str(text), float(cosine)) for text, cosine in of_one] for of_one in found]
    return Nearest(captions, int(looked_at), int(pairs), bool(drawn))


def _pack_names() -> Message:
    return Message(None)


def _unpack_names(message: Message) -> tuple[Any, ...]:
    return ()


def _answer_names(names: tuple[list[str], list[str]]) -> Message:
    return Message(list(names))


def _read_names(message: Message) -> tuple[list[str], list[str]]:
    weights, architectures = map(texts, message.value)
    return weights, architectures


def _stacked(features: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(features) if features else np.zeros((0, 0), np.float32)


FORMS = {
    "about": Form(_pack_source, _unpack_source, _answer_about, _read_about),
    "see": Form(_pack_see, _unpack_see, _answer_see, _read_see),
    "embed": Form(_pack_embed, _unpack_embed, _answer_embed, _read_embed),
    "classify": Form(_pack_classify, _unpack_classify, _answer_classify, _read_classify),
    "nearest": Form(_pack_nearest, _unpack_nearest, _answer_nearest, _read_nearest),
    "names": Form(_pack_names, _unpack_names, _answer_names, _read_names),
}
"""What can be asked."""
