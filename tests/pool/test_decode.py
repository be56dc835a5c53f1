import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from curation.errors import UnreadableFile
from curation.pool.decode import thumbnail


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    assert image.format == "JPEG"
    return image


def halves(width: int = 40, height: int = 20) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image


def near(pixel: tuple[int, ...], colour: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 30  # JPEG blurs


RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_thumbnail_is_a_small_jpeg_of_the_image(kind):
    small = decoded(thumbnail(encoded(halves(400, 200), kind), 160))

    assert small.size == (160, 80)
    assert near(small.getpixel((20, 40)), RED)
    assert near(small.getpixel((140, 40)), BLUE)


def test_an_image_is_never_made_larger():
    assert decoded(thumbnail(encoded(halves()), 160)).size == (40, 20)


# where the red left half goes for each EXIF orientation, which says how the camera was held
@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [
        (1, (40, 20), (5, 10)),
        (2, (40, 20), (35, 10)),
        (3, (40, 20), (35, 10)),
        (4, (40, 20), (5, 10)),
        (5, (20, 40), (10, 5)),
        (6, (20, 40), (10, 5)),
        (7, (20, 40), (10, 35)),
        (8, (20, 40), (10, 35)),
    ],
)
def test_every_exif_orientation_comes_out_upright(orientation, size, red):
    exif = Image.Exif()
    exif[0x0112] = orientation

    small = decoded(thumbnail(encoded(halves(), "JPEG", exif=exif, quality=95), 160))

    assert small.size == size
    assert near(small.getpixel(red), RED)
    assert near(small.getpixel((size[0] - 1 - red[0], size[1] - 1 - red[1])), BLUE)


def test_what_is_transparent_becomes_white():
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 10, 20))
    palette = Image.new("P", (20, 20), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])

    small = decoded(thumbnail(encoded(image), 160))
    assert near(small.getpixel((3, 10)), RED)
    assert near(small.getpixel((17, 10)), WHITE)
    assert near(decoded(thumbnail(encoded(palette, transparency=0), 160)).getpixel((10, 10)), WHITE)


def test_sixteen_bits_keep_their_shades():
    values = np.full((20, 20), 0x8080, np.uint16)

    small = decoded(thumbnail(encoded(Image.fromarray(values)), 160))

    assert near(small.getpixel((10, 10)), (128, 128, 128))


def test_cmyk_has_its_colours():
    cmyk = encoded(Image.new("RGB", (16, 16), (200, 30, 30)).convert("CMYK"), "JPEG", quality=100)

    assert near(decoded(thumbnail(cmyk, 160)).getpixel((8, 8)), (200, 30, 30))


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]

    small = decoded(thumbnail(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), 160))

    assert near(small.getpixel((10, 10)), RED)


def test_metadata_does_not_go_along():
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    data = encoded(halves(), "JPEG", exif=exif, comment=b"secret", icc_profile=b"profile" * 40)

    small = thumbnail(data, 160)

    assert b"taken at home" in data
    assert not any(word in small for word in (b"taken at home", b"secret", b"profile", b"Exif"))


def test_a_photo_with_damaged_exif_is_still_a_photo():
    data = encoded(halves(), "JPEG", exif=b"Exif\0\0" + b"\xff" * 40)

    assert decoded(thumbnail(data, 160)).size == (40, 20)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


PHOTO = encoded(Image.effect_noise((200, 200), 80).convert("RGB"), "JPEG")
BMP, TIFF = encoded(halves(), "BMP"), encoded(halves(), "TIFF")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no image at all",
        PHOTO[: len(PHOTO) // 2],
        PHOTO[:30],
        encoded(halves())[:-40],
        BMP,
        TIFF,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        png_header(13_000, 13_000),
        png_header(40_000, 10),
        png_header(100_000, 100_000),
    ],
    ids=["empty", "text", "half", "stub", "png cut", "bmp", "tiff", "eps", "svg", "169 MP", "long", "bomb"],
)
def test_what_is_no_whole_image_of_reasonable_size_is_refused(data):
    with pytest.raises(UnreadableFile, match=r"^image: .{1,160}$"):
        thumbnail(data, 160)
