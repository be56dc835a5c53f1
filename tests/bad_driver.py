"""Read bad inputs in children, as the check commands do, and hold each to the promises of docs/reliability.md."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bad_inputs import BadInput
from curation.children import Child, Ended
from curation.pool.checked import Checked, checked_row, checked_rows
from curation.pool.columns import Columns
from curation.pool.formats import format_of
from misbehave import environment_of_tests

MOST_SECONDS, MOST_MEMORY = 60, 1_500_000_000

FUNCTIONS = {
    "pool": ("curation.pool.checks:read_pool_file", ()),
    "image": ("curation.pool.checks:decode_image", ()),
    "checkpoint": ("curation.clip.checkpoint_check:load", ("torch", "safetensors")),
    "metadata": ("misbehave:read_metadata_file", ()),
}


@dataclass(frozen=True)
class Outcome:
    """What became of an input."""

    bad: BadInput
    ended: Ended
    checked: Checked

    def broken(self) -> list[str]:
        """The promises that were broken."""
        found, checked = [], self.checked
        told = " ".join([checked.error or "", checked.damage or "", *checked.dropped])
        if self.ended.seconds > MOST_SECONDS:
            found.append(f"took {self.ended.seconds:.0f} s")
        if self.ended.peak > MOST_MEMORY:
            found.append(f"took {self.ended.peak / 1e6:.0f} MB")
        if "Traceback" in told or "unexpected" in told:
            found.append(f"a bug: {told}")
        if "\n" in told or re.search(r"0x[0-9a-f]{8}", told):
            found.append(f"no line for people: {told!r}")
        if any(count < 0 for count in (checked.kept, *checked.dropped.values())):
            found.append("negative counts")
        if checked.rows_in is not None and checked.kept + sum(checked.dropped.values()) != checked.rows_in:
            found.append(f"{checked.kept} + {checked.dropped} of {checked.rows_in}")
        if checked.rows_in is None and not checked.error:
            found.append("nothing is told")
        if self.bad.rows is not None and checked.rows_in != self.bad.rows and not (checked.error or checked.damage):
            found.append(f"{checked.rows_in} rows of {self.bad.rows}")
        return found


def worst(found: Iterable[Outcome]) -> str:
    """A line a kind of input: how many there were, and the most memory and the longest time that one of them took."""
    kinds: dict[str, list[Ended]] = {}
    for one in found:
        kinds.setdefault(one.bad.what, []).append(one.ended)
    return "\n".join(
        f"{kind:<12}{len(ended):>6}{max(one.peak for one in ended) / 1e6:>7.0f} MB"
        f"{max(one.seconds for one in ended):>7.1f} s at most"
        for kind, ended in kinds.items()
    )


def outcomes(inputs: Iterable[BadInput], folder: Path) -> Iterator[Outcome]:
    """Read one after the other; those that are slow in a child of their own."""
    children: dict[str, Child] = {}
    try:
        for bad in inputs:
            path = folder / bad.file
            path.write_bytes(bad.data())
            if bad.slow:
                with _child(bad.what, path) as child:
                    ended = child.ask(*_arguments(bad.what, path))
            else:
                child = children.setdefault(bad.what, _child(bad.what, path))
                ended = child.ask(*_arguments(bad.what, path))
            path.unlink()
            yield Outcome(bad, ended, (checked_row if bad.what in ("image", "checkpoint") else checked_rows)(ended))
    finally:
        for child in children.values():
            child.__exit__(None, None, None)


def _child(what: str, path: Path) -> Child:
    function, modules = FUNCTIONS[what]
    return Child(function, modules=modules, mapped=10_000_000, environment=environment_of_tests())


def _arguments(what: str, path: Path) -> tuple[Any, ...]:
    if what == "pool":
        return str(path), format_of(path).name, asdict(Columns())
    return (str(path), None) if what == "checkpoint" else (str(path),)
