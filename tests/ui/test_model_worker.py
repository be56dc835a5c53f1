import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clip.models import write_small_checkpoint
from curation.clip.checkpoint import load_checkpoint
from curation.clip.classify import Picture, see
from curation.clip.questions import Source
from curation.clip.serving import HELD, Models, answer
from curation.ui.model_worker import ModelWorker, Refused, WorkerDied

ECHO = """
import os, socket, time
from curation.clip.frames import Message, receive, send

def main(descriptor):
    connection = socket.socket(fileno=descriptor)
    while True:
        what, arguments = receive(connection).value
        order, value = arguments[1] if what == "embed" else (None, None)
        if order == "die":
            os.kill(os.getpid(), value)
        if order == "leave":
            os._exit(value)
        if order == "sleep":
            time.sleep(60)
        if order == "say":
            connection.sendall(bytes.fromhex(value))
        elif order == "answer":
            send(connection, Message(value))
        else:
            send(connection, Message(["answer", [["a"], ["b"]] if what == "names" else None]))
"""

NAMES = ["a"], ["b"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_checkpoint(tmp_path_factory.mktemp("clip") / "small", trained_on={"arm": "matched"})


@pytest.fixture
def echo(tmp_path, monkeypatch):
    """A worker whose process has an answer to `names`, and for `embed` does what stands where the classes would."""
    (tmp_path / "echo_of_models.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    worker = ModelWorker("echo_of_models")
    yield worker
    worker.stop()


def a_picture(seed=0):
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return Picture("a.png", out.getvalue())


def test_the_process_answers_as_the_library_does(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path))
    worker, source, checkpoint = ModelWorker(), Source(str(folder)), load_checkpoint(str(folder))
    try:
        worker.start()
        about = worker.about(source)
        assert (about.name, about.digest, about.verdict) == ("small", checkpoint.digest, "ok")
        assert (about.dimensions, about.trained_on) == (32, {"arm": "matched"})
        (ours,), (theirs,) = worker.see(source, [a_picture()]), see(checkpoint, [a_picture()])
        np.testing.assert_allclose(ours.image_features, theirs.image_features, atol=1e-5)
        found = worker.classify(source, [ours], ["dog", "cat"], ("a {}",))
        assert found.classnames == ("dog", "cat") and found.probability.sum() == pytest.approx(1)
        assert "ViT-B-32/metaclip_400m" in worker.names()[0] and "ViT-B-32" in worker.names()[1]
        with pytest.raises(Refused, match="no checkpoint here"):
            worker.about(Source(str(tmp_path)))
        assert (tmp_path / "features" / checkpoint.digest / "class").is_dir()
    finally:
        worker.stop()


@pytest.mark.parametrize(
    ("how", "told"),
    [(("die", signal.SIGSEGV), "ended (SIGSEGV)"), (("die", signal.SIGKILL), "SIGKILL"), (("leave", 3), "exit code 3")],
)
def test_a_death_is_a_line_and_the_next_question_starts_a_fresh_process(echo, how, told):
    assert echo.names() == NAMES
    with pytest.raises(WorkerDied) as died:
        order(echo, *how)
    assert told in str(died.value) and "\n" not in str(died.value)
    assert echo.names() == NAMES


def test_a_process_that_died_in_between_is_started_again(echo):
    echo.names()
    os.kill(echo.pid, signal.SIGKILL)
    echo._process.wait()
    assert echo.names() == NAMES


def test_what_takes_too_long_is_ended(echo):
    with pytest.raises(WorkerDied, match="did not answer within 0 s and were stopped"):
        order(echo, "sleep", within=0.2)
    assert echo.names() == NAMES


def test_what_begins_an_answer_and_does_not_end_it_is_ended(echo):
    with pytest.raises(WorkerDied, match="did not answer within 1 s"):
        order(echo, "say", "00000000000000ff5b", within=1)
    assert echo.names() == NAMES


@pytest.mark.parametrize(
    "said",
    [
        b"\x80\x04\x95" + b"a pickle." * 3,
        bytes(7) + b"\x02[]",
        bytes(7) + b"\x01{",
        bytes(7) + b"\x08[1, [-1]",
        bytes(7) + b"\x09[1, [-1]]",
        bytes(7) + b"\x19[1, [9999999999999999999]]",
        bytes(6) + b"\x4e\x20" + b"[" * 20_000,
    ],
    ids=["pickle", "empty", "no JSON", "cut", "negative length", "enormous", "deep"],
)
def test_bytes_that_are_no_answer_are_a_line_and_are_never_run(echo, said):
    with pytest.raises(WorkerDied, match="gave an answer that is none, and was ended"):
        order(echo, "say", said.hex())
    assert echo.names() == NAMES


def test_refusals_and_bugs_are_told_apart(echo):
    with pytest.raises(Refused, match="no such model"):
        order(echo, "answer", ["refused", "no such model"])
    with pytest.raises(RuntimeError, match="Traceback"):
        order(echo, "answer", ["bug", "Traceback ..."])


def order(echo, what, value=None, **options):
    """Let the process of an echo do something else than to answer."""
    return echo.ask("embed", Source(""), [what, value], (), **options)


def test_what_can_go_wrong_in_an_answer_is_a_line_or_a_traceback(monkeypatch, tmp_path):
    def raises(error):
        def do(models):
            raise error

        monkeypatch.setattr("curation.clip.serving.ANSWERS", {"it": do})
        return answer(Models(), "it", ())

    assert raises(OSError(28, "No space left on device")) == ("refused", "[Errno 28] No space left on device")
    assert raises(MemoryError())[1].startswith("this needs more memory than the models may take here")
    assert raises(RuntimeError("DefaultCPUAllocator: not enough memory: you tried"))[0] == "refused"
    kind, value = raises(KeyError("x"))
    assert kind == "bug" and "KeyError: 'x'" in value


def test_two_checkpoints_stay_loaded_and_one_that_was_written_anew_is_read_again(tmp_path):
    models, sources = Models(), [Source(str(write_small_checkpoint(tmp_path / f"{n}", n))) for n in range(3)]
    first = models.get(sources[0])
    assert models.get(sources[0]) is first
    models.get(sources[1])
    assert models.get(sources[0]) is first
    models.get(sources[2])  # sources[1] makes room
    assert models.get(sources[0]) is first and len(models._held) == HELD

    write_small_checkpoint(Path(sources[0].where), 7)
    assert models.get(sources[0]).digest != first.digest


def test_the_process_ends_with_the_one_that_started_it(folder):
    script = (
        "from curation.ui.model_worker import ModelWorker\nimport os\nworker = ModelWorker()\nworker.start()\n"
        "print(worker.pid, flush=True)\nos._exit(0)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    pid = int(found.stdout)
    for _ in range(200):
        if not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes():
            return
        time.sleep(0.1)
    raise AssertionError("it still runs")
