"""A hash of what an image looks like: images that were scaled or compressed again get the same or nearly the same."""

import numpy as np

from curation.pool.decode import small_grey


def difference_hash(image: bytes) -> int:
    """64 bits, 0 <= hash < 2**64: whether the image grows brighter from each of 8 x 8 fields to the field on its right.

    The image is turned upright, made grey and scaled to 9 x 8. Images without structure, such as of one colour, all
    have hash 0.

    raises UnreadableFile for what is no image that can be decoded
    """
    grey = small_grey(image, 9, 8)  # (8, 9) uint8
    bits = grey[:, 1:] > grey[:, :-1]
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
