"""How the `check` commands tell what they found."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from curation.errors import CurationError
from curation.terminal import plain, print_json, print_table

if TYPE_CHECKING:
    from curation.pool.checked import Checked


@contextmanager
def told_as_json(as_json: bool) -> Iterator[None]:
    """Where JSON was asked for, an error is JSON too: the last line is always an object of the same form."""
    from curation.pool.checked import Checked

    try:
        yield
    except CurationError as error:
        if not as_json:
            raise
        print_json(Checked(rows_in=None, error=str(error)).summary())
        sys.exit(error.exit_code)


def print_checked(checked: "Sequence[tuple[str, Checked]]", kind: str, as_json: bool) -> None:
    """A few lines for each file; as JSON a line for each of several, and last one for all. Exit code 1 on an error.

    kind: what a row is if it is kept, such as "pairs"
    """
    from curation.pool.checked import total

    if as_json:
        if len(checked) > 1:
            for path, found in checked:
                print_json({"file": path, **found.summary(), "notes": found.notes})
        print_json(total([found for _, found in checked]).summary())
    else:
        for path, found in checked:
            rows = "?" if found.rows_in is None else f"{found.rows_in:,}"
            print(f"{plain(path)}: {found.kept:,} {kind} of {rows} rows")
            print_table((), [(f"  {why}", f"{count:,}") for why, count in {**found.dropped, **found.notes}.items()])
            for told in (found.damage, found.error):
                if told:
                    print(f"  {plain(told)}")
    if any(found.error for _, found in checked):
        sys.exit(1)
