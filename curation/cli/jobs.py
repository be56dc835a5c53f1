"""Work that can be stopped and gone on with: what curate, train and ladder, and the jobs that the app starts, share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from curation.errors import CurationError


@contextmanager
def resumable(output: Path, command: str) -> Iterator[Callable[[], bool]]:
    """Around work in a folder: gives what tells that Ctrl-C came; stopped by that, it is told how to go on.

    command: goes on with it, before its -o
    """
    from curation.engines import Cancelled
    from curation.runs.job import stop_on_signal

    with stop_on_signal() as stopped:
        try:
            yield stopped
        except Cancelled:
            raise CurationError(
                f"{output}: cancelled; what is done is kept, go on with 'headtail {command} --resume -o {output}'"
            ) from None


@contextmanager
def of_the_app() -> Iterator[Callable[[], bool]]:
    """Around a job that the app started: that it was cancelled, its folder says."""
    from curation.engines import Cancelled
    from curation.runs.job import stop_on_signal

    with stop_on_signal() as stopped, suppress(Cancelled):
        yield stopped
