import io
import json
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from curation.pool.decode import thumbnail
from curation.pool.decoder import NOT_TRIED, Decoder
from misbehave import environment_of_tests
from pool.test_decode import png_header


def picture(colour="red", kind="PNG"):
    out = io.BytesIO()
    Image.new("RGB", (500, 300), colour).save(out, kind)
    return out.getvalue()


@pytest.fixture
def decoder(monkeypatch):
    """Its children call `misbehave.decode`, and an image may take two seconds."""
    monkeypatch.setenv("PYTHONPATH", environment_of_tests()["PYTHONPATH"])
    made = Decoder("misbehave:decode", seconds=2)
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_thumbnail_is_the_one_that_decoding_here_would_give(decoder, kind):
    assert decoder.thumbnails([picture(kind=kind)], 160) == [thumbnail(picture(kind=kind), 160)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"die 11", "image: not decoded: the process that read it was ended by signal 11 (SIGSEGV)"),
        (b"die 9", "image: not decoded: the process that read it was ended by signal 9 (SIGKILL)"),
        (b"hang", "image: not decoded: stopped after 2 s without an answer"),
        (b"take 2000000000", "image: not decoded: out of memory: more than 1.4 GB would be needed"),
        (b"no image", "image: cannot be decoded (no JPEG, PNG, WEBP or GIF)"),
        (png_header(13_000, 13_000), "image: more than 50,000,000 pixels"),
        (b"x" * 50_000_001, "image is over 50 MB"),
    ],
    ids=["crashes", "is killed", "hangs", "takes memory", "is none", "169 MP", "50 MB"],
)
def test_an_image_that_does_harm_is_a_reason_and_those_beside_it_are_decoded(decoder, data, reason):
    red, blue = picture("red"), picture("blue")
    assert decoder.thumbnails([red, data, blue], 160) == [thumbnail(red, 160), reason, thumbnail(blue, 160)]


LARGE = json.dumps({"jpeg": b64encode(b"\xff\xd8" + bytes(2_000_000) + b"\xff\xd9").decode()})


@pytest.mark.parametrize(
    "said",
    ["[]", "7", "{}", '{"jpeg": "<svg/>"}', '{"jpeg": "PHN2Zy8+"}', '{"jpeg": 7}', LARGE, "null"],
    ids=["list", "number", "nothing", "no base64", "SVG", "no text", "2 MB", "null"],
)
def test_an_answer_that_is_no_jpeg_is_not_passed_on(decoder, said):
    assert decoder.thumbnails([b"say " + said.encode()], 160) == [
        "image: not decoded: the process that read it gave no picture"
    ]


def test_what_a_child_says_is_cut_and_can_be_shown(decoder):
    assert decoder.thumbnails([rb'say {"reason": "\ud800' + b"x" * 9000 + b'"}'], 160) == ["?" + "x" * 199]


def test_what_hung_is_not_tried_again(decoder):
    decoder.thumbnails([b"hang"], 160)
    start = time.monotonic()
    assert decoder.thumbnails([b"hang"], 160) == ["image: not decoded: stopped after 2 s without an answer"]
    assert time.monotonic() - start < 1


def test_of_a_page_full_of_images_that_hang_two_are_tried_at_a_time(decoder):
    images = [b"hang 1", b"hang 2", b"hang 3", picture()]
    hung = "image: not decoded: stopped after 2 s without an answer"
    assert decoder.thumbnails(images, 160) == [hung, hung, NOT_TRIED, NOT_TRIED]
    assert decoder.thumbnails(images, 160) == [hung, hung, hung, thumbnail(picture(), 160)]


def test_a_page_does_not_wait_for_the_images_of_others_that_hang(decoder):
    with ThreadPoolExecutor(3) as sessions:
        others = [sessions.submit(decoder.thumbnails, [b"hang %d" % n, b"hang %d" % (n + 9)], 160) for n in range(2)]
        time.sleep(0.5)
        assert decoder.thumbnails([picture()], 160) == [thumbnail(picture(), 160)]
        assert not any(other.done() for other in others)  # it came before the second one of each


def test_nothing_that_a_child_takes_is_taken_here(decoder):
    before = resident()
    decoder.thumbnails([b"take 900000000", b"take 2000000000", b"die 11", png_header(13_000, 13_000)], 160)
    assert resident() - before < 20_000_000


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_a_child_outlives_the_thread_that_asked_first(decoder):
    for _ in range(3):
        with ThreadPoolExecutor(1) as page:
            assert page.submit(decoder.thumbnails, [picture()], 160).result() == [thumbnail(picture(), 160)]
    assert len(children()) == 2


def test_no_child_is_left_after_the_end_and_others_start_when_asked(decoder):
    decoder.thumbnails([picture()], 160)
    decoder.stop()
    assert children() == []
    assert decoder.thumbnails([picture()], 160) == [thumbnail(picture(), 160)]


def children():
    """Ids of processes of this one that run `misbehave:decode`."""
    found = [Path(f"/proc/{pid}/cmdline") for tasks in Path("/proc/self/task").iterdir() for pid in ids(tasks)]
    return [path.parent.name for path in found if path.exists() and b"misbehave:decode" in path.read_bytes()]


def ids(task):
    try:
        return (task / "children").read_text().split()
    except FileNotFoundError:
        return []


def test_that_no_process_can_be_started_is_a_reason(decoder, monkeypatch):
    decoder.stop()

    def refused(*arguments, **options):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("curation.children.subprocess.Popen", refused)
    assert decoder.thumbnails([picture()], 160) == [
        "image: not decoded: no process can be started for it (Resource temporarily unavailable)"
    ]
