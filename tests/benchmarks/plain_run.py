"""The rows of a small run, and the questions to it answered by counting: the oracle of `query_run.py`."""

from typing import Any

import pyarrow.parquet as pq

from curation.runs.folder import Run


class PlainRun:
    """All pairs of a run as dicts."""

    def __init__(self, run: Run) -> None:
        self.rows: list[dict[str, Any]] = [row for file in run.pair_files for row in pq.read_table(file).to_pylist()]

    def pairs(self, t: float, which: str, entry_id: int | None = None) -> list[str]:
        """The uids of the pairs that are kept, or dropped, at t."""
        return sorted(
            row["uid"]
            for row in self.rows
            if (row["t_min"] < t) == (which == "kept") and (entry_id is None or entry_id in row["matched_entry_ids"])
        )

    def entry_kept(self, t: float, entry_ids: list[int]) -> list[int]:
        """How many kept pairs match each of the entries."""
        return [len(self.pairs(t, "kept", entry_id)) for entry_id in entry_ids]

    def sizes(self) -> range:
        """The numbers of pairs that a threshold can keep."""
        matching = [row for row in self.rows if row["matched_entry_ids"]]
        return range(max(1, sum(row["t_min"] < 1 for row in matching)), len(matching) + 1)
