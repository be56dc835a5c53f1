"""This machine: threads, because reading, matching and writing all release the GIL and share one matcher."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from curation.engines.unit import Cancelled, Unit
from curation.errors import CurationError

Env = TypeVar("Env")
Receipt = TypeVar("Receipt")


def map_units(
    fn: Callable[[Unit, Env], Receipt],
    units: Iterable[Unit],
    env: Env,
    *,
    on_done: Callable[[Unit, Receipt], None],
    cancel: Callable[[], bool] = lambda: False,
    max_retries: int = 0,
    workers: int = 1,
) -> None:
    """Run fn(unit, env) for every unit, at most `workers` at a time.

    fn is idempotent: it may run again for the same unit. on_done is called in the caller's thread, as units complete.

    raises Cancelled when `cancel()` turns true (units under way are finished first), CurationError as fn raises it, and
           any other error of fn after `max_retries` repetitions
    """
    waiting: Iterator[Unit] = iter(units)
    running: dict[Future[Receipt], tuple[Unit, int]] = {}
    with ThreadPoolExecutor(workers, thread_name_prefix="unit") as pool:

        def start(unit: Unit, tries: int = 0) -> None:
            running[pool.submit(fn, unit, env)] = (unit, tries)

        for unit in waiting:
            start(unit)
            # one more than there are workers, so that none of them waits for on_done; further ones would delay a cancel
            while len(running) > workers:
                _take_finished(running, start, on_done, cancel, max_retries)
        while running:
            _take_finished(running, start, on_done, cancel, max_retries)


def _take_finished(
    running: dict[Future[Receipt], tuple[Unit, int]],
    start: Callable[[Unit, int], None],
    on_done: Callable[[Unit, Receipt], None],
    cancel: Callable[[], bool],
    max_retries: int,
) -> None:
    finished, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in finished:
        unit, tries = running.pop(future)
        error = future.exception()
        if error is None:
            on_done(unit, future.result())
        elif isinstance(error, CurationError) or tries >= max_retries:
            raise error
        else:
            start(unit, tries + 1)
    if cancel():
        raise Cancelled
