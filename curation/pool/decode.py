"""Decode images from anywhere: upright, 8 bits a channel, and with nothing of the original but its pixels.

What a decoder is fed may kill it: the app calls this in children alone (`pool.decoder`).
"""

import io
import warnings
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from curation.errors import CurationError, UnreadableFile

DECODED = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 50_000_000
MAX_SIDE = 30_000

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


def answer(side: int, data: bytes) -> Iterator[dict[str, str]]:
    """In a child of `pool.decoder`: {"jpeg": the thumbnail in base64} of an image, or {"reason": why there is none}."""
    try:
        yield {"jpeg": b64encode(thumbnail(data, side)).decode()}
    except UnreadableFile as error:
        yield {"reason": str(error)}


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except CurationError:
        raise
    except UnidentifiedImageError:  # its own message is an address in memory
        raise UnreadableFile(f"image: cannot be decoded (no {', '.join(DECODED[:-1])} or {DECODED[-1]})") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UnreadableFile(f"image: more than {MAX_PIXELS:,} pixels") from None
    except Exception as error:  # decoders raise whatever they like on damaged data
        reason = str(error).split("\n")[0][:100] or type(error).__name__
        raise UnreadableFile(f"image: cannot be decoded ({reason})") from None


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
