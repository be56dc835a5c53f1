from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.errors import UnreadableFile
from curation.pool.columns import Columns
from curation.pool.formats import FORMATS
from curation.pool.images import read_images, stream_images
from curation.pool.inputs import look_at


def write_images(path: Path, images: list[object], kind: pa.DataType | None = None, row_group_size: int = 100) -> Path:
    table = pa.table({"text": [f"text {row}" for row in range(len(images))], "image": pa.array(images, kind)})
    pq.write_table(table, path, row_group_size=row_group_size)
    return path


COLUMNS = Columns()


def test_images_are_read_by_reference_in_any_order_and_across_files_and_row_groups(tmp_path):
    first = write_images(tmp_path / "a.parquet", [f"a{row}".encode() for row in range(250)], row_group_size=100)
    second = write_images(tmp_path / "b.parquet", [b"b0", None, b"b2"])
    inputs = [look_at(path, FORMATS["parquet"], COLUMNS) for path in (first, second)]

    found = read_images(inputs, COLUMNS, ["1:2", "0:249", None, "0:0", "0:100", "1:1", "0:99", "0:249"])

    assert found == [b"b2", b"a249", None, b"a0", b"a100", None, b"a99", b"a249"]


def test_images_in_a_struct_with_bytes_are_read(tmp_path):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    path = write_images(
        tmp_path / "hf.parquet", [{"bytes": b"jpeg", "path": "1.jpg"}, {"bytes": None, "path": "x"}], kind
    )

    assert read_images([look_at(path, FORMATS["parquet"], COLUMNS)], COLUMNS, ["0:0", "0:1"]) == [b"jpeg", None]


@pytest.mark.parametrize(
    "reference", ["", "0", "x:1", "0:x", "-1:0", "0:-1", "0:3", "1:0", "0:1:2", "0:99999999999999999999"]
)
def test_a_reference_that_leads_nowhere_gives_none(tmp_path, reference):
    path = write_images(tmp_path / "a.parquet", [b"0", b"1", b"2"])

    assert read_images([look_at(path, FORMATS["parquet"], COLUMNS)], COLUMNS, [reference]) == [None]


def test_an_input_that_vanished_changed_or_is_damaged_gives_none(tmp_path):
    paths = [
        write_images(tmp_path / f"{name}.parquet", [name.encode()]) for name in ("gone", "changed", "damaged", "good")
    ]
    inputs = [look_at(path, FORMATS["parquet"], COLUMNS) for path in paths]
    paths[0].unlink()
    write_images(paths[1], [b"another image"])
    paths[2].write_bytes(b"PAR1 no longer")

    assert read_images(inputs, COLUMNS, ["0:0", "1:0", "2:0", "3:0"]) == [None, None, None, b"good"]


def test_a_pool_without_images_gives_none(tmp_path):
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")

    assert read_images([look_at(tmp_path / "a.parquet", FORMATS["parquet"], COLUMNS)], COLUMNS, ["0:0"]) == [None]


def test_images_are_streamed_in_the_order_of_their_references(tmp_path):
    first = write_images(tmp_path / "a.parquet", [f"a{row}".encode() for row in range(250)], row_group_size=100)
    second = write_images(tmp_path / "b.parquet", [b"b0", None, b"b2"])
    inputs = [look_at(path, FORMATS["parquet"], COLUMNS) for path in (first, second)]
    references = ["0:3", "0:99", "0:100", "0:249", "1:0", "1:1", None, "1:2", "0:7", "0:7", "0:5", "x", "0:250"]

    found = list(stream_images(inputs, COLUMNS, references))

    assert found == [
        b"a3", b"a99", b"a100", b"a249", b"b0", None, None, b"b2", b"a7", b"a7", b"a5", None, None,
    ]  # fmt: skip


def test_ascending_references_cost_one_pass_over_their_input(tmp_path, monkeypatch):
    path = write_images(tmp_path / "a.parquet", [f"{row}".encode() for row in range(1000)], row_group_size=500)
    opened = []
    monkeypatch.setattr(
        "curation.pool.parquet.files.open_parquet", lambda path: opened.append(path) or pq.ParquetFile(path)
    )
    inputs = [look_at(path, FORMATS["parquet"], COLUMNS)]
    opened.clear()

    assert list(stream_images(inputs, COLUMNS, [f"0:{row}" for row in range(0, 1000, 3)]))[-1] == b"999"

    assert len(opened) == 2  # to look whether it changed, and to read


def test_streaming_from_an_input_that_changed_or_is_damaged_says_so(tmp_path):
    paths = [write_images(tmp_path / f"{name}.parquet", [name.encode()]) for name in ("changed", "damaged")]
    inputs = [look_at(path, FORMATS["parquet"], COLUMNS) for path in paths]
    write_images(paths[0], [b"another image"])
    paths[1].write_bytes(b"PAR1 no longer")
    for reference, message in (("0:0", "has changed since the run began"), ("1:0", "damaged")):
        with pytest.raises(UnreadableFile, match=message):
            list(stream_images(inputs, COLUMNS, [reference]))
