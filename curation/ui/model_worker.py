"""The models of the app run in a process of their own: torch is never in the server, and a crash is a line of text."""

import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import streamlit as st

from curation.children import GARBLED
from curation.clip import frames
from curation.clip.classify import Classified, Picture, Seen
from curation.clip.frames import Message
from curation.clip.questions import FORMS, About, Source
from curation.clip.templates import Templates
from curation.clip.training_data import Nearest
from curation.errors import CurationError

SECONDS = 600.0
"""An answer that takes longer is not waited for: its process is ended."""


class WorkerDied(CurationError):
    """The process with the models is gone; the next question starts another one."""


class Refused(CurationError):
    """What the process with the models says no to."""


class ModelWorker:
    """A process with models, started when it is first needed, and again after it died. It answers one at a time."""

    def __init__(self, module: str = "curation.clip.serving") -> None:
        self._module = module
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Let the process begin to import what it needs, if it does not run; returns at once."""
        if self._lock.acquire(blocking=False):  # else somebody is being answered, so it runs
            try:
                self._running()
            finally:
                self._lock.release()

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def ask(self, what: str, *arguments: Any, within: float = SECONDS) -> Any:
        """The answer to a question of `questions.FORMS`.

        raises Refused (a line of the library), WorkerDied, RuntimeError with the traceback of a bug
        """
        form = FORMS[what]
        question = form.pack(*arguments)
        with self._lock:
            connection = self._running()
            deadline = time.monotonic() + within
            try:
                frames.send(connection, Message([what, question.value], question.blobs), deadline)
                answer = frames.receive(connection, deadline)
                kind, value = answer.value
                if kind == "answer":
                    return form.read(Message(value, answer.blobs), *arguments)
            except TimeoutError:
                self._end()
                raise WorkerDied(
                    f"the models did not answer within {within:.0f} s and were stopped; what they made by then is "
                    "kept: ask again, or for less"
                ) from None
            except GARBLED:
                self._end()
                raise WorkerDied(
                    "the process with the models gave an answer that is none, and was ended: a picture or the "
                    "checkpoint may have damaged it; the next question starts a fresh one"
                ) from None
            except (EOFError, OSError):
                how = self._end()
                raise WorkerDied(
                    f"the process with the models ended ({how}): a picture or the checkpoint may be damaged, or the "
                    "memory too small; what was asked has no answer, the next question starts a fresh one"
                ) from None
            except BaseException:
                self._end()  # else the next question would get the answer to this one
                raise
        if kind == "refused":
            raise Refused(str(value))
        raise RuntimeError(str(value))

    def about(self, source: Source) -> About:
        """A checkpoint and the verdicts of its self-test."""
        found: About = self.ask("about", source)
        return found

    def see(self, source: Source, pictures: Sequence[Picture]) -> list[Seen]:
        """`classify.see`"""
        found: list[Seen] = self.ask("see", source, list(pictures))
        return found

    def embed(self, source: Source, classnames: Sequence[str], templates: Templates) -> None:
        """Make and keep the embeddings of some classes, so that `classify` finds them."""
        self.ask("embed", source, list(classnames), templates)

    def classify(
        self, source: Source, seen: Sequence[Seen], classnames: Sequence[str], templates: Templates
    ) -> Classified:
        """`classify.classify`"""
        found: Classified = self.ask("classify", source, list(seen), list(classnames), templates)
        return found

    def nearest(self, source: Source, image_features: np.ndarray) -> Nearest:
        """`training_data.nearest_captions` among what the checkpoint was trained on"""
        found: Nearest = self.ask("nearest", source, image_features)
        return found

    def names(self) -> tuple[list[str], list[str]]:
        """What open_clip knows: weights by name, "ViT-B-32/metaclip_400m", and architectures."""
        found: tuple[list[str], list[str]] = self.ask("names")
        return found

    def _running(self) -> socket.socket:
        if self._process is not None and self._connection is not None and self._process.poll() is None:
            return self._connection
        self._end()
        ours, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        # no fork or spawn of multiprocessing: that would run the script of the page in the child
        process = subprocess.Popen(
            [sys.executable, "-c", f"from {self._module} import main; main({descriptor})"],
            stdin=subprocess.DEVNULL,
            # beside a training, threads that spin while they wait take the cores from each other: an answer of 0.7 s
            # took 4 s and more
            env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},
            pass_fds=[descriptor],
            start_new_session=True,
        )
        theirs.close()
        self._process, self._connection = process, ours
        weakref.finalize(self, _kill, process)
        return ours

    def _end(self) -> str:
        """Let the process be gone; returns how it ended."""
        process, self._process = self._process, None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if process is None:
            return "not started"
        code = _kill(process)
        try:
            return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"


def _kill(process: "subprocess.Popen[bytes]") -> int:
    """End a process, unless it has ended; its exit code."""
    try:
        return process.wait(0.2)  # a broken pipe comes a moment before its end
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@st.cache_resource(show_spinner=False)
def model_worker() -> ModelWorker:
    """The one process with models of this server; it holds no pictures and no labels of anybody."""
    return ModelWorker()
