"""Messages between two processes that do not trust each other: JSON and bytes. Nothing of them is code.

On the wire: 8 bytes with the length of the head, the head, and the blobs one after the other. The head is the JSON of
[value, [length of each blob]].
"""

import json
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_HEAD_BYTES = 200_000_000
MOST_BYTES = 1_000_000_000
"""A message whose head, or whose blobs together, would be larger is none."""

_LENGTH = struct.Struct(">Q")
_PART = 2**20


@dataclass(frozen=True)
class Message:
    """value: what JSON can hold; blobs: bytes that go along as they are"""

    value: Any
    blobs: tuple[bytes, ...] = ()


def send(connection: socket.socket, message: Message, deadline: float | None = None) -> None:
    """Send a message; raises OSError, of which TimeoutError after the deadline (monotonic; None for none)."""
    head = json.dumps([message.value, [len(blob) for blob in message.blobs]]).encode()
    for part in (_LENGTH.pack(len(head)), head, *message.blobs):
        _wait_until(connection, deadline)
        connection.sendall(part)


def receive(connection: socket.socket, deadline: float | None = None) -> Message:
    """The next message.

    raises EOFError where there is none any more, OSError as `send` does, and one of `children.GARBLED`
    """
    (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size, deadline))
    if length > MOST_HEAD_BYTES:
        raise ValueError("a length that is none")
    value, lengths = json.loads(_read(connection, length, deadline))
    if not all(type(length) is int and length >= 0 for length in lengths) or sum(lengths) > MOST_BYTES:
        raise ValueError("lengths that are none")
    return Message(value, tuple(_read(connection, length, deadline) for length in lengths))


def floats(array: np.ndarray) -> bytes:
    """A float32 array as a blob; its shape has to be told besides."""
    return array.astype("<f4").tobytes()


def array(blobs: Sequence[bytes], shape: tuple[int, ...]) -> np.ndarray:
    """The float32 array of this shape that the one blob is; raises ValueError for another size."""
    (blob,) = blobs
    found: np.ndarray = np.frombuffer(blob, "<f4").reshape(shape).astype(np.float32)  # a copy: blobs cannot be written
    return found


def texts(value: Any) -> list[str]:
    """A list of texts that came in JSON; raises ValueError for anything else."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("no list of texts")
    return value


def _read(connection: socket.socket, length: int, deadline: float | None) -> bytes:
    parts, left = [], length
    while left:
        _wait_until(connection, deadline)
        part = connection.recv(min(left, _PART))
        if not part:
            raise EOFError
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _wait_until(connection: socket.socket, deadline: float | None) -> None:
    """A call on the connection raises TimeoutError then; one after it at once."""
    connection.settimeout(None if deadline is None else max(1e-6, deadline - time.monotonic()))
