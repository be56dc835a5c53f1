import csv
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from curation.errors import MissingColumn, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.hugging_face import FORMAT
from curation.pool.uids import image_digest, pair_uid

ROWS = [{"file_name": f"images/{n}.jpg", "text": f"text {n}", "url": None} for n in range(3)]


def write_folder(folder: Path, kind: str, rows: list[dict] = ROWS) -> Path:
    """Three images, and the rows in a metadata file of some kind."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for n in range(3):
        (folder / "images" / f"{n}.jpg").write_bytes(b"image %d" % n)
    path = folder / f"metadata.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return path


def read_all(path: Path, **columns: str) -> tuple[list[dict], dict[str, int]]:
    found = list(FORMAT.read(path, Columns(**columns)))
    dropped: dict[str, int] = {}
    for batch in found:
        for reason, rows in batch.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + rows
    return [row for batch in found for row in batch.pairs.to_pylist()], dropped


KINDS = ["csv", "jsonl", "parquet"]


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_and_their_images_are_read(tmp_path, kind):
    path = write_folder(tmp_path, kind)
    assert FORMAT.folder(tmp_path) == [path]
    assert FORMAT.fields(path) == ["file_name", "text", "url"]
    rows, dropped = read_all(path)
    assert [(row["uid"], row["text"], row["image"], row["row"]) for row in rows] == [
        (pair_uid(f"text {n}", None, image_digest([b"image %d" % n])), f"text {n}", f"images/{n}.jpg", n)
        for n in range(3)
    ]
    assert dropped == {}
    assert FORMAT.images(path, Columns(), ["images/2.jpg", "images/0.jpg"]) == [b"image 2", b"image 0"]


def test_splits_have_metadata_of_their_own(tmp_path):
    paths = [write_folder(tmp_path / split, "jsonl") for split in ("test", "train")]
    assert FORMAT.folder(tmp_path) == paths


def test_a_metadata_file_without_names_of_images_makes_no_image_folder(tmp_path):
    (tmp_path / "metadata.csv").write_text("name,text\na,b\n")
    (tmp_path / "metadata.jsonl").write_text("")
    assert FORMAT.folder(tmp_path) is None


def test_two_metadata_files_in_one_folder_are_refused(tmp_path):
    for kind in ("csv", "jsonl"):
        write_folder(tmp_path, kind)
    with pytest.raises(UnreadableFile, match=r"both metadata\.csv and metadata\.jsonl name the images"):
        FORMAT.folder(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_outside_of_the_folder_is_counted_and_never_read(tmp_path, kind):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "pool-secret.jpg").write_bytes(b"secret")
    names = ["../secret.jpg", str(tmp_path / "secret.jpg"), "link.jpg", "../pool-secret.jpg", "images/../../secret.jpg"]
    path = write_folder(
        tmp_path / "pool", kind, [{"file_name": name, "text": "a"} for name in [*names, "images/0.jpg"]]
    )
    (tmp_path / "pool" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    rows, dropped = read_all(path)
    assert ([row["image"] for row in rows], dropped) == (["images/0.jpg"], {"image is outside of the folder": 5})
    assert FORMAT.images(path, Columns(), names) == [None] * 5


def test_an_image_that_is_not_there_is_counted(tmp_path):
    names = ["none.jpg", "images", "pipe.jpg", "x" * 5000, "nul\0.jpg", "circle.jpg", "images/0.jpg/x.jpg"]
    path = write_folder(tmp_path, "jsonl", [{"file_name": name, "text": "a", "uid": 1} for name in names])
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "circle.jpg").symlink_to(tmp_path / "circle.jpg")
    assert read_all(path) == ([], {"image is not in the folder": 7})
    assert FORMAT.images(path, Columns(), names) == [None] * 7


def test_a_link_inside_of_the_folder_is_followed(tmp_path):
    path = write_folder(tmp_path, "jsonl", [{"file_name": "link.jpg", "text": "a"}])
    (tmp_path / "link.jpg").symlink_to(tmp_path / "images" / "1.jpg")
    assert FORMAT.images(path, Columns(), [row["image"] for row in read_all(path)[0]]) == [b"image 1"]


def test_an_image_over_50_mb_is_counted(tmp_path):
    path = write_folder(tmp_path, "jsonl", [{"file_name": "big.jpg", "text": "a"}])
    with (tmp_path / "big.jpg").open("wb") as file:
        file.truncate(50_000_001)
    assert read_all(path) == ([], {"image is over 50 MB": 1})


def test_a_row_without_the_name_of_an_image_is_a_pair_without_image(tmp_path):
    path = write_folder(tmp_path, "jsonl", [{"file_name": None, "text": "a"}])
    assert [(row["text"], row["image"]) for row in read_all(path)[0]] == [("a", None)]


def test_lines_of_json_that_cannot_be_read_are_counted(tmp_path):
    path = write_folder(tmp_path, "jsonl")
    good = json.dumps(ROWS[0]).encode()
    lines = [good, b"", b"{", b"[]", b'{"text": "\xff"}', b'{"text": ["a"]}', b'{"text": "\\ud83d"}', b'{"text": null}']
    path.write_bytes(b"\n".join([*lines, b"[" * 100_000, b'"' + b"x" * 12_000_000 + b'"', good]))
    rows, dropped = read_all(path)
    assert [row["row"] for row in rows] == [0, 9]
    assert dropped == {
        "line is no JSON object": 3,
        "line is not UTF-8": 1,
        "text is no text": 1,
        "text is not UTF-8": 1,
        "text is null": 1,
        "line is over 5 MB": 1,
    }


def test_rows_of_csv_that_cannot_be_read_are_counted(tmp_path):
    path = write_folder(tmp_path, "csv")
    lines = [b"\xef\xbb\xbffile_name,text", b"images/0.jpg,NA", b'images/1.jpg,"two', b'lines, ""x"""', b"images/2.jpg"]
    lines += [b"images/2.jpg,caf\xe9", b"images/2.jpg," + b"x" * 12_000_000, b"", b"images/2.jpg,#last"]
    path.write_bytes(b"\r\n".join(lines))
    rows, dropped = read_all(path)
    assert [row["text"] for row in rows] == ["NA", 'two\r\nlines, "x"', "#last"]
    assert dropped == {"wrong number of values": 1, "text is not UTF-8": 1, "text is longer than 1 MB": 1}


def test_texts_of_a_table_that_are_no_utf8_are_counted(tmp_path):
    path = write_folder(tmp_path, "parquet")
    texts = pa.array([b"ok", b"\xff", None], pa.binary())
    pq.write_table(pa.table({"file_name": [f"images/{n}.jpg" for n in range(3)], "text": texts}), path)
    rows, dropped = read_all(path)
    assert ([row["text"] for row in rows], dropped) == (["ok"], {"text is not UTF-8": 1, "text is null": 1})


def test_a_missing_column_is_named_with_those_there_are(tmp_path):
    path = write_folder(tmp_path, "csv")
    with pytest.raises(MissingColumn, match=r"no column 'alt' \(found: file_name, text, url\); .*--text-column"):
        read_all(path, text="alt")
    path.write_text("photo_file_name,text\nimages/0.jpg,a\n")
    with pytest.raises(
        MissingColumn, match=r"no column 'file_name' \(found: photo_file_name, text\); .*--image-column"
    ):
        read_all(path)
    assert [row["image"] for row in read_all(path, image="photo")[0]] == ["images/0.jpg"]


@pytest.mark.external
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the peer leaves metadata.csv open
@pytest.mark.parametrize("kind", KINDS)
def test_datasets_reads_the_same_pairs_as_we(tmp_path, kind):
    peer = pytest.importorskip("datasets")
    path = write_folder(tmp_path / "pool", kind)
    for n in range(3):
        Image.new("RGB", (10 + n, 10)).save(tmp_path / "pool" / "images" / f"{n}.jpg")
    theirs = peer.load_dataset("imagefolder", data_dir=str(tmp_path / "pool"), cache_dir=str(tmp_path / "cache"))[
        "train"
    ]
    theirs = theirs.cast_column("image", peer.Image(decode=False))
    pairs = {row["text"]: row["image"] for row in read_all(path)[0]}
    ours = {text: str(tmp_path / "pool" / name) for text, name in pairs.items()}
    assert {row["text"]: row["image"]["path"] for row in theirs} == ours
