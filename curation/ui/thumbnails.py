"""Where the browser finds the thumbnails of a page: at addresses of our own server, made when they are first asked for.

Under plain `streamlit run app.py` there is no such server; then they stand in the page itself.
"""

import base64
import re
from collections import OrderedDict
from collections.abc import Sequence
from threading import Event, Lock

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from curation.pool import thumbnails
from curation.pool.decoder import NOT_TRIED, Decoder
from curation.runs.folder import Run
from curation.runs.workspace import thumbnail_folder

decoder = Decoder()
"""That of this process: no picture from elsewhere is decoded in here."""

PATH = "/thumb/{key}"
REMEMBERED = 20_000
"""Thumbnails that the server knows how to make: those of the pages that were shown last."""


class _Batch:
    """The pictures of one page: the first that is asked for makes all of them, for they stand close together."""

    def __init__(self, run: Run, references: Sequence[str]) -> None:
        self._run, self._references, self._lock = run, references, Lock()
        self._made: dict[str, bytes | str | None] | None = None

    def made(self, key: str) -> bytes | str | None:
        with self._lock:
            if self._made is None or self._made.get(key) == NOT_TRIED:
                keys = [thumbnails.thumbnail_key(self._run.inputs, reference) for reference in self._references]
                found = _made(self._run, self._references)
                self._made = dict(zip(keys, found, strict=True))
        return self._made.get(key)


_batches: OrderedDict[str, _Batch] = OrderedDict()  # by key of the thumbnail; the same for whoever looks
_served = Event()


def serve() -> None:
    """From now on there is a server that answers at PATH."""
    _served.set()


def sources(run: Run, references: Sequence[str | None]) -> list[tuple[str | None, str | None]]:
    """For each image reference of a run: what an <img> takes as its source, and why there is none; both None without.

    With a server the reason is not known yet: who finds no picture at the address asks there for the text.
    """
    if not _served.is_set():
        return [_inline(thumbnail) for thumbnail in _made(run, references)]
    batch = _Batch(run, [reference for reference in references if reference is not None])
    keys = [None if reference is None else thumbnails.thumbnail_key(run.inputs, reference) for reference in references]
    for key in keys:
        if key is not None:
            _batches[key] = _batches.get(key, batch)
            _batches.move_to_end(key)
    while len(_batches) > REMEMBERED:
        _batches.popitem(last=False)
    return [(None if key is None else PATH.format(key=key), None) for key in keys]


def answer(request: Request) -> Response:
    """The thumbnail with a key, or 404 with the reason why there is none."""
    key = request.path_params["key"]
    if not re.fullmatch("[0-9a-f]{64}", key):
        return PlainTextResponse("no such thumbnail", 404)
    batch = _batches.get(key)
    data = thumbnails.kept_thumbnail(thumbnail_folder(), key) or (batch.made(key) if batch else None)
    if not isinstance(data, bytes):
        return PlainTextResponse(data or "no such thumbnail: load the page again", 404, {"Cache-Control": "no-store"})
    headers = {"Cache-Control": "private, max-age=604800, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type="image/jpeg", headers=headers)


def _made(run: Run, references: Sequence[str | None]) -> list[bytes | str | None]:
    return thumbnails.thumbnails(decoder, run.inputs, run.config.columns, references, thumbnail_folder())


def _inline(thumbnail: bytes | str | None) -> tuple[str | None, str | None]:
    if isinstance(thumbnail, bytes):
        return f"data:image/jpeg;base64,{base64.b64encode(thumbnail).decode()}", None
    return None, thumbnail
