"""What children of `curation.children` do in tests: among it what nobody should do."""

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curation.errors import UnreadableFile
from curation.metadata_files import read_metadata
from curation.pool.decode import answer


def count(to: int) -> Iterator[int]:
    yield from range(to + 1)


def die(number: int) -> Iterator[None]:
    yield None
    os.kill(os.getpid(), number)
    time.sleep(60)


def read_address_zero() -> Iterator[None]:
    ctypes.string_at(0)
    yield None


def leave(code: int) -> Iterator[str]:
    yield "before"
    os._exit(code)


def hang() -> Iterator[int]:
    yield 1
    time.sleep(600)


def take(size: int) -> Iterator[int]:
    yield len(bytearray(size))


def refuse() -> Iterator[None]:
    raise UnreadableFile("a.csv: not readable")
    yield None


def stumble() -> Iterator[None]:
    raise KeyError("two\nlines")
    yield None


def environment() -> Iterator[dict[str, str]]:
    yield dict(os.environ)


def write(path: str) -> Iterator[None]:
    Path(path).write_text("written")
    yield None


def chatter() -> Iterator[int]:
    print("not JSON")  # noqa: T201
    sys.stderr.write("nor this")
    os.write(1, b"\xff\xff")
    yield 7


def decode(side: int, data: bytes) -> Iterator[Any]:
    """What `pool.decode.answer` does, but for images that are made of an order to do harm."""
    order, _, rest = data.partition(b" ")
    if order == b"die":
        yield from die(int(rest))
    elif order == b"hang":
        yield from hang()
    elif order == b"take":
        yield from take(int(rest))
    elif order == b"say":
        yield json.loads(rest)
    else:
        yield from answer(side, data)


def weigh(unit: str, data: bytes) -> Iterator[str]:
    yield f"{len(data):,} {unit}, the last {data[-1:]!r}"


def garble(answer: str) -> Iterator[int]:
    for descriptor in range(3, 20):
        if Path(f"/proc/self/fd/{descriptor}").exists():
            os.write(descriptor, answer.encode() + b"\n")
    yield 7


def listen_no_more() -> Iterator[int]:
    """Answers, and reads no other request to its end."""
    yield 7
    signal.signal(signal.SIGALRM, lambda *_: time.sleep(600))
    signal.alarm(1)


def read_metadata_file(path: str) -> Iterator[dict[str, Any]]:
    """The entries of a file of metadata, as the checks of pools tell their rows."""
    found = read_metadata(Path(path))
    dropped = {str(reason): number for reason, number in found.dropped.items()}
    kept = len(found)
    yield {"rows_in": kept + sum(dropped.values()), "kept": kept, "dropped": dropped}


def environment_of_tests() -> dict[str, str]:
    """Of a child that must find the modules beside this one."""
    here = str(Path(__file__).parent)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")]), *sys.path]),
    }
