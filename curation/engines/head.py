"""Whether the head of a cluster still answers: asked in a thread, so that a dead one stops nobody."""

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from curation.errors import CurationError

ASK_EVERY_S = 2.0

GONE_S = 12.0
"""A head that does not answer so long is gone: its cluster ends by itself a little later."""

DESERTED_S = 600.0
"""So long a cluster may have no CPU at all before units wait in vain: an autoscaler needs minutes."""

CONNECT_S = 5.0

_SETTINGS = b"\x04"
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + _SETTINGS + bytes(5)
"""The first words of a client of HTTP/2, and an empty frame of settings, which is answered by one (RFC 9113, 3.4)."""

_GO_ON = "what is done is kept, resume when it is back, or with --engine local"


@dataclass(frozen=True)
class Member:
    """A node of the cluster. id: as the cluster calls it; name: as people do; cpus: units it can run at a time"""

    id: str
    name: str
    cpus: int


def answers(host: str, port: int) -> str | None:
    """Why no head answers there, in words; None where one does.

    It is greeted as HTTP/2, which gRPC goes over: another server would keep Ray waiting for ever.
    """
    try:
        with socket.create_connection((host, port), CONNECT_S) as line:
            line.sendall(_GREETING)
            if os.environ.get("RAY_USE_TLS", "0") == "0" and line.recv(9)[3:4] != _SETTINGS:
                return "what listens there is none"
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return error.strerror or str(error)
    return None


def _refuses(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, CONNECT_S).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


class Head:
    """The head of a cluster, and the nodes that are alive as it last told."""

    def __init__(self, address: tuple[str, int], own_node: tuple[str, int], read: Callable[[], list[Member]]) -> None:
        """own_node: where the cluster's process on this machine listens

        read: asks the cluster for its nodes with CPUs that are alive; may hang where the head is gone
        """
        self.members = read()
        self.lost = False
        self._address = address
        self._own_node = own_node
        self._read = read
        self._answered = self._staffed = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch the head", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._ended.set()
        self._thread.join(CONNECT_S)

    def check(self) -> None:
        """Raises CurationError if it has not answered for GONE_S, or told of no CPU for DESERTED_S.

        At once if Ray has ended on this machine: as soon as the head notices, Ray ends this process without a word.
        """
        now = time.monotonic()
        if now - self._answered > GONE_S:
            self.lost = True
            raise CurationError(f"the head at {self} does not answer any more; {_GO_ON}")
        if _refuses(self._own_node):
            self.lost = True
            raise CurationError(f"Ray has ended on this machine; {_GO_ON}")
        if now - self._staffed > DESERTED_S:
            raise CurationError(f"the cluster at {self} has had no CPUs for {DESERTED_S / 60:.0f} minutes; {_GO_ON}")

    def __str__(self) -> str:
        return f"{self._address[0]}:{self._address[1]}"

    def _watch(self) -> None:
        while not self._ended.wait(ASK_EVERY_S):
            if answers(*self._address) is None:
                try:
                    self.members = self._read()
                except Exception:  # whatever ray raises: it has not answered
                    continue
                self._answered = time.monotonic()
                if self.members:
                    self._staffed = self._answered
