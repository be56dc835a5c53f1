"""What must hold for any bytes at all: each function takes bytes, and raises where a promise is broken."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.errors import CurationError
from curation.matching import Matcher
from curation.matching.substring import SubstringMatcher
from curation.pool.checks import read_to_end
from curation.pool.columns import Columns
from curation.pool.formats import FORMATS, format_of
from curation.pool.pairs import MAX_TEXT_BYTES
from curation.runs.export.manifest import MANIFEST, open_export
from curation.runs.export.verify import verify_export
from curation.runs.folder import open_run
from fuzz.good import folder, good_export, good_run
from reference import matched_entry_ids

ENDS = (".csv", ".tsv", ".jsonl", ".json", ".warc", ".wat", ".tar", ".jsonl.gz", ".csv.zst", ".warc.gz")
"""Of the formats that are read by our own code; Parquet and Arrow files are read by Arrow's, in children."""


def readers(data: bytes) -> None:
    """The first byte says as what the others are read: every row is kept or counted, and what is kept is text."""
    end = ENDS[data[0] % len(ENDS)] if data else ENDS[0]
    path = folder() / f"a{end}"
    path.write_bytes(data[1:])
    *_, found = read_to_end(path, format_of(path), Columns())
    if found.rows_in is None:
        assert found.error
        assert not found.kept
    else:
        assert found.kept + sum(found.dropped.values()) == found.rows_in
    assert "\n" not in (found.error or "") + (found.damage or "") + "".join(found.dropped)
    if found.error:
        return
    for batch in FORMATS[format_of(path).name].read(path, _columns(path)):
        batch.pairs.validate(full=True)
        assert all(len(text.as_buffer() or b"") <= MAX_TEXT_BYTES for text in batch.pairs["text"])
        assert batch.pairs["uid"].null_count == 0


def _columns(path: Path) -> Columns:
    from curation.pool.inputs import guess_columns

    return guess_columns(format_of(path).fields(path), Columns())


def matching(data: bytes) -> None:
    """Lines are entries, up to a line of nothing; the rest is texts. All matchers find what their oracles find."""
    lines = data.decode("utf-8", "replace").split("\x1e")
    middle = lines.index("") if "" in lines else len(lines) // 2
    entries, texts = list(dict.fromkeys(lines[:middle]))[:50], lines[middle:][:20]
    found = Matcher(pa.array(entries, pa.string())).match(pa.array(texts, pa.string())).to_pylist()
    assert found == [matched_entry_ids(text, entries) for text in texts]
    words = [entry for entry in entries if entry]
    found = SubstringMatcher(pa.array(words, pa.string())).match(pa.array(texts, pa.string())).to_pylist()
    assert found == [[at for at, entry in enumerate(words) if entry in text] for text in texts]


ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 1.5, float("nan"), "", "x", "../../etc/passwd",
    "/etc/passwd", "\0", "\ud83d", [], [1], {},
    {"a": 1}, [[]], "1e999", [None],
)  # fmt: skip
"""What is put in the place of a value of a manifest."""


def manifests(data: bytes) -> None:
    """A manifest of an export and the record of a run, with some values replaced: refused in a line, or reported."""
    choices = iter(data)
    run, export = good_run(), good_export()
    try:
        path = folder() / "run"
        path.mkdir(exist_ok=True)
        info = json.loads((run / "run.json").read_text())
        without = {key: value for key, value in info.items() if key not in ("digests", "sha256")}  # they tell at once
        (path / "run.json").write_text(json.dumps(mangled(without, choices)))
        opened = open_run(path)
        for name in ("name", "state", "config", "inputs", "rows", "pair_files", "seed"):
            getattr(opened, name)
    except CurationError as error:
        _check_line(error)
    try:
        path = folder() / "export"
        path.mkdir(exist_ok=True)
        (path / MANIFEST).write_text(json.dumps(mangled(json.loads((export / MANIFEST).read_text()), choices)))
        report = verify_export(open_export(path), open_run(run))
        assert report.findings  # its files are not there
    except CurationError as error:
        _check_line(error)


def _check_line(error: CurationError) -> None:
    assert "\n" not in str(error)


def mangled(value: Any, choices: Iterator[int]) -> Any:
    """A value of JSON in which, as the choices say, values inside are replaced, removed or doubled."""
    value = copy.deepcopy(value)
    for times in choices:
        for _ in range(times % 4):
            value = _replaced(value, choices)
        return value
    return value


def _replaced(value: Any, choices: Iterator[int]) -> Any:
    what = next(choices, 0)
    if not isinstance(value, dict | list) or not value or what % 5 == 0:
        return copy.deepcopy(ODD[what // 5 % len(ODD)])
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[next(choices, 0) % len(keys)]
    if what % 25 == 1:
        del value[key]
    else:
        value[key] = _replaced(value[key], choices)
    return value
