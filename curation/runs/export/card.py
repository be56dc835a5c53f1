"""The data card, in MetaCLIP's form: for every entry how many texts of the pool match it, and how many were kept."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import files
from curation.errors import UnreadableFile
from curation.runs.export.format import Format, Task, Written


def write_card(path: Path, entries: pa.Array, before: np.ndarray, after: np.ndarray) -> None:
    """.json: {entry: [before, after]} in the order of the entry ids, an entry a line; .parquet: entry, before, after.

    entries: (M,) string; before, after: (M,) int64 texts of the pool, and of the export
    """
    if path.suffix == ".parquet":
        files.write_parquet(path, pa.table({"entry": entries, "before": before, "after": after}))
        return
    numbers = zip(entries.to_pylist(), before.tolist(), after.tolist(), strict=True)
    lines = (f"{json.dumps(entry, ensure_ascii=False)}: [{count}, {kept}]" for entry, count, kept in numbers)
    with files.whole(path) as temporary:
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def read_card(path: Path) -> pa.Table:
    """entry string, before int64, after int64 of a card; raises UnreadableFile."""
    schema = pa.schema([("entry", pa.string()), ("before", pa.int64()), ("after", pa.int64())])
    try:
        if path.suffix == ".parquet":
            return files.open_parquet(path).read(schema.names).cast(schema)
        card = dict(files.read_json(path).items())
        before, after = zip(*card.values(), strict=True) if card else ((), ())
        return pa.table([list(card), before, after], schema=schema)
    except (AttributeError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise UnreadableFile(f"{path}: no card of entries ({type(error).__name__})") from None


def _write(folder: Path, pairs: Iterator[pa.RecordBatch], task: Task) -> Written:
    for _ in pairs:  # every export counts the entries of what passes by
        pass
    return Written({}, Counter())


CARD = Format(name="card", columns=("matched_entry_ids",), write=_write, read=None, cards=("card.json", "card.parquet"))
