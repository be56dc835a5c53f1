"""Components of our own: their script builds every node itself and sets text as text, never as HTML."""

from pathlib import Path
from typing import Any

import streamlit as st


def component(name: str, *shared: str, html: str = "<div class='root'></div>") -> Any:
    """The component of <name>.js and <name>.css beside this file, to be called with `data` and `key`.

    shared: names of scripts that stand before its own, which others use too
    """
    here = Path(__file__)
    js = "\n".join(here.with_name(f"{script}.js").read_text(encoding="utf-8") for script in (*shared, name))
    css = here.with_name(f"{name}.css").read_text(encoding="utf-8")
    return st.components.v2.component(f"headtail_{name}", html=html, css=css, js=js)
