import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.pool.tar import Damage, Member, walk
from tars import BLOCK, DAMAGED, GARBAGE, IMAGE, TAR, add, samples, tar_bytes


def walked(data: bytes) -> tuple[list[Member], list[Damage]]:
    items = list(walk(io.BytesIO(data)))
    return [item for item in items if isinstance(item, Member)], [item for item in items if isinstance(item, Damage)]


def contents(data: bytes) -> list[tuple[str, bytes]]:
    return [(member.name, data[member.offset : member.offset + member.size]) for member in walked(data)[0]]


def made(write, kind: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar file with members that a function adds, and a plain one after them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        write(tar)
        add(tar, "after.txt", b"after")
    return out.getvalue()


def test_a_whole_tar_file_is_walked_without_damage():
    members, damage = walked(TAR)
    assert (contents(TAR), damage) == (samples(range(100)), [])
    assert [member.refused for member in members] == [None] * 300


def test_a_tar_file_may_be_empty():
    assert walked(tar_bytes([])) == ([], [])


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_told_and_members_outside_of_it_are_found(name):
    data, harmed = DAMAGED[name][0](), DAMAGED[name][1]
    assert walked(data)[1]
    found = [member for member in contents(data) if int(member[0][:6]) not in harmed]
    assert found == samples(number for number in range(100) if number not in harmed)


def lines(name: str) -> list[str]:
    return [item.line for item in walked(DAMAGED[name][0]())[1]]


def test_the_bytes_that_were_skipped_are_told():
    assert lines("a zero block between members") == [f"512 bytes skipped at offset {IMAGE}"]
    assert lines("a header of garbage") == [f"{5 * BLOCK} bytes skipped at offset {IMAGE}"]
    assert lines("a byte too few in an image") == [f"bytes are missing before offset {IMAGE + 5 * BLOCK - 1}"]
    assert lines("cut at the boundary of a sample") == [f"no end marker: cut off after {IMAGE} bytes"]
    assert lines("cut inside an image") == [
        f"800 bytes skipped at offset {IMAGE}; no end marker: cut off after {IMAGE + 800} bytes"
    ]
    assert lines("bytes after the end marker") == [
        f"bytes after the end marker: 512 at offset {len(TAR)}, without a member"
    ]


def test_two_tar_files_in_one_are_both_read():
    first, second = tar_bytes(samples(range(3))), tar_bytes(samples(range(2, 5)))
    assert contents(first + second) == samples(range(3)) + samples(range(2, 5))
    assert walked(first + second)[1] == [
        Damage(f"bytes after the end marker: more members from offset {len(first)} on", new_tar=True),
    ]


def test_only_a_shift_or_a_hole_casts_doubt_on_the_member_before_it():
    doubted = {name for name in DAMAGED if any(item.cuts_member for item in walked(DAMAGED[name][0]())[1])}
    assert doubted == {
        "a byte too many in an image",
        "a byte too few in an image",
        "a byte too many in the last text",
        "three blocks gone",
        "a hole of zeros",
    }


def test_a_header_inside_a_damaged_region_is_believed_only_with_its_checksum():
    lie = b"ustar\x0000".join([GARBAGE[:257], GARBAGE[265:]])
    at = IMAGE
    members, _ = walked(TAR[:at] + lie + TAR[at + BLOCK :])
    assert len(members) == 299


def test_old_headers_without_magic_are_read():
    data = bytearray(tar_bytes([("a.txt", b"text")]))
    data[257:265] = bytes(8)
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    assert contents(bytes(data)) == [("a.txt", b"text")]


LONG = "folder/" * 40 + "x" * 200 + ".jpg"


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_whole_and_folders_are_passed_over(kind):
    def write(tar):
        add(tar, "folder", kind=tarfile.DIRTYPE)
        add(tar, LONG, b"image")
        add(tar, "日本語.txt", b"text")

    data = made(write, kind)
    assert contents(data) == [(LONG, b"image"), ("日本語.txt", b"text"), ("after.txt", b"after")]
    assert walked(data)[1] == []


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("a.jpg", {"kind": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "member is a link"),
        ("a.jpg", {"kind": tarfile.LNKTYPE, "linkname": "b.jpg"}, "member is a link"),
        ("a.jpg", {"kind": tarfile.CHRTYPE}, "member is a device"),
        ("a.jpg", {"kind": tarfile.BLKTYPE}, "member is a device"),
        ("a.jpg", {"kind": tarfile.FIFOTYPE}, "member is a pipe"),
        ("a.jpg", {"kind": b"Z"}, "member is a file of an unknown kind"),
        ("/etc/passwd", {}, "name of a member leads out of its folder"),
        ("../a.jpg", {}, "name of a member leads out of its folder"),
        ("a/../../b.jpg", {}, "name of a member leads out of its folder"),
        ("a.jpg", {"pax_headers": {"path": "x/../../b.jpg"}}, "name of a member leads out of its folder"),
        ("a.jpg", {"pax_headers": {"size": "99999999999"}}, "member has another size in its PAX header"),
        ("a.jpg", {"pax_headers": {"GNU.sparse.realsize": "4294967296"}}, "member is a sparse file"),
        ("a.jpg", {"pax_headers": {"comment": "x" * 2**20}}, "header of a member is over 1 MB"),
    ],
)
def test_what_is_no_plain_file_is_refused_with_a_reason_and_never_hides_the_next(name, fields, reason):
    members, damage = walked(made(lambda tar: add(tar, name, **fields)))
    assert [member.refused for member in members] == [reason, None]
    assert (members[1].name, damage) == ("after.txt", [])


def test_a_sparse_file_of_4_gb_in_2_kb_is_refused():
    data = bytearray(made(lambda tar: add(tar, "bomb.jpg", b"x" * 512), tarfile.GNU_FORMAT))
    data[156:157] = b"S"
    data[483:495] = b"%011o\0" % 2**32
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    members, damage = walked(bytes(data))
    assert [(member.size, member.refused) for member in members] == [(512, "member is a sparse file"), (5, None)]
    assert damage == []


def test_a_damaged_pax_header_is_no_reason_to_trust_the_name():
    data = made(lambda tar: add(tar, LONG, b"image"))
    members, _ = walked(data.replace(b" path=", b" path ", 1))
    assert [member.refused for member in members] == ["PAX header of a member is damaged", None]


def test_a_size_that_leads_past_the_end_is_damage():
    data = bytearray(tar_bytes(samples([1])))
    data[124:136] = b"%011o\0" % 2**30
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    members, damage = walked(bytes(data))
    assert [member.name for member in members] == ["000001.json", "000001.txt"]
    assert len(damage) == 1


letters = st.characters(codec="utf-8", exclude_characters="\0\\", exclude_categories=("Cs",))
long_names = st.text(letters, min_size=1, max_size=300)
short_names = st.text(st.characters(codec="ascii", exclude_characters="\0\\"), min_size=1, max_size=90)


def plain(name: str) -> str:
    """A name that leads nowhere else, and that tarfile writes as it is."""
    return "n" + name.replace("..", ".").rstrip("/") + "n"


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_tarfile_writes_is_found_whole(kind, data):
    names = short_names if kind == tarfile.USTAR_FORMAT else long_names
    members = [
        (plain(name), content)
        for name, content in data.draw(st.lists(st.tuples(names, st.binary(max_size=2000)), max_size=8))
    ]
    written = tar_bytes(members, kind)
    assert contents(written) == members
    assert walked(written)[1] == []


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(TAR) - 1), st.binary(min_size=1, max_size=3000), st.sampled_from(["put", "insert", "cut"]))
def test_no_damage_ends_in_an_error_or_in_members_that_overlap(at, new, how):
    rest = {"put": at + len(new), "insert": at, "cut": len(TAR)}[how]
    data = TAR[:at] + new + TAR[rest:]
    members, _ = walked(data)
    ends = [member.offset + member.size for member in members]
    assert all(end <= len(data) for end in ends)
    offsets = [member.offset for member in members]
    assert offsets == sorted(set(offsets))
