"""What reading something from its beginning to its end gives, in the form in which all `check` commands tell it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from curation.children import Ended

MAX_REASONS = 100
OTHER_REASONS = "other reasons"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """How many rows were met, and what became of each.

    rows_in: rows that were met, None where nothing could be read at all; kept + dropped are as many
    dropped: rows that were left out, by reason
    damage:  what was lost besides and could hold any number of rows; error: why it cannot be read, or not to its end
    notes:   facts that are counted but drop nothing
    """

    rows_in: int | None
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    damage: str | None = None
    error: str | None = None
    notes: dict[str, int] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """What the last line of a command with --json holds."""
        return {
            "rows_in": self.rows_in, "kept": self.kept, "dropped": self.dropped, "damage": self.damage,
            "error": self.error,
        }  # fmt: skip


def one_row(reason: str | None = None, error: str | None = None) -> Checked:
    """A file that is one row, which is kept unless there is a reason why not."""
    return Checked(rows_in=1, kept=int(reason is None), dropped={reason: 1} if reason else {}, error=error)


def checked_rows(ended: Ended) -> Checked:
    """What a child told of a file of many rows: as far as it came, if it did not come to the end."""
    found = Checked(**ended.value) if ended.value else Checked(rows_in=None)
    if ended.error is None:
        return found
    return Checked(**{**vars(found), "rows_in": found.rows_in or None, "error": ended.error})


def checked_row(ended: Ended) -> Checked:
    """What a child told of a file that is one row: if it died of it, that is why the row is left out."""
    return Checked(**ended.value) if ended.error is None else one_row(ended.error, ended.error)


def total(found: Sequence[Checked]) -> Checked:
    """The sum over files; of what is damaged in several of them, the first is told."""
    if len(found) == 1:
        return found[0]
    dropped, notes = Counter[str](), Counter[str]()
    for each in found:
        dropped.update(each.dropped)
        notes.update(each.notes)
    rows = [each.rows_in for each in found if each.rows_in is not None]
    return Checked(
        rows_in=sum(rows) if len(rows) == len(found) else None,
        kept=sum(each.kept for each in found),
        dropped=dict(dropped),
        damage=_of_all([each.damage for each in found]),
        error=_of_all([each.error for each in found]),
        notes=dict(notes),
    )


def few(counts: Counter[str]) -> dict[str, int]:
    """Counts by reason; some reasons come out of the data, so that there may be any number of any length of them."""
    told = Counter[str]()
    for reason, count in counts.most_common():
        told[reason[:200] if len(told) < MAX_REASONS else OTHER_REASONS] += count
    return dict(told)


def _of_all(lines: Sequence[str | None]) -> str | None:
    told = [line for line in lines if line]
    return f"{len(told):,} of {len(lines):,} files; {told[0]}" if told else None
