"""A child process with limits, for what is done with files from anywhere.

A decoder that is fed a damaged file may crash, hang, or take all memory of the machine. In here it does so alone: the
child answers in lines of JSON, and one that dies, is silent for too long or asks for too much memory is a plain result
that says so. The child inherits no secrets (`PASSED_ON` is all that it gets of the environment), writes no file, dies
with its parent, and hands nothing back but JSON.
"""

import ctypes
import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, BinaryIO

from curation.errors import CurationError

MEMORY = 1_400_000_000
"""Bytes that a child may have resident, unless it is told otherwise."""

SECONDS = 50.0
"""So long an answer may take, unless it is told otherwise."""

MAX_LINE_BYTES = 16_000_000

GARBLED = (ValueError, LookupError, TypeError, ArithmeticError, RecursionError)
"""What bytes that are no message raise, or a message of another form than was waited for."""

PASSED_ON = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ")
SET = {
    "ARROW_IO_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve a gigabyte of addresses before the first byte
    "HF_HUB_OFFLINE": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "1000000",  # what was large goes back to the system at once
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONIOENCODING": "utf-8",
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
}
"""What of the environment a child gets, and what is set in it."""

_PR_SET_PDEATHSIG = 1
_SLACK = 20_000_000  # of addresses, for the answer that tells that the rest is used up


@dataclass(frozen=True)
class Ended:
    """How the work on a request ended.

    value:   the last thing that the function yielded; None if it yielded nothing
    error:   in one line, why it did not come to its end; None if it did
    seconds: that it took
    peak:    bytes that the child had resident at most, by then
    """

    value: Any
    error: str | None
    seconds: float
    peak: int


def run(function: str, *arguments: Any, **limits: Any) -> Ended:
    """Call a function once, in a child of its own; see `Child`."""
    with Child(function, **limits) as child:
        return child.ask(*arguments)


class Child:
    """A process that calls one function, once for each request; to be used in a `with` block.

    It is started when it is first asked, and started anew after it died, hung or ran out of memory.

    function:    "module:name" of a generator function; its arguments and what it yields are JSON. The last thing that
                 it yields is its answer, those before tell how far it is
    modules:     that it imports before its limits hold: large ones take more addresses than they ever use
    memory:      bytes that it may have resident
    mapped:      bytes of files that it may map into memory besides
    environment: instead of the few variables that are passed on: for what must sign in somewhere
    """

    def __init__(
        self,
        function: str,
        *,
        modules: Sequence[str] = (),
        memory: int = MEMORY,
        mapped: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [function, str(memory), str(mapped), str(os.getpid()), *modules]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._held = b""

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Let the process begin to import what it needs, if it does not run; returns at once."""
        self._running()

    def ask(
        self,
        *arguments: Any,
        data: bytes | None = None,
        seconds: float = SECONDS,
        on_value: Callable[[Any], None] = lambda value: None,
    ) -> Ended:
        """Call the function with these arguments; raises nothing that they could be the reason for.

        data:    bytes that it gets as its last argument; in JSON they would take longer than a decoder does
        seconds: that it may take; on_value: is told each thing that it yields
        """
        start = time.monotonic()
        value, error, peak = None, None, 0
        process = self._running()
        done = False
        try:
            request = json.dumps([arguments, None if data is None else len(data)]).encode() + b"\n"
            _write(_pipe(process.stdin), request, start + seconds)
            _write(_pipe(process.stdin), data or b"", start + seconds)
            for answer in self._answers(_pipe(process.stdout), start + seconds):
                if "value" in answer:
                    value = answer["value"]
                    on_value(value)
                else:
                    error, peak, done = answer["error"], answer["peak"], not answer["spoilt"]
                    break
        except TimeoutError:
            error, peak = f"stopped after {seconds:.0f} s without an answer", _peak(process.pid)
        except GARBLED:
            error, peak = "the process that read it gave an answer that is none", _peak(process.pid)
        except (EOFError, OSError):
            peak = _reaped(process, within=2)
            error = f"the process that read it {_how(process.returncode)}"
        finally:
            if not done:  # the next request would get the answer to this one
                self._end()
        return Ended(value, error, time.monotonic() - start, peak)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
            self._held = b""
            self._process = subprocess.Popen(
                # -P: a file json.py in the folder that one happens to be in is no module of ours
                [sys.executable, "-P", "-c", "from curation.children import serve; serve()", *self._command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={**passed_on, **SET} if self._environment is None else {**SET, **self._environment},
                start_new_session=True,
            )
        return self._process

    def _answers(self, pipe: IO[bytes], deadline: float) -> Iterator[dict[str, Any]]:
        """What the child says, line by line; raises TimeoutError, EOFError."""
        while True:
            line, end, self._held = self._held.partition(b"\n")
            if end:
                yield json.loads(line)
                continue
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise TimeoutError
            block = pipe.read(2**16)
            if not block or len(line) > MAX_LINE_BYTES:
                raise EOFError
            self._held = line + block

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _write(pipe: IO[bytes], data: bytes, deadline: float) -> None:
    """Write all of it, also where the process reads only a part; raises TimeoutError, OSError."""
    os.set_blocking(pipe.fileno(), False)
    left = memoryview(data)
    while left:
        if not select.select([], [pipe], [], max(0.0, deadline - time.monotonic()))[1]:
            raise TimeoutError
        left = left[pipe.write(left) or 0 :]


def _reaped(process: "subprocess.Popen[bytes]", within: float) -> int:
    """Wait for the end of a process, which is ended if that takes too long; bytes that it had resident at most."""
    stop = time.monotonic() + within
    found, status, usage = os.wait4(process.pid, os.WNOHANG)
    while not found and time.monotonic() < stop:
        time.sleep(0.01)
        found, status, usage = os.wait4(process.pid, os.WNOHANG)
    if not found:
        os.kill(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * 1024


def _how(code: int) -> str:
    """How a process ended, by its exit code."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by signal {-code} ({_signal_name(-code)})"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def serve() -> None:
    """What the child does: answer the requests on stdin until that ends, each a line of JSON and then its data."""
    name, memory, mapped, parent = sys.argv[1], *map(int, sys.argv[2:5])
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a library prints is no answer
    sys.dont_write_bytecode = True
    module, _, attribute = name.partition(":")
    function = getattr(importlib.import_module(module), attribute)
    for each in sys.argv[5:]:
        importlib.import_module(each)
    limit(memory, mapped)
    for request in sys.stdin.buffer:
        arguments, size = json.loads(request)
        _answer(function, arguments if size is None else [*arguments, sys.stdin.buffer.read(size)], memory, out)


def _answer(function: Callable[..., Iterable[Any]], arguments: list[Any], memory: int, out: BinaryIO) -> None:
    error, spoilt = None, False
    try:
        for value in function(*arguments):
            _say(out, {"value": value})
    except CurationError as reason:
        error = str(reason)
    except MemoryError:
        error, spoilt = f"out of memory: more than {memory / 1e9:.1f} GB would be needed", True
    except BaseException as reason:  # a bug, or whatever a decoder comes up with: a line, never a traceback
        error = f"unexpected {type(reason).__name__}: {(str(reason).splitlines() or [''])[0][:200]}"
    _say(out, {"error": error, "spoilt": spoilt, "peak": _peak(os.getpid())})


def _say(out: BinaryIO, answer: dict[str, Any]) -> None:
    out.write(json.dumps(answer).encode() + b"\n")
    out.flush()


def die_with_parent(parent: int) -> None:
    """Let this process end with the one that started it, however that ends; on Linux, where that can be asked for."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before we asked
            os._exit(1)


def limit(memory: int, mapped: int = 0) -> None:
    """Let this process have no more than so many bytes resident, write no file and leave no core.

    mapped: bytes of files that may be mapped besides

    Addresses are what can be limited. Those of the code that is loaded already are not counted: most of them are never
    touched; to what is resident now, only so many can come that both together are `memory`.
    """
    addresses, resident = (int(pages) * resource.getpagesize() for pages in _statm()[:2])
    room = max(memory - resident, _SLACK) + mapped
    resource.setrlimit(resource.RLIMIT_AS, (addresses + room, addresses + room))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _statm() -> list[str]:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # pathlib would be one more import
        return file.read().split()


def _peak(pid: int) -> int:
    """Bytes that a process had resident at most: of ru_maxrss, the parent's may be a part. 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            lines = [line.split() for line in file if line.startswith("VmHWM")]
    except OSError:
        lines = []
    return int(lines[0][1]) * 1024 if lines else 0
