"""The watch over the head of a cluster, without Ray: a server that greets as it does, and a clock of the test's."""

import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from curation.engines import head as module
from curation.engines.head import DESERTED_S, GONE_S, Head, Member, answers
from curation.errors import CurationError

ONE = Member("a1", "10.0.0.6", 4)
SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@contextmanager
def listening(answer):
    """A server that answers each connection with these bytes; its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line:
                    line.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


class Watched:
    """A head that is watched; `members` is what it tells, `now` what time it is."""

    def __init__(self, address, own_node, monkeypatch):
        self.members, self.now, self.reads = [ONE], 1000.0, 0
        monkeypatch.setattr(module, "ASK_EVERY_S", 0.005)
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.head = Head(address, own_node, self._read)

    def _read(self):
        self.reads += 1
        return self.members

    def after(self, seconds):
        """The head was asked after so many more seconds; then it is checked."""
        self.now += seconds
        asked = self.reads
        until = time.monotonic() + 30
        while self.reads < asked + 3 and time.monotonic() < until:  # the answer to the first may be of before
            time.sleep(0.005)
        self.head.check()


@pytest.fixture
def watched(monkeypatch):
    with listening(SETTINGS) as address:
        made = Watched(address, address, monkeypatch)
        yield made
        made.head.close()


def test_a_cluster_that_has_had_no_cpus_for_ten_minutes_is_given_up(watched):
    watched.after(0)
    watched.members = []
    watched.after(DESERTED_S - 1)
    with pytest.raises(
        CurationError, match=r"^the cluster at 127\.0\.0\.1:\d+ has had no CPUs for 10 minutes; what is"
    ):
        watched.after(2)
    assert not watched.head.lost  # it can still be told to end what it has


def test_cpus_that_come_back_begin_the_ten_minutes_anew(watched):
    watched.after(0)
    watched.members = []
    watched.after(DESERTED_S - 1)
    watched.members = [ONE]
    watched.after(2)
    assert watched.head.members == [ONE]
    watched.members = []
    watched.after(DESERTED_S - 1)


def test_a_head_that_cannot_be_asked_is_gone_after_a_while(watched, monkeypatch):
    watched.after(0)
    monkeypatch.setattr(module, "answers", lambda host, port: "no answer")
    time.sleep(0.05)  # an answer that was under way
    watched.now += GONE_S - 1
    watched.head.check()
    watched.now += 2
    with pytest.raises(CurationError, match="does not answer any more; what is done is kept, resume when it is back"):
        watched.head.check()
    assert watched.head.lost


def test_ray_that_has_ended_on_this_machine_is_told_at_once(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = server.getsockname()
    with listening(SETTINGS) as address:
        made = Watched(address, nobody, monkeypatch)
        with pytest.raises(CurationError, match="Ray has ended on this machine"):
            made.head.check()
        made.head.close()


def test_another_server_is_no_head(monkeypatch):
    monkeypatch.delenv("RAY_USE_TLS", raising=False)
    with listening(SETTINGS) as address:
        assert answers(*address) is None
    with listening(b"SSH-2.0-x\r\n") as address:
        assert answers(*address) == "what listens there is none"
    assert answers(*address) == "Connection refused"
