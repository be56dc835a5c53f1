"""What commands print: tables, numbers, JSON and bars. Text from data goes through `plain`."""

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as RichBar
    from rich.progress import ProgressColumn

    from curation.runs.progress import Progress

QUIET_S, LINE_EVERY_S = 15.0, 30.0
"""Where stderr is no terminal, nothing is said for so long; then of each phase as it begins, and so often."""


def print_json(value: Any) -> None:
    """One line of JSON; dataclasses as objects, tables as lists of them; an infinite t_min becomes null.

    What is no Unicode, as in the names of some files, is escaped.
    """
    line = json.dumps(_jsonable(value), ensure_ascii=False, allow_nan=False)
    print(line.encode(errors="backslashreplace").decode())


def _jsonable(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _jsonable(asdict(value))
    if hasattr(value, "to_pylist"):  # a table of Arrow: a list of its rows
        return _jsonable(value.to_pylist())
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as their widest cell; the first to the left, numbers to the right."""
    cells = [tuple(plain(cell) for cell in row) for row in [*([head] if head else []), *rows]]
    if not cells:
        return
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    for row in cells:
        parts = [cell.rjust(w) if _is_number(cell) else cell.ljust(w) for cell, w in zip(row, widths, strict=True)]
        print("  ".join(parts).rstrip())


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "").replace("e+", "").isdigit()


def plain(text: str) -> str:
    """Text from data for a terminal: without control characters, which could drive it."""
    return "".join(char if char.isprintable() else " " for char in text)


def number(t: float) -> str:
    """A threshold, with all the digits it has."""
    return f"{t:,.10g}"


@contextmanager
def bar(total: int | None, what: str) -> Iterator[Callable[[int], None]]:
    """A bar for `total` rows, if that is known; gives the function that is told how many more are done."""
    with _rich_bar() as shown:
        task = shown.add_task(what, total=total)
        yield lambda rows: shown.advance(task, rows)


@contextmanager
def byte_bar(path: Path, what: str) -> Iterator[Callable[[int], None]]:
    """A bar for the bytes of a file, also one that is not there; gives the function that is told how far it is read."""
    total = path.stat().st_size if path.is_file() else 0
    with _rich_bar() as shown:
        task = shown.add_task(what, total=total)
        yield lambda position: shown.update(task, completed=position)


@contextmanager
def share_bar(what: str) -> Iterator[Callable[[float], None]]:
    """A bar that is told which share of the work is done."""
    with _rich_bar() as shown:
        task = shown.add_task(what, total=100)
        yield lambda share: shown.update(task, completed=round(100 * share))


@contextmanager
def progress_bar() -> Iterator[Callable[["Progress"], None]]:
    """A bar for each phase of a run, and below who works on it; where stderr is no terminal a line now and then."""
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    bars = _rich_bar()
    if bars.disable:
        yield _Lines().show
        return
    tasks: dict[str, Any] = {}
    note = Text(no_wrap=True, overflow="ellipsis")

    def show(progress: "Progress") -> None:
        if progress.phase not in tasks:
            # what an earlier job did counts for no speed
            tasks[progress.phase] = bars.add_task(progress.phase, total=progress.total, completed=progress.done)
        bars.update(tasks[progress.phase], completed=progress.done)
        rate = [f"{progress.rate:,.0f} {progress.of} a second"] if progress.rate else []
        note.plain = ", ".join([*rate, *_engine_note(progress)])

    with Live(Group(bars, note), console=bars.console):
        yield show


class _Lines:
    """A long run in a log file: a line for each phase, and one every LINE_EVERY_S. A short one says nothing."""

    def __init__(self) -> None:
        self._quiet_until = self._due = time.monotonic() + QUIET_S
        self._phase = ""

    def show(self, progress: "Progress") -> None:
        from curation.runs.standing import in_words

        now = time.monotonic()
        if now >= self._due or (now >= self._quiet_until and progress.phase != self._phase):
            self._phase, self._due = progress.phase, now + LINE_EVERY_S
            line = "; ".join([in_words(progress, progress.phase), *_engine_note(progress)])
            print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}", file=sys.stderr, flush=True)


def _engine_note(progress: "Progress") -> list[str]:
    from curation.engines.words import incidents, place

    return [] if progress.engine is None else [place(progress.engine), *incidents(progress.engine)]


@contextmanager
def changing_bar() -> Iterator[Callable[[str, int, int], None]]:
    """One bar for one thing after the other; gives the function that is told what, how far, and how far it goes.

    How far it goes is 0 where that is not known.
    """
    with _rich_bar() as shown:
        task = shown.add_task("")
        yield lambda what, done, total: shown.update(task, description=plain(what), completed=done, total=total or None)


@contextmanager
def training_bar() -> Iterator[tuple[Callable[["Progress"], None], Callable[[dict[str, Any]], None]]]:
    """A bar for each phase of a training; the second function is told the lines of its metrics, and shows the last."""
    from rich.progress import TextColumn

    with _rich_bar(TextColumn("{task.fields[note]}")) as shown:
        tasks: dict[str, Any] = {}

        def show(progress: "Progress") -> None:
            if progress.phase not in tasks:
                tasks[progress.phase] = shown.add_task(progress.phase, total=progress.total, note="")
            shown.update(tasks[progress.phase], completed=progress.done)

        def tell(line: dict[str, Any]) -> None:
            if "loss" in line:
                note = f"loss {line['loss']:.3f}, {line['samples_per_second']:,.0f}/s"
                shown.update(tasks["train"], note=note)

        yield show, tell


def _rich_bar(*more: "ProgressColumn") -> "RichBar":
    """On stderr, so that stdout stays what was asked for; it is disabled where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        *more,
    )
    return Progress(*columns, console=console, disable=not console.is_terminal)
