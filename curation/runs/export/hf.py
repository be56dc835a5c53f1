"""A folder that Hugging Face's `datasets` loads: Parquet shards whose schema says what an image is, and a card."""

import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation import files
from curation.runs.export.format import PAIR_COLUMNS, Format, Task, Written
from curation.runs.export.shards import read_parquet_shards, write_parquet_shards

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_FEATURES: dict[str, dict[str, Any]] = {
    "uid": {"dtype": "string", "_type": "Value"},
    "text": {"dtype": "string", "_type": "Value"},
    "url": {"dtype": "string", "_type": "Value"},
    "matched_entry_ids": {"feature": {"dtype": "int32", "_type": "Value"}, "_type": "Sequence"},
    "matched_entries": {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"},
    "t_min": {"dtype": "float64", "_type": "Value"},
    "image": {"_type": "Image"},
}
"""As the schema says it; "Sequence" is what versions before 4 of `datasets` know, and later ones too."""


def _write(folder: Path, pairs: Iterator[pa.RecordBatch], task: Task) -> Written:
    features = {name: _FEATURES[name] for name in task.schema.names}
    schema = _stored_schema(task.schema.names).with_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    in_memory = 0

    def stored() -> Iterator[pa.RecordBatch]:
        nonlocal in_memory
        for batch in pairs:
            in_memory += batch.nbytes
            yield pa.RecordBatch.from_arrays(
                [_stored_image(batch[name]) if name == "image" else batch[name] for name in schema.names],
                schema=schema,
            )

    numbered = write_parquet_shards(folder, "data/train-{:05d}.parquet", schema, stored(), task.options)
    rows = {}
    for at, (path, count) in enumerate(numbered.items()):
        name = f"data/train-{at:05d}-of-{len(numbered):05d}.parquet"
        (folder / path).rename(folder / name)
        rows[name] = count
    on_disk = sum((folder / name).stat().st_size for name in rows)
    with files.whole(folder / "README.md") as temporary:
        temporary.write_text(_card(task, sum(rows.values()), in_memory, on_disk), encoding="utf-8")
    return Written({**rows, "README.md": 0}, Counter())


def _read(folder: Path, paths: Sequence[str], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([PAIR_COLUMNS.field(name) for name in columns])
    paths = [path for path in paths if path.endswith(".parquet")]
    for batch in read_parquet_shards(folder, paths, columns):
        arrays = [batch[name].field("bytes") if name == "image" else batch[name] for name in columns]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _stored_schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, _IMAGE if name == "image" else PAIR_COLUMNS.field(name).type) for name in columns])


def _stored_image(images: pa.BinaryArray) -> pa.StructArray:
    return pa.StructArray.from_arrays(
        [images, pa.nulls(len(images), pa.string())], fields=list(_IMAGE), mask=images.is_null()
    )


def _card(task: Task, rows: int, in_memory: int, on_disk: int) -> str:
    """README.md: what `datasets` and the hub read at its top, and what people read below."""
    run, size = task.run, task.size
    totals = [
        ("pairs in the pool", f"{size.pairs:,}"),
        ("pairs that match an entry", f"{size.matched:,}"),
        (f"pairs kept at t = {size.t:,.10g}", f"{size.kept:,}"),
        ("pairs in this dataset", f"{rows:,}"),
        ("entries of the metadata", f"{size.entries:,}"),
        ("entries that a kept pair matches", f"{size.entries_covered:,}"),
        ("seed", str(run.seed)),
    ]
    return "\n".join(
        [
            "---",
            f"pretty_name: {yaml_string(run.name)}",
            "dataset_info:",
            "  features:",
            *(line for name in task.schema.names for line in _yaml_feature(name)),
            "  splits:",
            "  - name: train",
            f"    num_bytes: {in_memory}",
            f"    num_examples: {rows}",
            f"  download_size: {on_disk}",
            f"  dataset_size: {in_memory}",
            "configs:",
            "- config_name: default",
            "  data_files:",
            "  - split: train",
            "    path: data/train-*",
            "---",
            "",
            f"# {markdown_text(run.name)}",
            "",
            "Image-text pairs, curated the MetaCLIP way ([arXiv:2309.16671](https://arxiv.org/abs/2309.16671)):",
            "a pair is in this set if its `t_min` is below t. `_manifest.json` says what it was made of, and",
            "`_card.json` how many texts of each entry the pool holds, and this set.",
            "",
            "| | |",
            "|---|---:|",
            *(f"| {what} | {value} |" for what, value in totals),
            "",
        ]
    )


def _yaml_feature(name: str) -> list[str]:
    feature = _FEATURES[name]
    if feature["_type"] == "Image":
        kind = "dtype: image"
    elif feature["_type"] == "Sequence":
        kind = f"sequence: {feature['feature']['dtype']}"
    else:
        kind = f"dtype: {feature['dtype']}"
    return [f"  - name: {name}", f"    {kind}"]


def yaml_string(text: str) -> str:
    r"""A text as a YAML string that means it and nothing else.

    >>> print(yaml_string('a: "b"\n- c'))
    "a: \x22b\x22\x0a- c"
    """
    return '"' + re.sub(r"[^ !#-\[\]-~]", lambda found: _escaped(ord(found.group())), text) + '"'


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 2**8 else f"\\u{code:04x}" if code < 2**16 else f"\\U{code:08x}"


def markdown_text(text: str) -> str:
    r"""A text as one line of Markdown that shows it and does nothing else.

    >>> print(markdown_text("<b> [x](y)\n# z"))
    &lt;b&gt; \[x\]\(y\) \# z
    """
    one_line = "".join(char if char.isprintable() else " " for char in text).strip()
    # as entities, so that nothing can take it for a tag
    return html.escape(re.sub(r"[!-%'-/:;=?@\[-`{-~]", r"\\\g<0>", one_line), quote=False)


HF = Format(
    name="hf",
    columns=("uid", "text", "url", "matched_entry_ids", "matched_entries", "t_min", "image"),
    write=_write,
    read=_read,
)
