import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curation.children import Child, run
from misbehave import environment_of_tests


def ask(function, *arguments, **limits):
    """Call a function of `misbehave` in a child."""
    with Child(f"misbehave:{function}", environment=environment_of_tests()) as child:
        return child.ask(*arguments, **limits)


def test_the_last_thing_that_a_function_yields_is_its_answer_and_those_before_are_told():
    told = []
    found = ask("count", 3, on_value=told.append)
    assert (found.value, found.error, told) == (3, None, [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGSEGV, "SIGSEGV"), (signal.SIGABRT, "SIGABRT"), (signal.SIGKILL, "SIGKILL")]
)
def test_a_child_that_is_ended_by_a_signal_is_a_line(number, name):
    assert ask("die", int(number)).error == f"the process that read it was ended by signal {int(number)} ({name})"


def test_a_child_that_crashes_in_c_is_a_line():
    assert ask("read_address_zero").error == "the process that read it was ended by signal 11 (SIGSEGV)"


def test_a_child_that_leaves_is_a_line_and_what_it_said_before_stands():
    found = ask("leave", 3)
    assert (found.value, found.error) == ("before", "the process that read it ended with exit code 3")


def test_a_child_that_hangs_is_stopped():
    start = time.monotonic()
    found = ask("hang", seconds=3)
    assert (found.value, found.error) == (1, "stopped after 3 s without an answer")
    assert time.monotonic() - start < 10


def test_a_child_cannot_have_more_memory_than_it_is_given():
    with Child("misbehave:take", memory=300_000_000, environment=environment_of_tests()) as child:
        assert child.ask(100_000_000).value == 100_000_000
        found = child.ask(400_000_000)
        assert found.error == "out of memory: more than 0.3 GB would be needed"
        assert found.peak < 300_000_000
        assert child.ask(100_000_000).value == 100_000_000


def test_a_line_of_the_library_is_told_and_a_bug_is_one_line_without_a_traceback():
    assert ask("refuse").error == "a.csv: not readable"
    assert ask("stumble").error == "unexpected KeyError: 'two\\nlines'"


def test_a_child_is_asked_again_after_one_died():
    with Child("misbehave:leave", environment=environment_of_tests()) as child:
        assert child.ask(3).error == child.ask(3).error == "the process that read it ended with exit code 3"


def test_no_secret_is_handed_down(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", environment_of_tests()["PYTHONPATH"])
    found = run("misbehave:environment").value
    assert not {"AWS_SECRET_ACCESS_KEY", "HF_TOKEN"} & found.keys()
    assert found["HF_HUB_OFFLINE"] == "1"


def test_a_child_writes_no_file(tmp_path):
    found = ask("write", str(tmp_path / "a"))
    assert "File too large" in found.error
    assert (tmp_path / "a").read_bytes() == b""


def test_what_a_library_prints_is_no_answer_and_goes_nowhere(capfd):
    assert ask("chatter").value == 7
    assert capfd.readouterr() == ("", "")


def test_bytes_are_handed_over_as_they_are():
    with Child("misbehave:weigh", environment=environment_of_tests()) as child:
        assert child.ask("bytes", data=b"\n" * 3_000_000).value == "3,000,000 bytes, the last b'\\n'"
        assert child.ask("bytes", data=b"").value == "0 bytes, the last b''"


@pytest.mark.parametrize("answer", ["no JSON", "[]", "7", '{"value"', "{}", '{"error": null}', "[" * 100_000])
def test_an_answer_that_is_garbled_is_a_line(answer):
    assert ask("garble", answer).error == "the process that read it gave an answer that is none"


def test_a_child_that_does_not_listen_is_stopped_whatever_it_is_to_be_told():
    with Child("misbehave:listen_no_more", environment=environment_of_tests()) as child:
        assert child.ask().value == 7
        time.sleep(1.2)  # by then it sleeps
        assert child.ask("x" * 10_000_000, seconds=1).error == "stopped after 1 s without an answer"
        assert child.ask().value == 7


def test_a_child_can_be_started_before_it_is_asked():
    with Child("misbehave:count", environment=environment_of_tests()) as child:
        child.start()
        pid = child.pid
        assert child.ask(1).value == 1
        assert child.pid == pid


def test_no_child_outlives_its_block():
    with Child("misbehave:count", environment=environment_of_tests()) as child:
        child.ask(1)
        pid = child.pid
        assert Path(f"/proc/{pid}").exists()
    assert not Path(f"/proc/{pid}").exists()


def test_a_child_dies_with_its_parent():
    code = (
        "import os; from curation.children import Child;"
        "child = Child('misbehave:count', environment=dict(os.environ));"
        "child.ask(1); print(child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code], env=environment_of_tests(), check=False, capture_output=True, text=True
    )
    pid = int(parent.stdout)
    stop = time.monotonic() + 5
    while _runs(pid) and time.monotonic() < stop:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid):
    """Whether a process is there, and is no zombie that waits for its new parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
