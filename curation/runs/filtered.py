"""What the filters of a run decided: filtered/<unit>.parquet, a reason for each pair that reading the unit gives.

Both passes read it, and so does verifying: whether a pair is a duplicate only the whole pool can tell.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation import files
from curation.errors import BadRun
from curation.pool.filter_config import REASONS
from curation.pool.filters import SIZE_UNKNOWN
from curation.pool.pairs import Scanned
from curation.pool.texts import ANOTHER_TEXT

NO_IMAGE = "image is not in the pool"
NOT_DECODED = "image cannot be decoded"

NOTES: dict[str, tuple[str, ...]] = {
    "short side": (SIZE_UNKNOWN,),
    "aspect ratio": (SIZE_UNKNOWN,),
    "same image": (NO_IMAGE,),
    "similar image": (NO_IMAGE, NOT_DECODED),
}
"""What a filter could not tell of some pairs, which pass it; these pairs are counted in its step."""

_STEP = "filter: {}"


@dataclass(frozen=True)
class FilterReceipt:
    """The commit mark of a unit's decisions, beside their file.

    rows_in: rows of the pool; rows: pairs that reading gave; dropped: how many of these, by the names of FILTERS
    notes:   pairs that a filter could not judge, by the reason
    """

    unit: int
    plan_digest: str
    sha256: str
    rows_in: int
    rows: int
    dropped: dict[str, int]
    notes: dict[str, int] = field(default_factory=dict)


def write_reasons(path: Path, reasons: np.ndarray) -> None:
    """Keep the reasons of a unit, (N,) uint8 of REASONS."""
    options = {**files.PARQUET_OPTIONS, "use_dictionary": True}  # few different numbers: a few bits a pair
    with files.whole(path) as temporary:
        pq.write_table(pa.table({"reason": reasons}), temporary, **options)


def write_receipt(folder: Path, receipt: FilterReceipt) -> None:
    """Commit a unit."""
    files.write_json(folder / f"{receipt.unit:05d}.json", asdict(receipt))


def kept_pairs(batches: Iterable[Scanned], path: Path) -> Iterator[Scanned]:
    """The batches of a unit without the pairs that filters drop, which are counted; BadRun if they are not as many."""
    reasons = _Reasons(path)
    for batch in batches:
        mine = reasons.take(len(batch.pairs))
        yield replace(batch, pairs=batch.pairs.filter(pa.array(mine == 0)), dropped=batch.dropped + _drops(mine))
    reasons.check_end()


def kept_texts(
    batches: Iterable[tuple[pa.StringArray, Counter[str]]], path: Path
) -> Iterator[tuple[pa.StringArray, Counter[str]]]:
    """As `kept_pairs`, for texts alone."""
    reasons = _Reasons(path)
    for text, dropped in batches:
        mine = reasons.take(len(text))
        yield text.filter(pa.array(mine == 0)), dropped + _drops(mine)
    reasons.check_end()


def count_reasons(reasons: np.ndarray) -> dict[str, int]:
    """How many pairs each filter dropped, by the names of FILTERS; those that dropped none are not in it."""
    counts = np.bincount(reasons, minlength=len(REASONS) + 1)
    return {name: int(counts[number]) for name, number in REASONS.items() if counts[number]}


def filter_steps(
    active: Sequence[str], dropped: Counter[str], pairs: int, notes: Mapping[str, int]
) -> tuple[list[dict[str, Any]], Counter[str], int]:
    """The steps of the funnel between reading and what comes then: one a filter, and the draw of texts if there is one.

    active:  names of FILTERS; dropped: by all of reading; pairs: that are left in the end
    returns  the steps, what is dropped before them, and how many pairs go into the first. Without filters no steps
    """
    if not active:
        return [], dropped, pairs
    steps, before, out = [], dropped.copy(), pairs
    if drawn := before.pop(ANOTHER_TEXT, 0):
        steps.append({"step": "draw", "in": out + drawn, "out": out, "dropped": {ANOTHER_TEXT: drawn}})
        out += drawn
    for name in reversed(active):
        gone = before.pop(_STEP.format(name), 0)
        step: dict[str, Any] = {
            "step": _STEP.format(name), "in": out + gone, "out": out, "dropped": {name: gone},
        }  # fmt: skip
        if told := {note: notes[note] for note in NOTES.get(name, ()) if notes.get(note)}:
            step["notes"] = told
        steps.append(step)
        out += gone
    return steps[::-1], before, out


def _drops(reasons: np.ndarray) -> Counter[str]:
    return Counter({_STEP.format(name): count for name, count in count_reasons(reasons).items()})


class _Reasons:
    """The reasons of a unit, taken in the order in which its pairs are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reasons = files.read_table(path)["reason"].to_numpy()
        self._taken = 0

    def take(self, rows: int) -> np.ndarray:
        mine = self._reasons[self._taken : self._taken + rows]
        self._taken += rows
        if len(mine) < rows:
            self._complain()
        return mine

    def check_end(self) -> None:
        if self._taken != len(self._reasons):
            self._complain()

    def _complain(self) -> None:
        raise BadRun(
            f"{self._path}: decisions for {len(self._reasons):,} pairs, the pool gives another number;"
            " it changed, start a new run"
        )
