import json
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from curation.errors import MissingColumn, UnreadableFile
from curation.pool.columns import Columns
from curation.pool.uids import image_digest, pair_uid
from curation.pool.webdataset import FORMAT
from tars import DAMAGED, TAR, add, image, sample, samples, write_tar


def read_all(path: Path, **columns: str) -> tuple[list[dict], dict[str, int], list[str]]:
    """All pairs as rows, what was left out, and the damage."""
    found = list(FORMAT.read(path, Columns(**columns)))
    dropped: dict[str, int] = {}
    for batch in found:
        for reason, rows in batch.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + rows
    rows = [row for batch in found for row in batch.pairs.to_pylist()]
    return rows, dropped, [batch.damage for batch in found if batch.damage]


def read_members(tmp_path: Path, members: list[tuple[str, bytes]], **columns: str):
    return read_all(write_tar(tmp_path / "a.tar", members), **columns)


def texts(found) -> list[str]:
    return [row["text"] for row in found[0]]


def test_a_sample_is_a_pair_with_what_its_json_says(tmp_path):
    record = {"uid": "u", "url": "http://x/1.jpg", "width": 640, "height": "480", "language": "en"}
    members = [("a/1.jpg", b"image"), ("a/1.json", json.dumps(record).encode()), ("a/1.txt", b"a dog")]
    rows, dropped, damage = read_members(tmp_path, members)
    assert rows == [{**record, "text": "a dog", "height": 480, "row": 0, "image": "512+5"}]
    assert (dropped, damage) == ({}, [])


def test_images_are_read_by_their_reference_alone(tmp_path):
    path = write_tar(tmp_path / "a.tar", samples(range(100)))
    references = [row["image"] for row in read_all(path)[0]]
    assert FORMAT.images(path, Columns(), references[::-7]) == [image(number) for number in range(99, -1, -7)]


@pytest.mark.parametrize("reference", ["", "0", "x+1", "-1+5", "0+-1", "0+99999999", "99999999+5", "1+2+3", "٣+5"])
def test_a_reference_that_leads_nowhere_gives_none(tmp_path, reference):
    path = write_tar(tmp_path / "a.tar", sample(1))
    assert FORMAT.images(path, Columns(), [reference]) == [None]


def test_images_of_a_file_that_is_gone_are_none(tmp_path):
    assert FORMAT.images(tmp_path / "gone.tar", Columns(), ["512+5"]) == [None]


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_told_and_every_sample_outside_of_it_is_found(tmp_path, name):
    data, harmed = DAMAGED[name][0](), DAMAGED[name][1]
    (tmp_path / "a.tar").write_bytes(data)
    rows, _, damage = read_all(tmp_path / "a.tar")
    whole = [number for number in range(100) if number not in harmed]
    assert [(row["uid"], row["text"]) for row in rows] == [(f"pair-{n:06d}", f"text {n}") for n in whole]
    found = FORMAT.images(tmp_path / "a.tar", Columns(), [row["image"] for row in rows])
    assert found == [image(number) for number in whole]
    assert damage


def test_what_damage_left_of_a_sample_is_counted(tmp_path):
    (tmp_path / "a.tar").write_bytes(DAMAGED["a header of garbage"][0]())
    assert read_all(tmp_path / "a.tar")[1:] == ({"cut by damage": 1}, ["2560 bytes skipped at offset 212992"])


def test_two_tar_files_in_one_may_have_the_same_keys(tmp_path):
    (tmp_path / "a.tar").write_bytes(TAR + TAR)
    rows, dropped, damage = read_all(tmp_path / "a.tar")
    assert (len(rows), dropped) == (200, {})
    assert damage == [f"bytes after the end marker: more members from offset {len(TAR)} on"]


def test_members_of_a_key_that_are_not_adjacent_are_counted(tmp_path):
    members = [(name, name.encode()) for name in ("1.jpg", "2.jpg", "1.txt", "2.txt", "3.jpg", "3.txt")]
    rows, dropped, _ = read_members(tmp_path, members)
    assert [(row["text"], row["row"]) for row in rows] == [("3.txt", 4)]
    assert dropped == {"no text": 2, "members of a key are not adjacent": 2}


def test_a_name_that_comes_twice_is_counted(tmp_path):
    found = read_members(tmp_path, [("1.jpg", b"x"), ("1.txt", b"a"), ("1.txt", b"b")])
    assert (texts(found), found[1]) == (["a"], {"members of a key are not adjacent": 1})


def test_upper_case_suffixes_and_folders_are_read(tmp_path):
    members = [("a/1.JPG", b"x"), ("a/1.TXT", b"one"), ("b/1.Jpeg", b"y"), ("b/1.txt", b"two")]
    found = read_members(tmp_path, members)
    assert texts(found) == ["one", "two"]
    assert FORMAT.images(tmp_path / "a.tar", Columns(), [row["image"] for row in found[0]]) == [b"x", b"y"]


def test_the_key_ends_at_the_first_dot_and_names_that_fall_together_are_counted(tmp_path):
    members = [(f"IMG.{n}.{field}", b"x") for n in range(3) for field in ("jpg", "txt")]
    members += [("2.jpg", b"x"), ("2.seg.png", b"y"), ("2.txt", b"two")]
    found = read_members(tmp_path, members)
    assert (texts(found), found[1]) == (["two"], {"no text; the name has dots inside": 3})


def test_a_field_with_a_dot_can_be_named_as_the_text(tmp_path):
    members = [("1.jpg", b"x"), ("1.blip.txt", b"blip"), ("1.txt", b"web")]
    assert texts(read_members(tmp_path, members, text="blip.txt")) == ["blip"]
    assert texts(read_members(tmp_path, members)) == ["web"]


def test_keys_of_any_length_are_kept_apart(tmp_path):
    members = [(f"{'k' * 200}{n}.{field}", f"{n}".encode()) for n in range(2) for field in ("jpg", "txt")]
    path = write_tar(tmp_path / "a.tar", members, tarfile.GNU_FORMAT)
    assert texts(read_all(path)) == ["0", "1"]


def test_hidden_files_and_fields_we_do_not_know_are_passed_over(tmp_path):
    members = [("._1.jpg", b"?"), ("1.jpg", b"x"), ("1.npy", b"?"), ("._1.txt", b"?"), ("1.cls", b"7"), ("1.txt", b"a")]
    found = read_members(tmp_path, members)
    assert (texts(found), found[1:]) == (["a"], ({}, []))


def test_a_text_without_image_is_a_pair_and_an_image_without_text_is_none(tmp_path):
    rows, dropped, _ = read_members(tmp_path, [("1.txt", b"alone"), ("2.jpg", b"x"), ("3.cls", b"7")])
    assert [(row["text"], row["image"]) for row in rows] == [("alone", None)]
    assert dropped == {"no text": 2}


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"text": "member", "json": '{"text": "value"}', "txt": "txt"}, "member"),
        ({"json": '{"text": "value", "caption": "caption"}', "txt": "txt"}, "value"),
        ({"json": '{"caption": "caption"}', "txt": "txt"}, "txt"),
        ({"caption": "member", "json": '{"caption": "value"}'}, "member"),
        ({"json": '{"caption": "value"}'}, "value"),
        ({"txt": "\ufefftext"}, "text"),
        ({"txt": ""}, ""),
    ],
)
def test_which_of_several_texts_is_taken(tmp_path, members, text):
    assert texts(read_members(tmp_path, [(f"1.{field}", data.encode()) for field, data in members.items()])) == [text]


def test_a_chosen_text_has_no_substitute(tmp_path):
    members = [("1.json", b'{"alt": "one"}'), ("1.txt", b"x"), ("2.json", b'{"alt": null}'), ("2.txt", b"y")]
    found = read_members(tmp_path, members, text="alt")
    assert (texts(found), found[1]) == (["one"], {"no text": 1})


def test_uids_come_from_json_or_are_made_and_a_key_is_none(tmp_path):
    members = [
        ("1.json", b'{"uid": 7, "key": "k", "caption": "a"}'),
        ("2.json", b'{"key": "k", "caption": "a"}'),
        ("3.json", b'{"url": "http://x", "caption": "a"}'),
        ("4.jpg", b"image"),
        ("4.json", b'{"uid": "\\ud83d", "url": "", "caption": "a"}'),
        ("5.txt", b"a"),
    ]
    uids = [row["uid"] for row in read_members(tmp_path, members)[0]]
    alone, image = pair_uid("a", None, None), pair_uid("a", None, image_digest([b"image"]))
    assert uids == ["7", alone, pair_uid("a", "http://x", None), image, alone]


def test_the_size_before_resizing_is_taken_unless_other_columns_are_chosen(tmp_path):
    record = {"caption": "a", "width": 256, "height": 256, "original_width": 640, "original_height": 480}
    members = [("1.json", json.dumps(record).encode())]
    assert [(row["width"], row["height"]) for row in read_members(tmp_path, members)[0]] == [(640, 480)]
    assert [row["width"] for row in read_members(tmp_path, members, height="h")[0]] == [256]


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (("1.json", b"{"), "json cannot be read"),
        (("1.json", b"[1]"), "json cannot be read"),
        (("1.json", b"[" * 100_000), "json cannot be read"),
        (("1.json", b'{"uid": "\xff"}'), "json cannot be read"),
        (("1.json", b'{"text": "\\ud83d"}'), "text is not UTF-8"),
        (("1.json", b" " * 5_000_001), "json is over 5 MB"),
        (("1.txt", b"x" * 5_000_001), "text is over 5 MB"),
        (("1.txt", b"caf\xe9"), "text is not UTF-8"),
        (("1.jpg", b"x" * 50_000_001), "image is over 50 MB"),
    ],
)
def test_a_sample_that_cannot_be_read_is_counted_once(tmp_path, member, reason):
    rest = [("1.txt", b"text")] if member[0] != "1.txt" else []
    found = read_members(tmp_path, [member, *rest, *sample(2)])
    assert (texts(found), found[1]) == (["text 2"], {reason: 1})


def test_links_and_names_that_lead_elsewhere_are_counted_and_never_followed(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        add(tar, "1.txt", kind=tarfile.SYMTYPE, linkname=str(secret))
        add(tar, "2.jpg", b"image")
        add(tar, "2.txt", kind=tarfile.LNKTYPE, linkname="2.jpg")
        add(tar, str(secret))
        add(tar, "../3.txt", b"three")
        add(tar, "4.fifo", kind=tarfile.FIFOTYPE)
        add(tar, "5.txt", b"five")
    found = read_all(tmp_path / "a.tar")
    assert texts(found) == ["five"]
    assert found[1] == {
        "member is a link": 2,
        "name of a member leads out of its folder": 2,
        "member is a pipe": 1,
    }


class Marker:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickles_are_never_opened(tmp_path):
    bomb = pickle.dumps(Marker(tmp_path / "executed"))
    members = [(f"1.{field}", bomb) for field in ("pyd", "pickle", "pkl", "pth", "npy")] + [("1.txt", b"a")]
    found = read_members(tmp_path, members)
    FORMAT.fields(tmp_path / "a.tar")
    assert (texts(found), (tmp_path / "executed").exists()) == (["a"], False)


def test_bombs_take_no_memory(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        add(tar, "1.txt", b"x", pax_headers={"size": str(2**36)})
        add(tar, "2.txt", b"x", pax_headers={"GNU.sparse.major": "1", "GNU.sparse.realsize": str(2**36)})
        add(tar, "3.txt", b"three")
    code = (
        "import sys, resource; from pathlib import Path\n"
        "from curation.pool.columns import Columns; from curation.pool.webdataset import FORMAT\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print([dict(batch.dropped) for batch in FORMAT.read(Path(sys.argv[1]), Columns())])\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB\n"
    )
    out = subprocess.run([sys.executable, "-c", code, tmp_path / "a.tar"], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[{'member has another size in its PAX header': 1, 'member is a sparse file': 1}]"


def test_fields_are_the_members_and_then_the_values_in_json(tmp_path):
    assert FORMAT.fields(write_tar(tmp_path / "a.tar", samples(range(3)))) == ["jpg", "json", "txt", "uid", "url"]


def test_names_of_fields_can_be_shown(tmp_path):
    path = write_tar(tmp_path / "a.tar", [("1.\udcff", b""), ("1.json", b'{"\\ud83d": 1}')])
    assert FORMAT.fields(path) == ["?", "json", "?"]


def test_a_missing_text_is_named_with_what_there_is(tmp_path):
    path = write_tar(tmp_path / "a.tar", samples(range(3)))
    with pytest.raises(MissingColumn, match=r"no member or json value 'alt' \(found: jpg, json, txt, uid, url\)"):
        read_all(path, text="alt")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"no tar file at all" * 100, "not a tar file"),
        (TAR[:300], "not a tar file"),
        (b"\x1f\x8b" + TAR, "compressed with gzip"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS"),
    ],
)
def test_what_is_no_tar_file_is_refused(tmp_path, data, message):
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(UnreadableFile, match=message):
        read_all(tmp_path / "a.tar")
    with pytest.raises(UnreadableFile, match=message):
        FORMAT.fields(tmp_path / "a.tar")


def test_an_empty_tar_file_has_no_pairs(tmp_path):
    assert read_members(tmp_path, []) == ([], {}, [])


def test_batches_are_bounded_and_rows_number_the_samples(tmp_path, monkeypatch):
    monkeypatch.setattr("curation.pool.rows.BATCH_ROWS", 8)
    batches = list(FORMAT.read(write_tar(tmp_path / "a.tar", samples(range(20))), Columns()))
    assert [len(batch.pairs) for batch in batches] == [8, 8, 4]
    assert [row for batch in batches for row in batch.pairs["row"].to_pylist()] == list(range(20))


@pytest.mark.external
def test_what_webdataset_writes_is_read(tmp_path):
    peer = pytest.importorskip("webdataset")
    with peer.TarWriter(str(tmp_path / "a.tar")) as writer:
        for number in range(50):
            record = {"uid": f"pair-{number}", "width": number}
            key = f"folder/{'k' * (100 if number % 2 else 1)}{number}"
            writer.write({"__key__": key, "jpg": image(number), "txt": f"text {number}", "json": record})
    rows, dropped, damage = read_all(tmp_path / "a.tar")
    assert [(row["uid"], row["text"], row["width"]) for row in rows] == [
        (f"pair-{number}", f"text {number}", number) for number in range(50)
    ]
    found = FORMAT.images(tmp_path / "a.tar", Columns(), [row["image"] for row in rows])
    assert found == [image(number) for number in range(50)]
    assert (dropped, damage) == ({}, [])
