"""What every engine shares: the piece of work."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """Consecutive row groups of one file, or all of a file that has none; fixed by the plan, never by the workers."""

    index: int
    path: str
    row_groups: tuple[int, ...]


class Cancelled(Exception):
    """The work was asked to stop; what is done is done, the rest can go on later."""
