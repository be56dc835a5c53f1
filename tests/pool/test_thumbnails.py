import io
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from curation.pool import thumbnails as module
from curation.pool.columns import Columns
from curation.pool.decoder import Decoder
from curation.pool.inputs import look_at_all
from curation.pool.thumbnails import kept_thumbnail, thumbnail_key, thumbnails


def photo(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (500, 300), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def inputs(tmp_path):
    images = pa.array([photo("red"), photo("blue"), b"no image", None], pa.binary())
    pq.write_table(pa.table({"text": ["a"] * 4, "image": images}), tmp_path / "pool.parquet")
    return look_at_all([str(tmp_path / "pool.parquet")], Columns())


@pytest.fixture(scope="module")
def decoder():
    made = Decoder()
    yield made
    made.stop()


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_thumbnails_are_small_jpegs_or_a_reason_in_the_order_asked_for(decoder, inputs, tmp_path):
    found = thumbnails(decoder, inputs, Columns(), ["0:1", None, "0:2", "0:0", "0:3", "7:0"], tmp_path / "kept")

    blue, nothing, broken, red, null, nowhere = found
    assert nothing is None
    assert broken.startswith("image: cannot be decoded")
    assert null.startswith("no image") and nowhere.startswith("no image")
    for data, colour in ((blue, (0, 0, 254)), (red, (254, 0, 0))):
        image = Image.open(io.BytesIO(data))
        assert image.size == (160, 96)
        assert image.getpixel((80, 48)) == colour
    assert files_in(tmp_path / "kept") == sorted(f"{thumbnail_key(inputs, ref)}.jpg" for ref in ("0:0", "0:1"))


def test_what_is_kept_is_not_read_again(decoder, inputs, tmp_path, monkeypatch):
    first = thumbnails(decoder, inputs, Columns(), ["0:0", "0:1"], tmp_path / "kept")
    monkeypatch.setattr(module, "read_images", lambda *_: pytest.fail("the pool was read"))

    assert thumbnails(decoder, inputs, Columns(), ["0:1", "0:0"], tmp_path / "kept") == first[::-1]


def test_a_file_that_a_crash_left_in_parts_is_made_again(decoder, inputs, tmp_path):
    (first,) = thumbnails(decoder, inputs, Columns(), ["0:0"], tmp_path)
    (path,) = tmp_path.rglob("*.jpg")
    path.write_bytes(first[:-100])

    assert kept_thumbnail(tmp_path, thumbnail_key(inputs, "0:0")) is None
    assert thumbnails(decoder, inputs, Columns(), ["0:0"], tmp_path) == [first]
    assert path.read_bytes() == first


def test_a_pool_that_changed_has_other_keys(inputs, tmp_path):
    before = thumbnail_key(inputs, "0:0")
    pq.write_table(pa.table({"text": ["b"], "image": pa.array([photo("red")])}), tmp_path / "pool.parquet")

    assert thumbnail_key(look_at_all([str(tmp_path / "pool.parquet")], Columns()), "0:0") != before


def test_a_folder_that_cannot_be_written_does_not_matter(decoder, inputs, tmp_path):
    (tmp_path / "kept").write_text("a file")

    assert isinstance(thumbnails(decoder, inputs, Columns(), ["0:0"], tmp_path / "kept")[0], bytes)


def test_the_oldest_go_where_there_are_too_many(decoder, inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 256 * 4)
    kept = tmp_path / "kept"
    folder = kept / thumbnail_key(inputs, "0:0")[:2]
    folder.mkdir(parents=True)
    for number in range(8):
        path = folder / f"{number}.jpg"
        path.write_bytes(b"old")
        os.utime(path, (number, number))

    thumbnails(decoder, inputs, Columns(), ["0:0"], kept)

    assert files_in(kept) == sorted([*(f"{n}.jpg" for n in range(2, 8)), f"{thumbnail_key(inputs, '0:0')}.jpg"])
