"""Images of a pool: their bytes as they are, none of which is decoded here."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from curation.errors import CurationError, UnreadableFile
from curation.pool import parquet
from curation.pool.columns import Columns
from curation.pool.formats import FORMATS
from curation.pool.inputs import PoolFile, place_of, unchanged

AT_A_TIME = 64
"""Images that are in memory together when many are streamed."""


def read_images(inputs: Sequence[PoolFile], columns: Columns, references: Sequence[str | None]) -> list[bytes | None]:
    """The image bytes behind references of the form "<input>:<where in it>", as a run's pairs hold them.

    inputs, columns: of the run
    returns          one item a reference; None without an image, and where the input is gone, changed or damaged
    """
    wanted: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))  # input -> where -> places
    for place, reference in enumerate(references):
        if (number := _input_number(reference, inputs)) is not None:
            wanted[number][(reference or "").partition(":")[2]].append(place)
    found: list[bytes | None] = [None] * len(references)
    for at, places in wanted.items():
        read = FORMATS[inputs[at].format].images
        with suppress(pa.ArrowException, OSError, CurationError):
            if read is not None and unchanged(inputs[at], columns):  # else other pairs stand there
                for where, image in zip(places, read(place_of(inputs[at]), columns, list(places)), strict=True):
                    for place in places[where]:
                        found[place] = image
    return found


def stream_images(
    inputs: Sequence[PoolFile], columns: Columns, references: Sequence[str | None]
) -> Iterator[bytes | None]:
    """The image bytes behind references, one after the other, for many of them.

    Where the references of an input ascend it is read once, and only a few dozen images of it are in memory at a time;
    each that does not begins a new pass over its input.

    yields one item a reference; None without an image, or for a reference that leads nowhere
    raises UnreadableFile where an input is gone, changed or damaged
    """
    for number, stretch in groupby(references, key=lambda reference: _input_number(reference, inputs)):
        places = [(reference or "").partition(":")[2] for reference in stretch]
        if number is None or FORMATS[inputs[number].format].images is None:
            yield from (None for _ in places)
        else:
            yield from _stream_input(inputs[number], columns, places)


def _input_number(reference: str | None, inputs: Sequence[PoolFile]) -> int | None:
    """The input that a reference leads to; None where it leads nowhere."""
    number = (reference or "").partition(":")[0]
    return int(number) if number.isascii() and number.isdecimal() and int(number) < len(inputs) else None


def _stream_input(file: PoolFile, columns: Columns, places: Sequence[str]) -> Iterator[bytes | None]:
    """The images at these places of one input, in their order."""
    if not unchanged(file, columns):
        raise UnreadableFile(f"{file.path}: has changed since the run began; start a new run")
    if file.format == parquet.FORMAT.name:
        yield from parquet.stream_images(place_of(file), columns, places)
        return
    read = FORMATS[file.format].images
    assert read is not None
    for at in range(0, len(places), AT_A_TIME):
        yield from read(Path(file.path), columns, places[at : at + AT_A_TIME])
