"""Images of a pool: read their bytes, and make thumbnails of our own that are safe to show.

An image of a pool comes from anywhere. What leaves here was decoded and encoded again by us, with nothing of the
original but its pixels.
"""

import io
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image, ImageOps, UnidentifiedImageError

from curation.errors import CurationError, UnreadableFile
from curation.pool import parquet
from curation.pool.columns import Columns
from curation.pool.formats import FORMATS
from curation.pool.inputs import PoolFile, place_of, unchanged

DECODED = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 50_000_000
MAX_SIDE = 30_000
AT_A_TIME = 64
"""Images that are in memory together when many are streamed."""

# Pillow only warns before it decodes a bomb
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def rgb(data: bytes, side: int | None = None) -> Image.Image:
    """The image as a model sees it and people do: upright, 8 bits a channel, in mode RGB, without metadata.

    What is transparent becomes white; of an animation the first frame is taken.

    side:  the image will be made this small: a JPEG may then be decoded at half its size or less, down to 2 * side
    raises UnreadableFile for anything else than a whole JPEG, PNG, WEBP or GIF of reasonable size
    """
    with _decoding():
        image = _eight_bit(_upright(_opened(data, side)))
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        clean = Image.new("RGB", image.size, "white")  # a new image has no metadata that could go along
        clean.paste(image, mask=image if image.mode == "RGBA" else None)
        return clean


def thumbnail(data: bytes, side: int) -> bytes:
    """The image as a small JPEG of our own, as `rgb` makes it, at most `side` pixels wide and high.

    raises UnreadableFile as `rgb` does
    """
    image = rgb(data, side)
    with _decoding():
        image.thumbnail((side, side), reducing_gap=3.0)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=85)
    return out.getvalue()


def small_grey(data: bytes, width: int, height: int) -> np.ndarray:
    """The image as `rgb` makes it, without its proportions: (height, width) uint8.

    raises UnreadableFile as `rgb` does
    """
    image = rgb(data, 4 * max(width, height))
    with _decoding():
        return np.asarray(image.convert("L").resize((width, height), Image.Resampling.BOX))


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except CurationError:
        raise
    except UnidentifiedImageError:  # its own message is an address in memory
        raise UnreadableFile(f"image: cannot be decoded (no {', '.join(DECODED[:-1])} or {DECODED[-1]})") from None
    except Exception as error:  # decoders raise whatever they like on damaged data
        reason = str(error).split("\n")[0][:100] or type(error).__name__
        raise UnreadableFile(f"image: cannot be decoded ({reason})") from None


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


def _opened(data: bytes, side: int | None) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=DECODED)
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise UnreadableFile(
            f"image: {image.width} x {image.height} pixels, more than {MAX_PIXELS:,} or a side over {MAX_SIDE:,}"
        )
    if side is not None:
        image.draft("RGB", (2 * side, 2 * side))  # a JPEG can be decoded small
    image.load()
    return image


def _upright(image: Image.Image) -> Image.Image:
    with suppress(Exception):  # damaged EXIF data: the picture itself is still good
        image = ImageOps.exif_transpose(image)
    return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Pillow cuts 16 bits to 8 at 255, which turns nearly everything white."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.int64) // 257).clip(0, 255).astype(np.uint8))
    return image
