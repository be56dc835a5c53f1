import pyarrow as pa
from streamlit.testing.v1 import AppTest

from curation.ui.tables import SHOWN_ROWS


def script(rows: int, text: str) -> None:
    import pyarrow as pa
    import streamlit as st

    from curation.ui.tables import show_table

    table = pa.table({"entry": [text] * rows, "count": range(rows), "more": range(rows)})
    show_table(table, "the entries", key="entries", columns={"count": "Texts", "entry": "Entry"})
    st.text("behind it")


def test_a_table_shows_its_columns_in_order_and_is_taken_along_whole():
    app = AppTest.from_function(script, args=(SHOWN_ROWS + 5, "=1+1")).run()

    assert not app.exception
    (shown,) = app.dataframe
    assert list(shown.value.columns) == ["count", "entry"]
    assert len(shown.value) == SHOWN_ROWS
    assert app.caption[0].value == "The first 1,000 of 1,005 rows; all of them in"
    assert [button.label for button in app.get("download_button")] == ["CSV", "Parquet"]


def test_a_text_of_a_megabyte_is_cut_in_the_table():
    app = AppTest.from_function(script, args=(1, "x" * 1_000_000)).run()

    assert app.dataframe[0].value["entry"].str.len().tolist() == [2048]
    assert not app.caption
    assert pa.array(app.dataframe[0].value["count"]).to_pylist() == [0]
