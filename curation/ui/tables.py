"""Tables on a page, with what is in them to take along as CSV or Parquet."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as types
import streamlit as st

from curation import files
from curation.ui.text import SHOWN_CHARACTERS, number

SHOWN_ROWS = 1000


def show_table(
    table: pa.Table,
    name: str,
    *,
    key: str,
    columns: Mapping[str, str] | None = None,
    height: int | None = None,
    select: bool = False,
) -> int | None:
    """A table, its first 1,000 rows to look at and all of it to take along; returns the row that is selected, if any.

    name:    of the files, and what the table is called for who cannot see it; never text from data
    columns: column -> its title, in this order; all under their own names if not given. Only these are looked at; all
             are taken along
    select:  whether a row can be selected; needs its rows to be the same in the next run, for it is known by its number
    """
    titles = columns or {column: column for column in table.column_names}
    shown = table.select(list(titles)).slice(0, SHOWN_ROWS)
    selecting: dict[str, Any] = {"on_select": "rerun", "selection_mode": "single-row"} if select else {}
    chosen: Any = st.dataframe(
        pa.table({column: _cut(shown[column]) for column in titles}),
        hide_index=True,
        column_config={column: _config(shown.schema.field(column).type, title) for column, title in titles.items()},
        height="auto" if height is None else height,
        key=key,
        alt=name,
        placeholder="–",
        lazy=False,
        **selecting,
    )
    cut = (
        f"The first {number(SHOWN_ROWS)} of {number(len(table))} rows; all of them in"
        if len(table) > SHOWN_ROWS
        else ""
    )
    show_downloads(table, name, key=key, about=cut)
    rows = chosen["selection"]["rows"] if select else []
    return rows[0] if rows and rows[0] < len(shown) else None


def show_downloads(table: pa.Table, name: str, *, key: str, about: str = "") -> None:
    """A table to take along. name: of the files; about: what stands before the choice, not from data."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if about:
            st.caption(about, width="content")
        # made when it is asked for; a cell that a spreadsheet would take for a formula is marked, see `files.csv_bytes`
        for kind, make in (("CSV", files.csv_bytes), ("Parquet", files.parquet_bytes)):
            st.download_button(
                kind, partial(make, table), f"{name.replace(' ', '-')}.{kind.lower()}", key=f"{key}_{kind}",
                icon=":material/download:", type="tertiary", on_click="ignore",
            )  # fmt: skip


def _cut(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts without those megabytes that freeze a browser."""
    if types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return pc.utf8_slice_codeunits(values, 0, SHOWN_CHARACTERS) if types.is_string(values.type) else values


def _config(kind: pa.DataType, title: str) -> Any:
    if types.is_integer(kind) or types.is_floating(kind):
        return st.column_config.NumberColumn(title, format="localized")
    return st.column_config.TextColumn(title)
