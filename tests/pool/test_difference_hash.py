import io

import numpy as np
import pytest
from PIL import Image

from curation.errors import UnreadableFile
from curation.pool.difference_hash import difference_hash


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def fields(grey: np.ndarray, scale: int = 32) -> Image.Image:
    return Image.fromarray(np.kron(grey, np.ones((scale, scale))).astype(np.uint8))


def scene(seed: int) -> Image.Image:
    return fields(np.random.default_rng(seed).integers(0, 256, (8, 9)))


def distance(a: bytes, b: bytes) -> int:
    return (difference_hash(a) ^ difference_hash(b)).bit_count()


def test_the_bits_say_where_it_grows_brighter_row_by_row():
    grey = np.zeros((8, 9))
    grey[0, 1], grey[7, 8] = 255, 255
    assert difference_hash(encoded(fields(grey))) == (1 << 63) | 1


def test_an_image_of_one_colour_has_no_bit_set():
    assert difference_hash(encoded(Image.new("RGB", (50, 20), "red"))) == 0


def test_scaling_and_compressing_change_few_bits_another_image_many():
    original = encoded(scene(0))
    assert distance(original, encoded(scene(0).resize((100, 90)), "JPEG", quality=60)) <= 3
    assert distance(original, encoded(scene(1))) > 16


def test_what_is_no_image_cannot_be_hashed():
    with pytest.raises(UnreadableFile, match="cannot be decoded"):
        difference_hash(b"<svg/>")
