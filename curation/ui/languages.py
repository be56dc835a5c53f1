"""The pairs of each language, where metadata knows languages."""

import re

import pyarrow as pa
import streamlit as st

from curation.runs.folder import Run
from curation.ui import cached
from curation.ui.tables import show_table
from curation.ui.text import number


def reference_language(run: Run) -> str:
    """Which entries the charts over ranks are about: those of the language whose t it is; "" without languages."""
    code = run.scale.codes[run.scale.reference]
    return f" of {code}" if re.fullmatch("[a-z]{2,8}", code) else ""  # it stands in markdown


def show_languages(run: Run, t: float) -> None:
    """A row a language that has metadata: its pairs, those that match, its own t, and those kept; nothing without."""
    languages = cached.by_language(run, t)
    listed = [one for one in languages if one.t is not None]
    if not listed:
        return
    st.subheader("By language", anchor=False)
    columns = {"language": "Language", "pairs": "Pairs", "matched": "Matched", "t": "t", "kept": "Kept"}
    table = pa.table({name: [getattr(one, name) for one in listed] for name in columns})
    show_table(table, "languages", key="languages", columns=columns)
    st.caption(
        f"At t = {number(t)}: t of the reference language. Each other language has the t with the same tail share. "
        "Pairs of languages without metadata are counted in the step Language above."
    )
