"""The columns of a pair in tables of any kind."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from curation.errors import MissingColumn
from curation.pool.columns import Columns
from curation.pool.pairs import is_texts


def pair_columns(table: pa.RecordBatch, columns: Columns) -> dict[str, pa.Array]:
    """The columns of a table that `usable_pairs` takes, without row and image.

    Left out are those that the table has not, or has twice, and those that hold neither text nor numbers.
    """
    names = {"uid": columns.uid, "text": columns.text, "url": columns.url, "language": columns.language}
    names |= {"width": columns.width, "height": columns.height}
    return {
        ours: table.column(name)
        for ours, name in names.items()
        if len(table.schema.get_all_field_indices(name)) == 1 and _is_plain(table.schema.field(name).type)
    }


def check_text_column(path: Path | str, schema: pa.Schema, name: str) -> None:
    """Raise MissingColumn unless exactly one column has the name, and holds text."""
    at: Sequence[int] = schema.get_all_field_indices(name)
    if not at:
        names = ", ".join(schema.names[:20]) or "none"
        raise MissingColumn(f"{path}: no column {name!r} (found: {names}); name it with --text-column")
    if len(at) > 1:
        raise MissingColumn(f"{path}: {len(at)} columns are named {name!r}; rename all but one")
    if not is_texts(kind := schema.field(at[0]).type):
        raise MissingColumn(f"{path}: column {name!r} holds {kind}, not text; name it with --text-column")


def _is_plain(kind: pa.DataType) -> bool:
    return is_texts(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
