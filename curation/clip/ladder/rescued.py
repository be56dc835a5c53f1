"""Which t rescued which classes: from the accuracies of each class to the t that was best for it. Loads no torch."""

from typing import Any

import pyarrow as pa

RESCUED = pa.schema(
    [("class", pa.string()), ("count", pa.int64()), ("pictures", pa.int64())]
    + [(name, pa.float64()) for name in ("matched", "t", "accuracy", "gain")]
)


def rescued(by_class: pa.Table, group: str = "tail") -> pa.Table:
    """A row for each class of a group that has pictures, the most frequent in the pool first.

    by_class: as `summary.by_class` gives it
    returns   class; count: texts of the pool with its name; pictures; matched: accuracy of that arm; t: of the arm
              balanced at which it was best, the lowest of equals; accuracy: there; gain: over matched. What was not
              trained is null. The t is chosen by the accuracy that is told, which flatters it
    """
    rows: dict[str, dict[str, Any]] = {}
    for cell in sorted(by_class.to_pylist(), key=lambda cell: cell["t"] or 0.0):
        if cell["group"] != group or not cell["pictures"]:
            continue
        row = rows.setdefault(
            cell["class"], dict.fromkeys(RESCUED.names) | {name: cell[name] for name in ("class", "count", "pictures")}
        )
        if cell["arm"] == "matched":
            row["matched"] = cell["accuracy"]
        elif cell["arm"] == "balanced" and (row["accuracy"] is None or cell["accuracy"] > row["accuracy"]):
            row |= {"t": cell["t"], "accuracy": cell["accuracy"]}
    for row in rows.values():
        if row["matched"] is not None and row["accuracy"] is not None:
            row["gain"] = row["accuracy"] - row["matched"]
    found = sorted(rows.values(), key=lambda row: (-row["count"], row["class"]))
    return pa.Table.from_pylist(found, RESCUED)
