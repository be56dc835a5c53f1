import gzip

import pytest

from curation.errors import BadMetadata, MissingFile, UnreadableFile
from curation.wikipedia.pageviews import read_titles

FIRST = b"""\
aa Main_Page 4 0
de Hund 99 0
en Hot_dog 60 0
en "Heroes"_(album) 7 0
en Caf%C3%A9 5 0
en File:Dog.jpg 50 0
en Special:Search 500 0
en - 9 0
en broken 9
en Dog many 0
en.b Hot_dog 1000 0
en.m Hot_dog 30 0
"""
SECOND = b"en Hot_dog 15 0\nen Caf\xc3\xa9 2 0\nen 2001:_A_Space_Odyssey 3 0\nen.zero Hot_dog 1 0\nen caf\xe9 1 0\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "pageviews-20220101-000000.gz").write_bytes(gzip.compress(FIRST))
    (tmp_path / "pageviews-20220101-010000").write_bytes(SECOND)
    return sorted(tmp_path.iterdir())


def as_dict(counted):
    return dict(zip(*counted.table.to_pydict().values(), strict=True))


ALL = {'"Heroes" (album)': 7, "2001: A Space Odyssey": 3, "Café": 7, "Hot dog": 106}


def test_views_are_summed_over_files_and_over_the_mobile_sites(files):
    views = read_titles(files)
    assert as_dict(views) == ALL
    assert (views.distinct, views.total) == (4, 123)
    assert views.dropped == {
        "another namespace": 2, "no title": 1, "bad unicode": 1, "not the fields of a line": 1, "no count": 1
    }  # fmt: skip


@pytest.mark.parametrize("budget", [1, 3])
def test_titles_that_go_over_the_disk_give_the_same(files, budget):
    assert as_dict(read_titles(files, budget=budget)) == ALL


def test_rarely_seen_titles_are_left_out_but_known_of(files):
    views = read_titles(files, min_views=7)
    assert as_dict(views) == {'"Heroes" (album)': 7, "Café": 7, "Hot dog": 106}
    assert views.distinct == 4


def test_an_hour_counts_only_with_enough_views(files):
    assert as_dict(read_titles(files, min_hourly_views=15)) == {"Hot dog": 105}


def test_compat_reads_the_desktop_site_alone_and_decodes_nothing(files):
    views = read_titles(files, compat="metaclip")
    assert as_dict(views) == {'"Heroes" (album)': 7, "Caf%C3%A9": 5, "Café": 2, "Hot dog": 75}


def test_another_wikipedia(files):
    assert as_dict(read_titles(files, domain="de")) == {"Hund": 99}


def test_lines_of_title_and_views(tmp_path):
    (tmp_path / "titles.tsv").write_bytes(b"Hot dog\t5\nHot_dog\t2\nTalk:Dog\t9\nDog\tno\n")
    views = read_titles([tmp_path / "titles.tsv"])
    assert as_dict(views) == {"Hot dog": 7}
    assert views.dropped == {"another namespace": 1, "no count": 1}


def test_progress_is_told_in_bytes(files):
    told = []
    read_titles(files, on_bytes=told.append)
    assert told == [path.stat().st_size for path in files]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, MissingFile, "no such file; give hourly pageviews"),
        (b"", BadMetadata, "not one title of 'en'"),
        (b"en.wikipedia Dog 12 desktop 12 A1\n", UnreadableFile, "neither lines of domain, title, views"),
        (gzip.compress(FIRST * 1000, mtime=0)[:100], UnreadableFile, "cut short or damaged"),
        (b"\x1f\x8b\x08 no gzip", UnreadableFile, "cut short or damaged"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path, content, error, message):
    if content is not None:
        (tmp_path / "pageviews").write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        read_titles([tmp_path / "pageviews"])
    assert "\n" not in str(caught.value)
