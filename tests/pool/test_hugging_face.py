import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from curation.errors import MissingColumn, MissingFile, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.hugging_face import FORMAT
from curation.pool.uids import image_digest, pair_uid

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def table(rows: int, first: int = 0) -> pa.Table:
    numbers = range(first, first + rows)
    return pa.table(
        {
            "image": pa.array([{"bytes": b"image %d" % n, "path": f"{n}.jpg"} for n in numbers], IMAGE),
            "text": [f"text {n}" for n in numbers],
            "width": pa.array(numbers, pa.int64()),
        }
    )


def write_arrow(path: Path, data: pa.Table, rows_in_batch: int = 10) -> Path:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data, rows_in_batch)
    return path


def write_dataset(folder: Path, tables: list[pa.Table], **state: object) -> list[Path]:
    """A dataset as `save_to_disk` leaves it."""
    folder.mkdir(parents=True)
    names = [f"data-{at:05d}-of-{len(tables):05d}.arrow" for at in range(len(tables))]
    (folder / "dataset_info.json").write_text('{"features": {}}')
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names], **state}))
    return [write_arrow(folder / name, data) for name, data in zip(names, tables, strict=True)]


def read_all(path: Path, **columns: str) -> tuple[list[dict], dict[str, int], list[str]]:
    found = list(FORMAT.read(path, Columns(**columns)))
    dropped: dict[str, int] = {}
    for batch in found:
        for reason, rows in batch.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + rows
    rows = [row for batch in found for row in batch.pairs.to_pylist()]
    return rows, dropped, [batch.damage for batch in found if batch.damage]


def test_a_saved_dataset_is_its_data_files_in_order(tmp_path):
    paths = write_dataset(tmp_path / "data", [table(3), table(3, 3)])
    assert FORMAT.folder(tmp_path / "data") == paths
    assert FORMAT.fields(paths[0]) == ["image", "text", "width"]


def test_a_dataset_of_splits_is_the_files_of_all_of_them(tmp_path):
    train = write_dataset(tmp_path / "train", [table(3), table(3, 3)])
    test = write_dataset(tmp_path / "test", [table(1)])
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert FORMAT.folder(tmp_path) == [*train, *test]


def test_another_folder_is_none(tmp_path):
    (tmp_path / "state.json").write_text("{}")
    assert FORMAT.folder(tmp_path) is None


def test_a_data_file_that_is_gone_is_named(tmp_path):
    (path,) = write_dataset(tmp_path / "data", [table(3)])
    path.unlink()
    with pytest.raises(MissingFile, match=r"data-00000-of-00001\.arrow: no such file, though state\.json names it"):
        FORMAT.folder(tmp_path / "data")


def test_a_split_that_is_gone_is_named(tmp_path):
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train"]}')
    with pytest.raises(MissingFile, match=r"train/state\.json: no such file"):
        FORMAT.folder(tmp_path)


def test_a_dataset_of_chosen_rows_is_refused_with_what_to_do(tmp_path):
    write_dataset(tmp_path / "data", [table(3)], _indices_data_files=[{"filename": "indices.arrow"}])
    with pytest.raises(UnreadableFile, match="flatten_indices"):
        FORMAT.folder(tmp_path / "data")


@pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd", "", "..", 7, None])
def test_a_dataset_names_only_files_beside_it(tmp_path, name):
    write_dataset(tmp_path / "data", [table(3)], _data_files=[{"filename": name}])
    with pytest.raises(UnreadableFile, match="'_data_files' should list names of files or folders beside it"):
        FORMAT.folder(tmp_path / "data")


def test_rows_are_read_with_what_their_columns_say(tmp_path):
    rows, dropped, damage = read_all(write_arrow(tmp_path / "a.arrow", table(25)))
    made = pair_uid("text 24", None, image_digest([b"image 24"]))
    assert rows[24] == {
        "uid": made,
        "text": "text 24",
        "url": None,
        "image": "24",
        "row": 24,
        "width": 24,
        "height": None,
        "language": None,
    }
    assert ([row["row"] for row in rows], dropped, damage) == (list(range(25)), {}, [])


def test_images_are_read_by_row_in_any_order(tmp_path):
    path = write_arrow(tmp_path / "a.arrow", table(25))
    found = FORMAT.images(path, Columns(), ["24", "0", "9", "10", "24", "25", "x", "-1", "٣"])
    assert found == [b"image 24", b"image 0", b"image 9", b"image 10", b"image 24", None, None, None, None]


def test_arrow_in_its_random_access_form_is_read(tmp_path):
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, table(25).schema) as writer:
        writer.write_table(table(25), 10)
    rows, dropped, damage = read_all(tmp_path / "a.arrow")
    assert ([row["text"] for row in rows], dropped, damage) == ([f"text {n}" for n in range(25)], {}, [])
    assert FORMAT.images(tmp_path / "a.arrow", Columns(), ["24"]) == [b"image 24"]


def test_a_path_in_an_arrow_file_is_never_followed(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    image = pa.array([{"bytes": None, "path": str(tmp_path / "secret.jpg")}], IMAGE)
    path = write_arrow(tmp_path / "a.arrow", pa.table({"text": ["a"], "image": image}))
    assert [row["image"] for row in read_all(path)[0]] == [None]
    assert FORMAT.images(path, Columns(), ["0"]) == [None]


def test_images_may_be_plain_bytes_and_columns_of_odd_types_are_passed_over(tmp_path):
    data = {"text": ["a"], "image": [b"bytes"], "uid": [[1, 2]], "width": [{"x": 1}], "url": pa.nulls(1)}
    path = write_arrow(tmp_path / "a.arrow", pa.table(data))
    made = pair_uid("a", None, image_digest([b"bytes"]))
    assert [(row["uid"], row["image"], row["width"]) for row in read_all(path)[0]] == [(made, "0", None)]


def test_uids_and_urls_spare_reading_the_images(tmp_path):
    data = table(3).append_column("uid", pa.array(["u", None, None])).append_column("url", pa.array([None, "v", None]))
    uids = [row["uid"] for row in read_all(write_arrow(tmp_path / "a.arrow", data))[0]]
    assert uids == ["u", pair_uid("text 1", "v", None), pair_uid("text 2", None, image_digest([b"image 2"]))]


def test_texts_that_cannot_be_used_are_counted(tmp_path):
    bad = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 2, 3], np.int32)), pa.py_buffer(b"ok\xff"))
    texts = pa.chunked_array([bad, pa.array(["fine", None])])
    rows, dropped, _ = read_all(write_arrow(tmp_path / "a.arrow", pa.table({"text": texts})))
    assert [(row["text"], row["row"]) for row in rows] == [("ok", 0), ("fine", 2)]
    assert dropped == {"text is not UTF-8": 1, "text is null": 1}


def test_a_missing_text_column_is_named_with_those_there_are(tmp_path):
    path = write_arrow(tmp_path / "a.arrow", table(1))
    with pytest.raises(MissingColumn, match=r"no column 'alt' \(found: image, text, width\)"):
        read_all(path, text="alt")
    with pytest.raises(MissingColumn, match="column 'width' holds int64, not text"):
        read_all(path, text="width")


def test_a_file_cut_inside_a_batch_is_read_up_to_there(tmp_path):
    path = write_arrow(tmp_path / "a.arrow", table(25))
    path.write_bytes(path.read_bytes()[:-300])
    rows, _, damage = read_all(path)
    assert len(rows) == 20
    assert len(damage) == 1
    assert damage[0].startswith("cut off or damaged after 20 rows (")


def test_a_file_cut_between_two_batches_is_told(tmp_path):
    path = write_arrow(tmp_path / "a.arrow", table(25))
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    assert (len(read_all(path)[0]), read_all(path)[2]) == (25, [f"no end marker: cut off after {len(whole) - 8} bytes"])


@pytest.mark.parametrize("offsets", [[0, 3, 2**30], [0, 2**30, 6], [0, -9, 6]])
def test_offsets_that_lead_out_of_a_batch_are_found_before_they_are_followed(tmp_path, offsets):
    texts = pa.chunked_array([["one", "two"], ["fine"]])
    path = write_arrow(tmp_path / "a.arrow", pa.table({"text": texts}))
    good, bad = (np.array(numbers, np.int32).tobytes() for numbers in ([0, 3, 6], offsets))
    path.write_bytes(path.read_bytes().replace(good, bad, 1))
    rows, dropped, _ = read_all(path)
    assert ([(row["text"], row["row"]) for row in rows], dropped) == ([("fine", 2)], {"record batch is damaged": 2})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (gzip.compress(b"ARROW1", mtime=0), "compressed with gzip"),
        (b"\x28\xb5\x2f\xfd....", "compressed with zstd"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"no arrow file" * 100, "not an Arrow file"),
        (b"ARROW1\0\0" + bytes(100), "not an Arrow file, or cut short"),
    ],
)
def test_what_is_no_arrow_file_is_refused(tmp_path, data, message):
    (tmp_path / "a.arrow").write_bytes(data)
    with pytest.raises(UnreadableFile, match=message):
        read_all(tmp_path / "a.arrow")
    assert FORMAT.images(tmp_path / "a.arrow", Columns(), ["0"]) == [None]


def test_a_damaged_name_of_a_column_is_damage(tmp_path):
    path = write_arrow(tmp_path / "a.arrow", table(1))
    path.write_bytes(path.read_bytes().replace(b"width", b"wid\xffh", 1))
    with pytest.raises(UnreadableFile, match="not an Arrow file, or cut short"):
        FORMAT.fields(path)


def test_batches_are_bounded_by_rows_and_by_bytes(tmp_path, monkeypatch):
    path = write_arrow(tmp_path / "a.arrow", table(50), rows_in_batch=50)
    monkeypatch.setattr("curation.pool.hugging_face.BATCH_ROWS", 20)
    assert [len(batch.pairs) for batch in FORMAT.read(path, Columns())] == [20, 20, 10]
    monkeypatch.setattr("curation.pool.hugging_face.BATCH_ROWS", 10)
    monkeypatch.setattr("curation.pool.hugging_face.BATCH_BYTES", 60)
    assert [len(batch.pairs) for batch in FORMAT.read(path, Columns())] == [10] * 5


@pytest.mark.external
def test_what_datasets_saves_is_read(tmp_path):
    peer = pytest.importorskip("datasets")
    features = peer.Features({"image": peer.Image(), "text": peer.Value("string"), "id": peer.Value("int64")})
    rows = [{"image": {"bytes": b"image %d" % n, "path": None}, "text": f"text {n}", "id": n} for n in range(50)]
    data = peer.Dataset.from_list(rows, features=features)
    chosen = data.filter(lambda number: number % 2 == 0, input_columns="id")
    peer.DatasetDict({"train": data, "test": chosen}).save_to_disk(
        tmp_path / "saved", num_shards={"train": 2, "test": 1}
    )
    paths = FORMAT.folder(tmp_path / "saved")
    assert [path.parent.name for path in paths] == ["train", "train", "test"]
    found = [read_all(path, uid="id") for path in paths]
    assert [[row["uid"] for row in rows] for rows, _, _ in found] == [
        [str(n) for n in range(25)],
        [str(n) for n in range(25, 50)],
        [str(n) for n in range(0, 50, 2)],
    ]
    assert [rest for _, *rest in found] == [[{}, []]] * 3
    assert FORMAT.images(paths[1], Columns(), ["24", "0"]) == [b"image 49", b"image 25"]


def test_texts_in_the_new_types_of_arrow_are_read(tmp_path):
    stored = pa.array(["a long text of two dogs", "cat"], pa.string_view())
    texts = {
        "views": (stored, ["a long text of two dogs", "cat"]),
        "dictionary": (pa.DictionaryArray.from_arrays(pa.array([1, 0]), stored), ["cat", "a long text of two dogs"]),
        "list views": (
            pa.ListViewArray.from_arrays(
                pa.array([0, 0], pa.int32()), pa.array([2, 1], pa.int32()), stored.cast("string")
            ),
            ["a long text of two dogs", "cat", "a long text of two dogs"],
        ),
    }
    for column, expected in texts.values():
        rows, dropped, damage = read_all(write_arrow(tmp_path / "a.arrow", pa.table({"text": column})))
        assert ([row["text"] for row in rows], dropped, damage) == (expected, {}, [])


def test_columns_of_lists_are_no_uids_and_no_urls(tmp_path):
    data = pa.table({"text": ["a dog"], "uid": [["u"]], "url": [["http://x/1.jpg"]], "width": [[1]]})
    rows, dropped, _ = read_all(write_arrow(tmp_path / "a.arrow", data))
    assert [(row["text"], row["url"], row["width"]) for row in rows] == [("a dog", None, None)]
    assert dropped == {}
