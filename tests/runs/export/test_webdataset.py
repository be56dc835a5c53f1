import io
import json
import tarfile

import pytest
from PIL import Image

from curation.errors import BadArgument, UnreadableFile
from curation.runs.export import webdataset
from curation.runs.export.options import ExportOptions
from curation.runs.export.write import export
from pictures import KINDS, picture

SUFFIXES = dict(zip(KINDS, ("jpg", "png", "webp", "gif"), strict=True))


def members(path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return tar.getmembers()


def test_image_text_and_json_of_a_pair_stand_side_by_side_under_one_key(picture_run, kept, tmp_path):
    manifest = export(picture_run, 20.0, tmp_path / "out", "webdataset", ExportOptions(shard_rows=100))
    key = 0
    for file in manifest["files"]:
        with tarfile.open(tmp_path / "out" / file["path"]) as tar:
            names = tar.getnames()
            assert len(names) == 3 * file["rows"]
            for at in range(0, len(names), 3):
                image, text, about = (tar.extractfile(name).read() for name in names[at : at + 3])
                pair = kept[json.loads(about)["uid"]]
                suffix = SUFFIXES[KINDS[pair["n"] % 4]]
                assert names[at : at + 3] == [f"{key:09d}.{suffix}", f"{key:09d}.txt", f"{key:09d}.json"]
                assert (image, text.decode()) == (picture(pair["n"]), pair["text"])
                assert json.loads(about) == {
                    "uid": pair["uid"],
                    "url": pair["url"],
                    "matched_entry_ids": pair["matched_entry_ids"],
                    "matched_entries": [f"w{entry_id}" for entry_id in pair["matched_entry_ids"]],
                    "t_min": pair["t_min"],
                }
                key += 1
    assert [file["rows"] for file in manifest["files"]] == [100] * (key // 100) + [key % 100]
    assert key == manifest["pairs"]


def test_members_are_regular_files_without_owner_and_time(picture_run, tmp_path):
    export(picture_run, 20.0, tmp_path / "out", "webdataset")
    for member in members(tmp_path / "out" / "00000.tar"):
        assert member.isreg()
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
        assert member.mode == 0o644


def test_a_pool_without_images_or_with_images_left_out_is_refused(picture_run, zipf_run, tmp_path):
    with pytest.raises(BadArgument, match="they are not in the pool of this run; choose another --format"):
        export(zipf_run, 20.0, tmp_path / "out", "webdataset")
    with pytest.raises(BadArgument, match="they are to be left out"):
        export(picture_run, 20.0, tmp_path / "out", "webdataset", ExportOptions(images=False))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["a member fewer", "cut short", "swapped", "doubled"])
def test_a_shard_that_cannot_be_read_back_does_not_count(picture_run, tmp_path, monkeypatch, damage):
    write_shard = webdataset._write_shard

    def write_and_damage(path, batches, first_key):
        rows = write_shard(path, batches, first_key)
        data = path.read_bytes()
        if damage == "cut short":
            path.write_bytes(data[: len(data) // 2])
            return rows
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            parts = [(member, tar.extractfile(member).read()) for member in tar]
        if damage == "a member fewer":
            parts.pop(100)
        elif damage == "swapped":
            parts[100], parts[101] = parts[101], parts[100]
        else:
            parts[3:3] = parts[:3]
        with tarfile.open(path, "w") as tar:
            for member, content in parts:
                tar.addfile(member, io.BytesIO(content))
        return rows

    monkeypatch.setattr(webdataset, "_write_shard", write_and_damage)
    with pytest.raises(UnreadableFile, match=r"\.tar"):
        export(picture_run, 20.0, tmp_path / "out", "webdataset")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.external
@pytest.mark.filterwarnings("ignore")
def test_the_library_webdataset_reads_what_we_write(picture_run, kept, tmp_path):
    wds = pytest.importorskip("webdataset")
    manifest = export(picture_run, 20.0, tmp_path / "out", "webdataset", ExportOptions(shard_rows=100))
    shards = [str(tmp_path / "out" / file["path"]) for file in manifest["files"]]
    seen = []
    for sample in wds.WebDataset(shards, shardshuffle=False, empty_check=True):
        about = json.loads(sample["json"])
        pair, suffix = kept[about["uid"]], next(name for name in SUFFIXES.values() if name in sample)
        assert sample["txt"].decode() == pair["text"]
        assert sample[suffix] == picture(pair["n"])
        assert Image.open(io.BytesIO(sample[suffix])).size == (4, 4)
        seen.append(about["uid"])
    assert len(seen) == len(set(seen)) == manifest["pairs"]
