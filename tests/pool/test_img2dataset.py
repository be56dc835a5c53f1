import functools
import http.server
import io
import json
import shutil
import subprocess
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from curation.errors import MissingColumn, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.img2dataset import FORMAT
from curation.pool.uids import image_digest, pair_uid
from tars import image, tar_bytes, write_tar

STATUSES = ["success", "failed_to_download", "success", "failed_to_resize", "success"]


def table(**columns: object) -> pa.Table:
    """The table of a shard of five rows, the second and fourth of which failed."""
    worked = [status == "success" for status in STATUSES]
    return pa.table(
        {
            "url": [f"http://x/{row}.jpg" for row in range(5)],
            "caption": [f"text {row}" for row in range(5)],
            "key": [f"{row:09d}" for row in range(5)],
            "status": STATUSES,
            "error_message": pa.nulls(5),
            "width": pa.array([256 if ok else None for ok in worked], pa.int32()),
            "height": pa.array([256 if ok else None for ok in worked], pa.int32()),
            "original_width": pa.array([640 if ok else None for ok in worked], pa.int32()),
            "original_height": pa.array([480 if ok else None for ok in worked], pa.int32()),
            **columns,
        }
    )


def members(rows: list[int]) -> list[tuple[str, bytes]]:
    return [
        member
        for row in rows
        for member in [
            (f"{row:09d}.jpg", image(row)),
            (f"{row:09d}.json", json.dumps({"key": f"{row:09d}", "caption": f"text {row}"}).encode()),
            (f"{row:09d}.txt", f"text {row}".encode()),
        ]
    ]


def write_shard(folder: Path, shard: str = "00000", **columns: object) -> Path:
    """The table and the statistics of a shard."""
    folder.mkdir(exist_ok=True)
    (folder / f"{shard}_stats.json").write_text("{}")
    pq.write_table(table(**columns), folder / f"{shard}.parquet")
    return folder / f"{shard}.parquet"


def read_all(path: Path, **columns: str) -> tuple[list[dict], dict[str, int], list[str]]:
    found = list(FORMAT.read(path, Columns(**columns)))
    dropped = sum((batch.dropped for batch in found[1:]), start=found[0].dropped)
    rows = [row for batch in found for row in batch.pairs.to_pylist()]
    return rows, dict(dropped), [batch.damage for batch in found if batch.damage]


def read_images(path: Path) -> list[bytes | None]:
    return FORMAT.images(path, Columns(), [row["image"] for row in read_all(path)[0]])


FAILED = {"failed_to_download": 1, "failed_to_resize": 1}


def test_a_folder_is_known_by_its_statistics_and_each_shard_is_a_file(tmp_path):
    shards = [write_shard(tmp_path, "00001"), write_shard(tmp_path, "00000")]
    write_tar(tmp_path / "00000.tar", members([0]))
    write_tar(tmp_path / "00002.tar", members([0]))
    (tmp_path / "notes.parquet").write_bytes(b"")
    assert FORMAT.folder(tmp_path) == [shards[1], shards[0], tmp_path / "00002.tar"]


def test_a_folder_without_statistics_of_a_shard_is_another_format(tmp_path):
    write_tar(tmp_path / "00000.tar", members([0]))
    (tmp_path / "run_stats.json").write_text("{}")
    assert FORMAT.folder(tmp_path) is None


def test_the_table_tells_the_pairs_and_failed_rows_are_counted_by_status(tmp_path):
    path = write_shard(tmp_path)
    write_tar(tmp_path / "00000.tar", members([2, 4, 0]))
    rows, dropped, damage = read_all(path)
    assert rows[1] == {
        "uid": pair_uid("text 2", "http://x/2.jpg", None),
        "text": "text 2",
        "url": "http://x/2.jpg",
        "image": "512+" + str(len(image(2))),
        "row": 2,
        "width": 640,
        "height": 480,
        "language": None,
    }
    assert [row["row"] for row in rows] == [0, 2, 4]
    assert (dropped, damage) == (FAILED, [])


def test_images_in_a_tar_file_are_found_by_their_key(tmp_path):
    path = write_shard(tmp_path)
    write_tar(tmp_path / "00000.tar", members([2, 4, 0]))
    assert read_images(path) == [image(0), image(2), image(4)]


def test_images_in_a_folder_are_found_by_their_key(tmp_path):
    path = write_shard(tmp_path)
    (tmp_path / "00000").mkdir()
    for name, data in members([0, 2, 4]):
        (tmp_path / "00000" / name).write_bytes(data)
    assert [row["image"] for row in read_all(path)[0]] == ["000000000.jpg", "000000002.jpg", "000000004.jpg"]
    assert read_images(path) == [image(0), image(2), image(4)]


def test_images_in_the_table_are_found_by_their_row(tmp_path):
    data = [image(row) if status == "success" else None for row, status in enumerate(STATUSES)]
    path = write_shard(tmp_path, jpg=pa.array(data, pa.binary()))
    pq.write_table(pq.read_table(path), path, row_group_size=2)
    assert [row["image"] for row in read_all(path)[0]] == ["0", "2", "4"]
    assert FORMAT.images(path, Columns(), ["4", "0", "1", "5", "x"]) == [image(4), image(0), None, None, None]


def test_without_any_images_the_pairs_are_there(tmp_path):
    rows, dropped, _ = read_all(write_shard(tmp_path))
    assert ([row["image"] for row in rows], dropped) == ([None] * 3, FAILED)


def test_an_image_that_the_table_promises_and_the_tar_file_lacks_is_counted(tmp_path):
    path = write_shard(tmp_path)
    write_tar(tmp_path / "00000.tar", members([0, 4]))
    rows, dropped, _ = read_all(path)
    assert [row["text"] for row in rows] == ["text 0", "text 4"]
    assert dropped == {**FAILED, "image is not in the tar": 1}


def test_damage_of_the_tar_file_is_told(tmp_path):
    path = write_shard(tmp_path)
    data = tar_bytes(members([0, 2, 4]))
    (tmp_path / "00000.tar").write_bytes(data[:5000])
    rows, dropped, damage = read_all(path)
    assert ([row["text"] for row in rows], dropped["image is not in the tar"]) == (["text 0"], 2)
    assert len(damage) == 1
    assert damage[0].endswith("no end marker: cut off after 5000 bytes")
    assert damage[0].startswith("00000.tar: ")


def test_a_tar_file_that_is_none_is_told(tmp_path):
    path = write_shard(tmp_path)
    (tmp_path / "00000.tar").write_bytes(b"no tar" * 1000)
    rows, dropped, damage = read_all(path)
    assert (rows, dropped["image is not in the tar"]) == ([], 3)
    assert "not a tar file" in damage[0]


def test_a_link_in_the_folder_of_images_is_not_followed(tmp_path):
    path = write_shard(tmp_path / "pool")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "pool" / "00000").mkdir()
    (tmp_path / "pool" / "00000" / "000000000.jpg").symlink_to(tmp_path / "secret.jpg")
    assert read_all(path)[1]["image is not in the folder"] == 3
    names = ["000000000.jpg", "../../secret.jpg", str(tmp_path / "secret.jpg")]
    assert FORMAT.images(path, Columns(), names) == [None] * 3


def test_columns_may_be_chosen(tmp_path):
    path = write_shard(tmp_path, alt=["one", None, None, None, "five"], id=[1, 2, 3, 4, 5])
    rows, dropped, _ = read_all(path, text="alt", uid="id", width="width", height="none")
    assert [(row["uid"], row["text"], row["width"]) for row in rows] == [("1", "one", 256), ("5", "five", 256)]
    assert dropped == {**FAILED, "text is null": 1}


def test_a_download_without_captions_names_its_columns(tmp_path):
    path = write_shard(tmp_path)
    pq.write_table(table().drop_columns(["caption"]), path)
    with pytest.raises(MissingColumn, match="no column 'caption' \\(found: url, key, status"):
        read_all(path)


def test_a_shard_without_a_table_is_read_as_a_tar_file(tmp_path):
    path = write_tar(tmp_path / "00000.tar", members([0, 1]))
    assert [(row["uid"], row["text"]) for row in read_all(path)[0]] == [
        (pair_uid("text 0", None, image_digest([image(0)])), "text 0"),
        (pair_uid("text 1", None, image_digest([image(1)])), "text 1"),
    ]
    assert read_images(path) == [image(0), image(1)]
    assert FORMAT.fields(path) == ["jpg", "json", "txt", "key", "caption"]


def test_a_table_that_is_not_whole_is_refused(tmp_path):
    path = write_shard(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableFile, match="not a whole Parquet file"):
        read_all(path)
    assert FORMAT.images(path, Columns(), ["0"]) == [None]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *message: object) -> None:
        pass


@pytest.fixture
def web(tmp_path):
    """A server on this machine, with images 0 and 2, and a text that is called an image."""
    (tmp_path / "web").mkdir()
    for number in (0, 2):
        out = io.BytesIO()
        Image.new("RGB", (300 + number, 200), "red").save(out, "JPEG")
        (tmp_path / "web" / f"{number}.jpg").write_bytes(out.getvalue())
    (tmp_path / "web" / "3.jpg").write_text("no image")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "web"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.external
@pytest.mark.skipif(not shutil.which("img2dataset"), reason="no img2dataset on the PATH")
@pytest.mark.parametrize("output", ["webdataset", "files", "parquet"])
def test_what_img2dataset_writes_is_read(tmp_path, web, output):
    urls = pa.table({"url": [f"{web}/{row}.jpg" for row in range(4)], "alt": [f"text {row}" for row in range(4)]})
    pq.write_table(urls, tmp_path / "urls.parquet")
    options = {"url_list": tmp_path / "urls.parquet", "input_format": "parquet", "url_col": "url", "caption_col": "alt"}
    options |= {"output_folder": tmp_path / "out", "output_format": output, "image_size": 64, "processes_count": 1}
    command = ["img2dataset", *(f"--{name}={value}" for name, value in options.items())]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (path,) = FORMAT.folder(tmp_path / "out")
    rows, dropped, damage = read_all(path)
    assert sorted((row["text"], row["width"], row["height"]) for row in rows) == [
        ("text 0", 300, 200),
        ("text 2", 302, 200),
    ]
    assert (dropped, damage) == (FAILED, [])
    assert [Image.open(io.BytesIO(data)).size for data in read_images(path)] == [(64, 64)] * 2
