"""Thumbnails made in children with limits: an image that kills its decoder is a reason in words, and nothing else."""

import hashlib
from base64 import b64decode
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread

from curation.children import Child, Ended
from curation.errors import UnreadableFile
from curation.pool.image_files import MAX_IMAGE_BYTES

SECONDS = 10.0
"""So long an image may take, of which the largest allowed have 50 million pixels."""

CHILDREN = 2

MOST_HUNG = 2
"""After so many images of a page that hung, its others are not tried: pages of others wait for the same children."""

MOST_REMEMBERED = 10_000

NOT_TRIED = f"image: not decoded: {MOST_HUNG} others of this page hung; load it again to try this one"

MOST_BYTES = 1_000_000
"""A thumbnail has a twentieth of it."""

_JPEG = b"\xff\xd8", b"\xff\xd9"


class Decoder:
    """A few children that decode for all threads of this process, in the order in which they are asked.

    An image that killed its decoder, or hung, is not tried again.

    function: that they call, as "module:name"; takes and yields what `decode.answer` does
    seconds:  that an image may take
    """

    def __init__(self, function: str = "curation.pool.decode:answer", *, seconds: float = SECONDS) -> None:
        self._function, self._seconds = function, seconds
        self._asked: SimpleQueue[tuple[bytes, int, Future[Ended]] | None] = SimpleQueue()
        self._lock = Lock()
        self._threads: list[Thread] = []
        self._died: dict[bytes, str] = {}  # by digest of the image

    def start(self) -> None:
        """Let the children start and import what they need; returns at once."""
        with self._lock:
            if not self._threads:
                # threads of their own: a child ends with the thread that started it, and that of a page ends soon
                self._threads = [Thread(target=self._work, daemon=True) for _ in range(CHILDREN)]
                for thread in self._threads:
                    thread.start()

    def stop(self) -> None:
        """End the children; the next image starts others."""
        with self._lock:
            threads, self._threads = self._threads, []
        for _ in threads:
            self._asked.put(None)
        for thread in threads:
            thread.join()

    def thumbnails(self, images: Sequence[bytes], side: int) -> list[bytes | str]:
        """For each image of a page a small JPEG of our own, as `decode.thumbnail` makes it, or why there is none."""
        found: list[bytes | str] = []
        hung = 0
        for image in images:
            if hung == MOST_HUNG:
                found.append(NOT_TRIED)
                continue
            try:
                found.append(self._thumbnail(image, side))
            except TimeoutError as error:
                hung += 1
                found.append(str(error))
            except UnreadableFile as error:
                found.append(str(error))
        return found

    def _thumbnail(self, image: bytes, side: int) -> bytes:
        """raises UnreadableFile, TimeoutError with the reason"""
        if len(image) > MAX_IMAGE_BYTES:
            raise UnreadableFile(f"image is over {MAX_IMAGE_BYTES // 10**6} MB")
        digest = hashlib.blake2b(image, digest_size=32).digest()
        if (reason := self._died.get(digest)) is not None:
            raise UnreadableFile(reason)
        self.start()
        future: Future[Ended] = Future()
        self._asked.put((image, side, future))
        try:
            ended = future.result()
        except OSError as error:  # no more processes, no memory for one
            raise UnreadableFile(f"image: not decoded: no process can be started for it ({error.strerror})") from None
        if ended.error is None:
            return _checked(ended.value)
        reason = f"image: not decoded: {ended.error}"
        with self._lock:
            self._died[digest] = reason
            if len(self._died) > MOST_REMEMBERED:
                del self._died[next(iter(self._died))]
        raise TimeoutError(reason) if ended.seconds >= self._seconds else UnreadableFile(reason)

    def _work(self) -> None:
        with Child(self._function) as child:
            with suppress(OSError):  # whoever asks is told
                child.start()
            while (asked := self._asked.get()) is not None:
                image, side, future = asked
                try:
                    future.set_result(child.ask(side, data=image, seconds=self._seconds))
                except BaseException as error:
                    future.set_exception(error)


def _checked(value: object) -> bytes:
    """The JPEG in the answer of a child, which may have been taken over by what it decoded; raises UnreadableFile."""
    match value:
        case {"reason": str(reason)}:
            raise UnreadableFile(reason[:200].encode(errors="replace").decode())
        case {"jpeg": str(text)}:
            try:
                data = b64decode(text, validate=True)
            except ValueError:
                data = b""
            if data.startswith(_JPEG[0]) and data.endswith(_JPEG[1]) and len(data) <= MOST_BYTES:
                return data
    raise UnreadableFile("image: not decoded: the process that read it gave no picture")
