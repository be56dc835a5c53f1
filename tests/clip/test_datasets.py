import io
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from curation.class_lists import parse_names
from curation.clip.datasets import load
from curation.clip.features import item_digest
from curation.errors import BadArgument, EmptyPool, MissingColumn, MissingFile, UnreadableFile
from tars import write_tar


def png(n: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), (n, 2 * n, 3 * n)).save(out, "PNG")
    return out.getvalue()


def write(path, data: bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_parquet(path, **columns):
    pq.write_table(pa.table(columns), path, row_group_size=3)
    return path


def labels(data):
    return [data.classnames[label] if label >= 0 else None for label in data.label]


def test_a_folder_has_a_class_in_each_sub_folder(tmp_path):
    for n, name in enumerate(("fire_truck/a.png", "fire_truck/b.JPG", "dog/deep/c.png", ".hidden/d.png", "dog/.e.png")):
        write(tmp_path / "set" / name, png(n))
    data = load(tmp_path / "set")
    assert (data.name, data.classnames, data.named) == ("set", ("dog", "fire truck"), True)
    assert data.label.tolist() == [0, 1, 1]
    assert data.digests == tuple(item_digest(png(n)) for n in (2, 0, 1))
    assert data.images([2, 0]) == [png(1), png(2)]
    assert (data.test.tolist(), data.train.tolist(), data.dropped) == ([0, 1, 2], [], {})


def test_a_folder_may_have_a_folder_for_each_split_first(tmp_path):
    for n, name in enumerate(("train/cat/a.png", "test/cat/a.png", "val/cat/a.png", "test/dog/b.png")):
        write(tmp_path / name, png(n))
    data = load(tmp_path)
    assert sorted(zip(data.split.tolist(), labels(data), strict=True)) == [
        ("test", "cat"), ("test", "dog"), ("train", "cat"), ("train", "cat"),
    ]  # fmt: skip
    assert data.train.size == data.test.size == 2


def test_validation_pictures_are_for_testing_where_there_are_no_others(tmp_path):
    for n, name in enumerate(("train/cat/a.png", "validation/cat/a.png")):
        write(tmp_path / name, png(n))
    assert sorted(load(tmp_path).split.tolist()) == ["test", "train"]


def test_a_class_that_is_called_train_is_a_class(tmp_path):
    for n, name in enumerate(("train/a.png", "plane/b.png")):
        write(tmp_path / name, png(n))
    data = load(tmp_path)
    assert (data.classnames, data.split.tolist()) == (("plane", "train"), ["", ""])


def test_what_is_no_picture_is_counted_and_a_link_that_leads_out_is_not_followed(tmp_path):
    write(tmp_path / "set/dog/a.png", png(1))
    write(tmp_path / "set/dog/notes.txt", b"x")
    write(tmp_path / "secret.png", png(2))
    (tmp_path / "set/dog/b.png").symlink_to(tmp_path / "secret.png")
    data = load(tmp_path / "set")
    assert len(data) == 1
    assert data.dropped == {"file is none of jpg, jpeg, png, webp, gif": 1, "image is outside of the folder": 1}


def test_a_folder_whose_name_is_no_unicode_has_a_name_that_can_be_written(tmp_path):
    write(tmp_path / "set" / os.fsdecode(b"caf\xe9") / "a.png", png(1))
    data = load(tmp_path / "set")
    assert (data.classnames, data.images([0])) == (("caf?",), [png(1)])


def test_hidden_shards_are_passed_over(tmp_path):
    for name in (".cache", "_parts", "shards"):
        (tmp_path / "set" / name).mkdir(parents=True)
        write_parquet(tmp_path / "set" / name / "a.parquet", image=[png(len(name))])
    write_parquet(tmp_path / "set" / "shards" / ".b.parquet", image=[png(9)])
    assert load(tmp_path / "set").digests == (item_digest(png(6)),)


def test_parquet_has_image_label_split_and_captions(tmp_path):
    path = write_parquet(
        tmp_path / "set.parquet",
        image=[png(n) for n in range(4)] + [None],
        label=["cat", "dog", None, "cat", "cat"],
        split=["train2017", "test", "test", "val", "test"],
        text=[["a cat", "a cat ", "my cat"], ["a dog"], [], [None, " "], ["?"]],
    )
    data = load(path)
    assert labels(data) == ["cat", "dog", None, "cat"]
    assert data.split.tolist() == ["train", "test", "test", "train"]
    assert data.captions == (("a cat", "my cat"), ("a dog",), (), ())
    assert data.dropped == {"no image": 1}
    assert data.images([0, 3, 1, 1]) == [png(0), png(3), png(1), png(1)]


def test_rows_of_parquet_are_read_in_any_order_and_one_that_is_gone_is_none(tmp_path):
    path = write_parquet(tmp_path / "set.parquet", image=[png(n) for n in range(8)], label=[0] * 8)
    data = load(path)
    for numbers in ([0, 1], [4], [5, 7], [6], [2, 3]):
        assert data.images(numbers) == [png(n) for n in numbers]
    write_parquet(path, image=[png(n) for n in range(3)], label=[0] * 3)
    assert load(path).images([0]) == [png(0)]
    assert data.images([2, 5]) == [png(2), None]


def test_the_names_of_a_hugging_face_class_label_are_taken(tmp_path):
    features = {"label": {"names": ["ant", "bee"], "_type": "ClassLabel"}}
    table = pa.table({"image": [{"bytes": png(n), "path": None} for n in range(3)], "label": [1, 0, -1]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, tmp_path / "set.parquet")
    data = load(tmp_path / "set.parquet")
    assert labels(data) == ["bee", "ant", None]
    assert data.images([1]) == [png(1)]


def test_webdataset_has_classes_captions_and_json_and_splits_by_shard(tmp_path):
    (tmp_path / "set").mkdir()
    write_tar(
        tmp_path / "set" / "train-000.tar",
        [("0.png", png(0)), ("0.cls", b"1\n"), ("1.jpg", png(1)), ("1.cls", b"0"), ("2.cls", b"0"), ("2.txt", b"x")],
    )
    write_tar(
        tmp_path / "set" / "test-000.tar",
        [
            ("0.png", png(2)), ("0.cls", b"0"), ("0.txt", "a dog\nein Hündchen\n".encode()),
            ("1.png", png(3)), ("1.json", json.dumps({"label": 1, "caption": "a cat"}).encode()),
            ("2.png", png(4)), ("2.json", b"{"),
        ],
    )  # fmt: skip
    data = load(tmp_path / "set")
    assert (data.classnames, data.named) == (("0", "1"), False)
    assert (data.label.tolist(), data.split.tolist()) == ([0, 1, 1, 0], ["test", "test", "train", "train"])
    assert data.captions == (("a dog", "ein Hündchen"), ("a cat",), (), ())
    assert data.dropped == {"no image": 1, "json cannot be read": 1}
    assert data.images([0, 1, 2, 3]) == [png(2), png(3), png(0), png(1)]


def test_a_cut_tar_says_what_is_lost(tmp_path):
    path = write_tar(tmp_path / "set.tar", [(f"{n}.{kind}", png(n)) for n in range(3) for kind in ("png", "cls")])
    path.write_bytes(path.read_bytes()[: 512 * 9])
    dropped = load(path).dropped
    assert dropped["damage in a tar file"] == 1


def test_a_list_of_names_is_the_set_of_classes_and_may_hold_more_than_are_shown(tmp_path):
    path = write_parquet(tmp_path / "set.parquet", image=[png(n) for n in range(3)], label=["cat", "fire_truck", "cat"])
    data = load(path, parse_names("zebra\ncat\nfire truck\ndog"))
    assert (data.classnames, data.label.tolist()) == (("zebra", "cat", "fire truck", "dog"), [1, 2, 1])


def test_as_many_names_as_labels_stand_for_these_in_order(tmp_path):
    path = write_parquet(tmp_path / "set.parquet", image=[png(n) for n in range(3)], label=["n10", "n02", "n10"])
    assert labels(load(path, parse_names("tench\nshark"))) == ["shark", "tench", "shark"]
    folders = tmp_path / "digits"
    for n in (10, 2):
        write(folders / str(n) / "a.png", png(n))
    assert labels(load(folders, parse_names("two\nten"))) == ["ten", "two"]


def test_labels_that_are_numbers_count_the_names(tmp_path):
    path = write_parquet(tmp_path / "set.parquet", image=[png(n) for n in range(2)], label=[2, 0])
    assert labels(load(path, parse_names("ant\nbee\ncat"))) == ["cat", "ant"]
    with pytest.raises(BadArgument, match=r"label 2 and only 2 class names"):
        load(path, parse_names("ant\nbee"))
    with pytest.raises(BadArgument, match="come twice"):
        load(path, parse_names("ant\nbee\nant"))


def test_names_that_leave_a_label_out_are_refused(tmp_path):
    path = write_parquet(tmp_path / "set.parquet", image=[png(n) for n in range(3)], label=["cat", "dog", "eel"])
    with pytest.raises(BadArgument, match=r"1 of 3 labels, such as 'eel', are not among the 2 class names"):
        load(path, parse_names("cat\ndog"))
    with pytest.raises(BadArgument, match="nothing to name"):
        load(write_parquet(tmp_path / "bare.parquet", image=[png(1)]), parse_names("cat"))


def test_two_folders_that_mean_the_same_are_refused(tmp_path):
    for name in ("fire_truck", "fire truck"):
        write(tmp_path / name / "a.png", png(len(name)))
    with pytest.raises(BadArgument, match="two classes are called 'fire truck'"):
        load(tmp_path)


def test_the_digest_changes_with_all_that_is_measured_with_and_with_nothing_else(tmp_path):
    columns = {"image": [png(1), png(2)], "label": ["cat", "dog"], "split": ["test", "train"], "text": ["a cat", "b"]}
    first = load(write_parquet(tmp_path / "set.parquet", **columns)).digest
    assert load(write_parquet(tmp_path / "again.parquet", **columns, uid=["x", "y"])).digest == first
    for name, values in (
        ("image", [png(1), png(3)]),
        ("label", ["dog", "cat"]),
        ("split", ["test", "test"]),
        ("text", ["a cat", "c"]),
    ):
        assert load(write_parquet(tmp_path / "other.parquet", **{**columns, name: values})).digest != first, name
    assert load(tmp_path / "set.parquet", parse_names("cat\ndog\neel")).digest != first


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda folder: folder / "nothing", MissingFile, "no such file or folder"),
        (lambda folder: write(folder / "set.zip", b"x") or folder / "set.zip", UnreadableFile, "are .parquet, .tar or"),
        (lambda folder: folder, BadArgument, "no folder with a sub-folder for each class"),
        (lambda folder: write_parquet(folder / "a.parquet", text=["x"]), MissingColumn, "no column 'image'"),
        (lambda folder: write_parquet(folder / "a.parquet", image=[png(1)], label=[0.5]), BadArgument, "is double"),
        (
            lambda folder: write_parquet(folder / "a.parquet", image=pa.array([None], pa.binary())),
            EmptyPool,
            "not one picture (1 x no image)",
        ),
    ],
)
def test_what_is_no_evaluation_set_is_refused_in_a_line(tmp_path, make, error, says):
    with pytest.raises(error, match=says.replace("(", r"\(").replace(")", r"\)")) as refused:
        load(make(tmp_path))
    assert "\n" not in str(refused.value)


def test_captions_and_labels_that_are_no_utf8_are_counted(tmp_path):
    bad = pa.array([b"\xff", b"ok"]).cast(pa.binary())
    table = pa.table({"image": [png(1), png(2)], "text": bad, "label": bad})
    pq.write_table(table, tmp_path / "set.parquet")
    data = load(tmp_path / "set.parquet")
    assert (data.captions, labels(data)) == (((), ("ok",)), [None, "ok"])
    assert data.dropped == {"caption is not UTF-8": 1, "label is not UTF-8": 1}


def test_the_sample_and_its_labels_are_read():
    from curation.runs.workspace import SAMPLE_DATA

    data = load(SAMPLE_DATA / "eval.parquet")
    assert (len(data), len(data.classnames)) == (2242, 1121)
    assert np.bincount(data.label).tolist() == [2] * 1121
