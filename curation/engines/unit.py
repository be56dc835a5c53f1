"""What every engine shares: the piece of work, and how work ends that does not end well."""

from dataclasses import dataclass

from curation.errors import CurationError


@dataclass(frozen=True)
class Unit:
    """Consecutive row groups of one file, or all of a file that has none; fixed by the plan, never by the workers.

    Where results are put together, path is the folder that holds them, and row_groups are their numbers.
    """

    index: int
    path: str
    row_groups: tuple[int, ...]

    def __str__(self) -> str:
        if not self.row_groups:
            return self.path
        first, last = self.row_groups[0], self.row_groups[-1]
        return f"{self.path} ({first})" if first == last else f"{self.path} ({first} to {last})"


class Cancelled(Exception):
    """The work was asked to stop; what is done is done, the rest can go on later."""


class UnitsFailed(CurationError):
    """Some units failed at every try; all others are done."""
