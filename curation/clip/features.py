"""Features of pictures and texts on disk, so that a checkpoint meets each of them once.

    <checkpoint digest>/<view>/<sha256>.npy    a segment: rows of (item digest, feature), written once

A feature is found by three names: the digest of the checkpoint, which covers everything that changes a feature; the
digest of the item, `item_digest` of the bytes of the picture as they lie in their file, or of the text; and the view,
what was made of the item before it was encoded ("image", "text"). A segment carries the sha256 of its bytes as its
name: one that is cut or changed is set aside as `.damaged`, and its features are made again. Any number of processes
may read and write at once, for nothing is ever changed in place: two that miss the same feature both make it.

The features of an item that was encoded in another batch, with another number of threads or on another device differ
by the rounding of floats; of several that were kept, one is taken.
"""

import hashlib
import io
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from curation import files
from curation.engines.unit import Cancelled
from curation.errors import BadArgument
from curation.pool.uids import image_digest

KEEP_BYTES = 64_000_000
KEEP_SECONDS = 30.0
"""What is made is kept at so many bytes, after so many seconds, and at the end: a kill loses no more than that."""

LEFTOVER_SECONDS = 86_400.0
"""A temporary file of this age has no writer any more."""

Make = Callable[[np.ndarray], np.ndarray]
"""Features of some items, by their numbers: (n,) int64, ascending -> (n, D) float32.

A row with a NaN says that the item has no feature; it is handed on, and not kept.
"""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")


def item_digest(item: bytes | str) -> bytes:
    """128-bit BLAKE2b of the bytes of a picture's file, or of a text in UTF-8.

    >>> item_digest("a dog").hex()
    '2d542c246172ce211bbe11280c9c4824'
    """
    return image_digest([item.encode() if isinstance(item, str) else item])


class FeatureStore:
    """Features that are on disk already, and those that are made and put there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[Path, tuple[tuple[int, int], np.ndarray]] = {}

    def features_of(
        self,
        checkpoint: str,
        view: str,
        digests: Sequence[bytes],
        make: Make,
        *,
        batch: int = 256,
        on_progress: Callable[[int], None] = lambda items: None,
        cancel: Callable[[], bool] = lambda: False,
    ) -> np.ndarray:
        """Features of items, looked up or made.

        checkpoint:  `Checkpoint.digest`
        view:        what is made of an item, in lower case: "image", "text", "image-flip"
        digests:     of the N items, see `item_digest`; of one that comes again the feature is made once
        make:        makes those that are not there yet, at most `batch` of them a call
        on_progress: is told how many more of the N are done, those that were there included
        returns      (N, D) float32; (0, 0) for no item
        raises       Cancelled, once `cancel()` is true; OSError where the disk is full. What was made by then is kept
        """
        folder = self._folder / _checked_name(checkpoint) / _checked_name(view)
        keys = _as_keys(digests)
        _, first, which, times = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        items, times = np.sort(first), times[np.argsort(first)]  # ascending: so a file is read from front to end
        segments = self._segments(folder)
        row = _look_up(segments, keys[items])
        out = _gathered(segments, row[row >= 0], items[row >= 0], len(keys))
        on_progress(int(times[row >= 0].sum()))
        missing, times = items[row < 0], times[row < 0]
        with _Kept(folder) as kept:
            for at in range(0, missing.size, batch):
                if cancel():
                    raise Cancelled
                chunk = missing[at : at + batch]
                made = make(chunk)
                if out is None:
                    out = np.empty((len(keys), made.shape[1]), np.float32)
                if made.shape != (chunk.size, out.shape[1]):
                    raise ValueError(f"features of {chunk.size} items: {made.shape}, and others have {out.shape[1]}")
                out[chunk] = made
                kept.add(keys[chunk], made)
                on_progress(int(times[at : at + batch].sum()))
        if out is None:
            return np.empty((0, 0), np.float32)
        again = np.flatnonzero(first[which] != np.arange(len(keys)))
        out[again] = out[first[which[again]]]
        return out

    def _segments(self, folder: Path) -> list[np.ndarray]:
        """The whole segments of a folder, memory-mapped; each is checked when it is met first, or has changed."""
        found = []
        for path in sorted(folder.glob("*.npy")):
            with suppress(FileNotFoundError):
                state = path.stat().st_size, path.stat().st_mtime_ns
                if path not in self._open or self._open[path][0] != state:
                    rows = _opened(path)
                    if rows is None:
                        continue
                    self._open[path] = state, rows
                found.append(self._open[path][1])
        return found


class _Kept:
    """Features on their way to disk: those that are not there yet are written at the end, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begin()

    def _begin(self) -> None:
        self._parts: list[np.ndarray] = []
        self._bytes, self._since = 0, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._write()

    def add(self, keys: np.ndarray, features: np.ndarray) -> None:
        """Some more, those without a feature left out."""
        good = np.isfinite(features).all(axis=1)
        rows = np.empty(int(good.sum()), [("digest", "S16"), ("feature", "<f4", (features.shape[1],))])
        rows["digest"], rows["feature"] = keys[good], features[good]
        self._parts.append(rows)
        self._bytes += rows.nbytes
        if self._bytes >= KEEP_BYTES or time.monotonic() - self._since >= KEEP_SECONDS:
            self._write()

    def _write(self) -> None:
        if self._bytes:
            _remove_leftovers(self._folder)
            out = io.BytesIO()
            np.save(out, np.concatenate(self._parts), allow_pickle=False)
            data = out.getbuffer()
            with files.whole(self._folder / f"{hashlib.sha256(data).hexdigest()}.npy") as temporary:
                temporary.write_bytes(data)
        self._begin()


def _opened(path: Path) -> np.ndarray | None:
    """The rows of a segment; None for one that is not what its name says, which is set aside."""
    if files.sha256(path) == path.stem:
        rows: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return rows
    path.rename(path.with_suffix(".damaged"))
    return None


def _look_up(segments: Sequence[np.ndarray], keys: np.ndarray) -> np.ndarray:
    """(U,) int64: the row of each key, counted through all segments; -1 where there is none."""
    known = np.concatenate([np.empty(0, "S16"), *(rows["digest"] for rows in segments)])
    if not known.size:
        return np.full(keys.size, -1)
    order = np.argsort(known, kind="stable")
    at = np.searchsorted(known, keys, sorter=order).clip(max=known.size - 1)
    return np.where(known[order[at]] == keys, order[at], -1)


def _gathered(segments: Sequence[np.ndarray], row: np.ndarray, items: np.ndarray, n: int) -> np.ndarray | None:
    """(n, D) with the features of these rows at the places of their items; None where there is no segment."""
    if not segments:
        return None
    out = np.empty((n, segments[0].dtype["feature"].shape[0]), np.float32)
    starts = np.cumsum([0, *(rows.size for rows in segments)])
    for rows, start, stop in zip(segments, starts[:-1], starts[1:], strict=True):
        here = np.flatnonzero((row >= start) & (row < stop))
        if here.size:
            out[items[here]] = rows["feature"][row[here] - start]
    return out


def _as_keys(digests: Sequence[bytes]) -> np.ndarray:
    """(N,) of 16 bytes each. NumPy takes zeros at the end for nothing, at all of them alike."""
    if any(len(digest) != 16 for digest in digests):
        raise BadArgument("a digest of an item has 16 bytes, see item_digest")
    return np.array(list(digests), "S16")


def _checked_name(name: str) -> str:
    """A name that is safe as that of a folder."""
    if not _NAME.fullmatch(name):
        raise BadArgument(f"{name!r}: give lower-case letters, digits and hyphens, at most 128")
    return name


def _remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of writers that were killed long ago."""
    for path in folder.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
                path.unlink()
