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

from curation import files
from curation.errors import CurationError, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.parquet import PoolFile, look_at

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 50_000_000
MAX_SIDE = 30_000
READ_ROWS = 64
"""Rows of images read at a time: a row may hold megabytes."""

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
    """The image bytes behind references of the form "<input>:<row>", as a run's pairs hold them.

    inputs, columns: of the run; the image column may be binary, or a struct with the bytes in its field `bytes`
    returns          one item a reference; None without an image, and where the input is gone, changed or damaged
    """
    wanted: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))  # input -> row -> places
    for place, reference in enumerate(references):
        with suppress(ValueError, AttributeError):
            at, row = (int(part) for part in (reference or "").split(":"))
            if 0 <= at < len(inputs) and 0 <= row < inputs[at].rows:
                wanted[at][row].append(place)
    found: list[bytes | None] = [None] * len(references)
    for at, places in wanted.items():
        with suppress(pa.ArrowException, OSError, CurationError):
            if look_at(Path(inputs[at].path), columns) == inputs[at]:  # else its rows are other pairs
                for row, image in _read_rows(inputs[at], columns.image, sorted(places)).items():
                    for place in places[row]:
                        found[place] = image
    return found


def _read_rows(file: PoolFile, column: str, rows: list[int]) -> dict[int, bytes | None]:
    first_rows = np.concatenate([[0], np.cumsum(file.rows_in_group)])
    found: dict[int, bytes | None] = {}
    with files.open_parquet(file.path) as parquet:
        if column not in parquet.schema_arrow.names:
            return found
        for group in np.unique(np.searchsorted(first_rows, rows, side="right") - 1).tolist():
            first = int(first_rows[group])
            left = [row for row in rows if first <= row < first_rows[group + 1]]
            for batch in parquet.iter_batches(READ_ROWS, row_groups=[group], columns=[column]):
                while left and left[0] < first + len(batch):
                    row = left.pop(0)
                    found[row] = _image_bytes(batch.column(0)[row - first].as_py())
                first += len(batch)
                if not left:
                    break
    return found


def _image_bytes(value: object) -> bytes | None:
    if isinstance(value, dict):
        value = value.get("bytes")
    return value if isinstance(value, bytes) else None


def _opened(data: bytes, side: int) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=FORMATS)
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
