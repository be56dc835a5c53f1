"""What every reader of evaluation sets gives: pictures with labels, splits and captions."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Label = str | int
SPLITS = {"train": ("train", "training"), "val": ("val", "valid", "validation", "dev"), "test": ("test", "testing")}
"""What folders of splits are called; a column or a file name need only begin so, as train2017 does."""

LABELS = ("label", "cls", "class")
"""Columns, members and values of json that hold the class, the first of them that is there."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of an evaluation set.

    place:    where `Source.images` finds it
    digest:   `item_digest` of its bytes
    split:    a key of `SPLITS`, or ""
    """

    place: str
    digest: bytes
    label: Label | None = None
    split: str = ""
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A file, or a folder of images: its pictures, and their bytes again by the places of these.

    pictures: counts what it leaves out
    images:   (places) -> bytes, None for what is not there any more
    names:    of the classes that are numbers, where it knows them
    """

    pictures: Callable[[Counter[str]], Iterator[Picture]]
    images: Callable[[Sequence[str]], list[bytes | None]]
    names: tuple[str, ...] = ()


def split_of(name: str) -> str:
    """The split that a name stands for; "" for none.

    >>> [split_of(name) for name in ("train2017", "Validation", "test", "pictures")]
    ['train', 'val', 'test', '']
    """
    found = (split for split, begins in SPLITS.items() if name.lower().startswith(begins))
    return next(found, "")


def as_text(value: object, dropped: Counter[str], what: str) -> str | None:
    """A text that may have come as bytes; None for nothing, for blanks, and for what is no UTF-8, which is counted."""
    try:
        text = value.decode() if isinstance(value, bytes) else value
        if isinstance(text, str):
            text.encode()
    except UnicodeError:
        dropped[f"{what} is not UTF-8"] += 1
        return None
    return (text.strip() or None) if isinstance(text, str) else None


def as_label(value: object, dropped: Counter[str]) -> Label | None:
    """A number below 0 stands for no label, as in test sets that hide theirs."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    return as_text(value, dropped, "label")


def as_captions(value: object, dropped: Counter[str]) -> tuple[str, ...]:
    """Of one text or a list of them."""
    found = (as_text(one, dropped, "caption") for one in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(text for text in found if text))
