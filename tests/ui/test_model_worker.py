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
from curation.clip.serving import HELD, Models, Source, answer
from curation.ui.model_worker import ModelWorker, Refused, WorkerDied

ECHO = """
import os, time
from multiprocessing.connection import Connection

def main(descriptor):
    connection = Connection(descriptor)
    while True:
        what, arguments = connection.recv()
        if what == "die":
            os.kill(os.getpid(), arguments[0])
        if what == "leave":
            os._exit(arguments[0])
        if what == "sleep":
            time.sleep(60)
        connection.send((what, arguments))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_checkpoint(tmp_path_factory.mktemp("clip") / "small", trained_on={"arm": "matched"})


@pytest.fixture
def echo(tmp_path, monkeypatch):
    """A worker whose process answers at once with what it was asked."""
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
    assert echo.ask("answer", 1) == (1,)
    with pytest.raises(WorkerDied) as died:
        echo.ask(*how)
    assert told in str(died.value) and "\n" not in str(died.value)
    assert echo.ask("answer", 2) == (2,)


def test_a_process_that_died_in_between_is_started_again(echo):
    echo.ask("answer", 1)
    os.kill(echo.pid, signal.SIGKILL)
    echo._process.wait()
    assert echo.ask("answer", 2) == (2,)


def test_what_takes_too_long_is_ended(echo):
    with pytest.raises(WorkerDied, match="did not answer within 0 s and were stopped"):
        echo.ask("sleep", within=0.2)
    assert echo.ask("answer", 3) == (3,)


def test_refusals_and_bugs_are_told_apart(echo):
    with pytest.raises(Refused, match="no such model"):
        raise_what(echo, "refused", "no such model")
    with pytest.raises(RuntimeError, match="Traceback"):
        raise_what(echo, "bug", "Traceback ...")


def raise_what(echo, kind, value):
    try:
        echo.ask(kind, value)
    except (Refused, RuntimeError) as error:
        raise type(error)(error.args[0][0]) from None  # the echo answers with a tuple


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
