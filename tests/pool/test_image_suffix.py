import io

import pytest
from PIL import Image

from curation.pool.image_suffix import image_suffix


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif")])
def test_an_image_tells_its_kind_by_how_it_begins(kind, suffix):
    out = io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, kind)
    assert image_suffix(out.getvalue()) == suffix


@pytest.mark.parametrize("data", [b"", b"RIFF....WAVE", b"BM", b"<svg/>", b"GIF88a", b"\xff\xd8", b"%PDF"])
def test_anything_else_is_of_no_kind(data):
    assert image_suffix(data) is None
