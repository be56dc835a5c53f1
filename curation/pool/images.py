"""Images of a pool: read their bytes, and make thumbnails of our own that are safe to show.

An image of a pool comes from anywhere. What leaves here was decoded and encoded again by us, with nothing of the
original but its pixels.
"""

import io
import warnings
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image, ImageOps

from curation.errors import CurationError, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.formats import FORMATS
from curation.pool.inputs import PoolFile, unchanged

DECODED = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 50_000_000
MAX_SIDE = 30_000

# Pillow only warns before it decodes a bomb
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def thumbnail(data: bytes, side: int) -> bytes:
    """The image as a small JPEG of our own, upright, at most `side` pixels wide and high, without metadata.

    What is transparent becomes white; of an animation the first frame is taken.

    raises UnreadableFile for anything else than a whole JPEG, PNG, WEBP or GIF of reasonable size
    """
    try:
        image = _opened(data, side)
        image = _eight_bit(_upright(image))
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        image.thumbnail((side, side), reducing_gap=3.0)
        clean = Image.new("RGB", image.size, "white")  # a new image has no metadata that could go along
        clean.paste(image, mask=image if image.mode == "RGBA" else None)
        out = io.BytesIO()
        clean.save(out, "JPEG", quality=85)
    except CurationError:
        raise
    except Exception as error:  # decoders raise whatever they like on damaged data
        reason = str(error).split("\n")[0][:100] or type(error).__name__
        raise UnreadableFile(f"image: cannot be decoded ({reason})") from None
    return out.getvalue()


def read_images(inputs: Sequence[PoolFile], columns: Columns, references: Sequence[str | None]) -> list[bytes | None]:
    """The image bytes behind references of the form "<input>:<where in it>", as a run's pairs hold them.

    inputs, columns: of the run
    returns          one item a reference; None without an image, and where the input is gone, changed or damaged
    """
    wanted: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))  # input -> where -> places
    for place, reference in enumerate(references):
        number, _, where = (reference or "").partition(":")
        if number.isascii() and number.isdecimal() and int(number) < len(inputs):
            wanted[int(number)][where].append(place)
    found: list[bytes | None] = [None] * len(references)
    for at, places in wanted.items():
        read = FORMATS[inputs[at].format].images
        with suppress(pa.ArrowException, OSError, CurationError):
            if read is not None and unchanged(inputs[at], columns):  # else other pairs stand there
                for where, image in zip(places, read(Path(inputs[at].path), columns, list(places)), strict=True):
                    for place in places[where]:
                        found[place] = image
    return found


def _opened(data: bytes, side: int) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=DECODED)
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise UnreadableFile(
            f"image: {image.width} x {image.height} pixels, more than {MAX_PIXELS:,} or a side over {MAX_SIDE:,}"
        )
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
