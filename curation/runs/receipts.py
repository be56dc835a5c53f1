"""Receipts: the commit marks of units. One stands beside the file of its unit, and only a file that fits it counts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from curation import files
from curation.errors import CurationError


class _Receipt(Protocol):
    @property
    def plan_digest(self) -> str: ...
    @property
    def sha256(self) -> str: ...


Receipt = TypeVar("Receipt", bound=_Receipt)


def read_receipt(kind: type[Receipt], path: Path, plan_digest: str, beside: Sequence[Path] = ()) -> Receipt | None:
    """The receipt of a finished unit; None where there is none or the unit's file does not fit it: it is done again.

    path:   of the unit's file
    beside: files, Parquet or .npy, that were written with it; where one cannot be read, the unit is done again too
    """
    try:
        receipt = kind(**files.read_json(path.with_suffix(".json")))
        fits = receipt.plan_digest == plan_digest and receipt.sha256 == files.sha256(path)
        for other in beside if fits else ():
            files.open_array(other, mapped=True) if other.suffix == ".npy" else files.read_table(other)
    except (CurationError, OSError, TypeError):
        return None
    return receipt if fits else None


def receipts_in(folder: Path) -> set[int]:
    """The numbers of the units that have a receipt, whether it fits or not: `read_receipt` is for the workers."""
    return {int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal()}
