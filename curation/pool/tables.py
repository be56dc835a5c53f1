"""The columns of a pair in tables of any kind."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import MissingColumn
from curation.pool.columns import Columns
from curation.pool.pairs import is_text, is_texts


def pair_columns(table: pa.RecordBatch, columns: Columns) -> dict[str, pa.Array]:
    """The columns of a table that `usable_pairs` takes, without row and image.

    Left out are those that the table has not, or has twice, and those that hold what cannot be meant.
    """
    names = {"uid": columns.uid, "text": columns.text, "url": columns.url, "language": columns.language}
    names |= {"width": columns.width, "height": columns.height}
    found = {
        ours: table.column(name)
        for ours, name in names.items()
        if len(table.schema.get_all_field_indices(name)) == 1 and _fits(ours, table.schema.field(name).type)
    }
    return {ours: _without_views(column) for ours, column in found.items()}


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


def _without_views(column: pa.Array) -> pa.Array:
    """The column in a type that all of Arrow's functions take: those of views are new, and few do."""
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_view(kind.value_type):
        return pa.DictionaryArray.from_arrays(column.indices, pc.cast(column.dictionary, pa.large_binary()))
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        # not by a cast, which loses what two of them share
        ends = np.cumsum(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False), dtype=np.int64)
        offsets = pa.array(np.concatenate([[0], ends]), pa.int64())
        return pa.LargeListArray.from_arrays(offsets, pc.list_flatten(column), mask=column.is_null())
    return pc.cast(column, pa.large_binary()) if _is_view(kind) else column


def _is_view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def _fits(ours: str, kind: pa.DataType) -> bool:
    """Whether a column of this type can be the one called so: only texts can come several a row."""
    if ours == "text":
        return is_texts(kind)
    return is_text(kind) or bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
