"""Evaluation sets: pictures with labels, captions or both, whichever way they lie on disk."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np

from curation.class_lists import ClassList
from curation.clip.readers import sources
from curation.clip.readers.picture import Label, Picture, Source
from curation.errors import BadArgument, EmptyPool
from curation.pool.rows import printable


@dataclass(frozen=True, kw_only=True)
class EvalSet:
    """An evaluation set; the bytes of its pictures stay where they are.

    digest:     sha256 (hex) over pictures, labels, splits, captions and class names: everything that is measured with
    classnames: (C,), as they go into prompts; empty where no picture has a label
    named:      whether they are names; if not, they are the numbers that the labels are
    label:      (N,) int64, a number of a class name, -1 for none
    split:      (N,) of "train" and "test"; "" for all where the set has none
    captions:   of each picture, none to several
    dropped:    what was left out of it, by reason
    """

    name: str
    digest: str
    classnames: tuple[str, ...] = field(repr=False)
    named: bool
    label: np.ndarray = field(repr=False)
    split: np.ndarray = field(repr=False)
    captions: tuple[tuple[str, ...], ...] = field(repr=False)
    digests: tuple[bytes, ...] = field(repr=False)
    dropped: Counter[str]
    _places: tuple[tuple[int, str], ...] = field(repr=False)
    _sources: tuple[Source, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def test(self) -> np.ndarray:
        """Numbers of the pictures that are measured on: the test split, or all where there is none."""
        return np.flatnonzero(self.split == "test") if (self.split == "test").any() else np.arange(len(self))

    @property
    def train(self) -> np.ndarray:
        """Numbers of the pictures that a probe may learn from; none where there is no test split beside them."""
        return np.flatnonzero((self.split == "train") & (self.split == "test").any())

    def images(self, numbers: Sequence[int]) -> list[bytes | None]:
        """The bytes of pictures; None for one that is gone, or not the same any more."""
        found: list[bytes | None] = []
        places = [self._places[number] for number in numbers]
        for source, some in groupby(places, key=lambda place: place[0]):
            found += self._sources[source].images([place for _, place in some])
        return found


def load(
    data: Path, classes: ClassList | None = None, on_progress: Callable[[int], None] = lambda pictures: None
) -> EvalSet:
    """Read an evaluation set once, for its digests; see docs/evaluate.md for what it may look like.

    classes:     the names that go into the prompts; they may be more than the pictures show. Labels that are numbers
                 count them from 0. Labels that are names are looked up among them; where there are as many as labels,
                 and not all labels are among them, they stand for these in their order (n01440764 -> tench)
    on_progress: is told how many more pictures were read
    raises       MissingFile, UnreadableFile, MissingColumn, BadArgument, EmptyPool
    """
    found = sources(data)
    dropped: Counter[str] = Counter()
    pictures: list[Picture] = []
    places: list[tuple[int, str]] = []
    for number, source in enumerate(found):
        for picture in source.pictures(dropped):
            pictures.append(picture)
            places.append((number, picture.place))
            on_progress(1)
    if not pictures:
        raise EmptyPool(f"{data}: not one picture" + (f" ({_told(dropped)})" if dropped else ""))
    known = next((source.names for source in found if source.names), ())
    classnames, label, named = _classes(data, [picture.label for picture in pictures], known, classes)
    split = _splits([picture.split for picture in pictures])
    return EvalSet(
        name=printable(data.resolve().stem if data.is_file() else data.resolve().name),
        digest=_digest(pictures, classnames, label, split),
        classnames=classnames,
        named=named,
        label=label,
        split=split,
        captions=tuple(picture.captions for picture in pictures),
        digests=tuple(picture.digest for picture in pictures),
        dropped=dropped,
        _places=tuple(places),
        _sources=tuple(found),
    )


def _told(dropped: Counter[str]) -> str:
    return "; ".join(f"{count:,} x {reason}" for reason, count in dropped.most_common())


def _splits(found: Sequence[str]) -> np.ndarray:
    """Validation pictures are for testing where there are no others for it, and for training where there are."""
    split = np.array(found, "U5")
    split[split == "val"] = "train" if (split == "test").any() else "test"
    return split


def _classes(
    data: Path, labels: Sequence[Label | None], known: tuple[str, ...], classes: ClassList | None
) -> tuple[tuple[str, ...], np.ndarray, bool]:
    """(C,) class names, (N,) int64 the number of each label among them, and whether they are names."""
    present = {label for label in labels if label is not None}
    if not present:
        if classes is not None:
            raise BadArgument(f"{data}: no picture has a label, so there is nothing to name")
        return (), np.full(len(labels), -1), True
    if all(isinstance(label, int) for label in present):
        highest = max(label for label in present if isinstance(label, int))
        names = _in_order(data, classes) if classes else known
        if names and highest >= len(names):
            raise BadArgument(f"{data}: label {highest} and only {len(names)} class names; they count from 0")
        place: dict[Label, int] = {label: label for label in present if isinstance(label, int)}
        classnames = names or tuple(str(number) for number in range(highest + 1))
        return _spaced(data, classnames), _placed(labels, place), bool(names)
    written = sorted({str(label) for label in present}, key=_natural)
    classnames, order = _among(data, written, classes)
    return _spaced(data, classnames), _placed([None if one is None else str(one) for one in labels], order), True


def _in_order(data: Path, classes: ClassList) -> tuple[str, ...]:
    """Class names that labels count; a list keeps each name once, and so may have lost its order."""
    if not classes.uniform:
        raise BadArgument(
            f"{data}: its labels are numbers, and among the {len(classes.names)} class names some come twice or have"
            " counts; give each class a name of its own, one a line, in the order of the numbers"
        )
    return classes.names


def _among(data: Path, written: list[str], classes: ClassList | None) -> tuple[tuple[str, ...], dict[Label, int]]:
    """Class names, and which of them each label is."""
    if classes is None:
        return tuple(written), {name: at for at, name in enumerate(written)}
    place = {name.replace("_", " "): at for at, name in enumerate(classes.names)}
    missing = [name for name in written if name.replace("_", " ") not in place]
    if not missing:
        return classes.names, {name: place[name.replace("_", " ")] for name in written}
    if len(classes.names) == len(written) and classes.uniform:
        return classes.names, {name: at for at, name in enumerate(written)}
    raise BadArgument(
        f"{data}: {len(missing)} of {len(written)} labels, such as {missing[0]!r}, are not among the"
        f" {len(classes.names)} class names; name all of them, or give as many names as there are labels"
    )


def _placed(labels: Sequence[Label | None], place: Mapping[Label, int]) -> np.ndarray:
    return np.array([-1 if label is None else place[label] for label in labels], np.int64)


def _spaced(data: Path, names: Sequence[str]) -> tuple[str, ...]:
    """As names go into prompts: folders are often called fire_truck."""
    spaced = [name.replace("_", " ") for name in names]
    if len(set(spaced)) < len(spaced):
        twice = next(name for name, times in Counter(spaced).items() if times > 1)
        raise BadArgument(f"{data}: two classes are called {twice!r}; no picture could be told to be one of them")
    return tuple(spaced)


def _natural(name: str) -> tuple[int, int, str]:
    """Names by the alphabet, after those that are numbers: 2 before 10."""
    return (0, int(name), "") if name.isascii() and name.isdecimal() else (1, 0, name)


def _digest(pictures: Sequence[Picture], classnames: Sequence[str], label: np.ndarray, split: np.ndarray) -> str:
    digest = hashlib.sha256(json.dumps(classnames).encode())
    for picture, its_label, its_split in zip(pictures, label.tolist(), split.tolist(), strict=True):
        digest.update(json.dumps([picture.digest.hex(), its_label, its_split, picture.captions]).encode())
    return digest.hexdigest()
