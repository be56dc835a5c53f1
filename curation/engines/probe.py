"""What the workers of other machines must find: this version, and the files where the driver sees them."""

import platform
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from curation import __version__, files
from curation.errors import CurationError
from curation.pool import remote


@dataclass(frozen=True)
class Probe:
    """What a worker is to look for.

    folder: that units write into, in which the driver has put a file `token`
    reads:  what units read: a URI and None, or a path and its size in bytes; -1: a folder
    """

    folder: str
    token: str
    reads: tuple[tuple[str, int | None], ...]
    version: str
    python: str

    def wrong(self) -> str | None:
        """What this process finds otherwise, in words that go on a sentence about its machine; None if nothing."""
        here = (__version__, platform.python_version())
        if here != (self.version, self.python):
            return (
                f"runs headtail {here[0]} and Python {here[1]}, this machine {self.version} and {self.python}; "
                "install the same versions on all of them"
            )
        folder = Path(self.folder)
        if not (folder / self.token).is_file():
            return f"does not see {folder}; choose a folder that all nodes share, under the same path"
        own = folder / f".{secrets.token_hex(8)}.tmp"
        try:
            own.touch()
            own.unlink()
        except OSError as error:
            return f"cannot write into {folder} ({error.strerror}); give its user the right to"
        for place, size in self.reads:
            why_not = _why_unseen(place, size)
            if why_not is not None:
                return f"cannot read {place} ({why_not}); keep it where all nodes see it, under the same path"
        return None


@contextmanager
def expected(folder: Path, reads: Sequence[str]) -> Iterator[Probe]:
    """What this process sees, for others to compare; the files that it takes are gone after."""
    token = f".{secrets.token_hex(8)}.tmp"
    (folder / token).touch()
    try:
        yield Probe(
            str(folder),
            token,
            tuple((place, None if files.is_uri(place) else _size(Path(place))) for place in reads),
            __version__,
            platform.python_version(),
        )
    finally:
        (folder / token).unlink(missing_ok=True)


def _why_unseen(place: str, size: int | None) -> str | None:
    try:
        if size is None:
            remote.open_bytes(place).close()
        elif _size(Path(place)) != size:
            return "another file than here"
        return None
    except OSError as error:
        return error.strerror or str(error)
    except CurationError as error:
        return str(error)


def _size(path: Path) -> int:
    return -1 if path.is_dir() else path.stat().st_size
