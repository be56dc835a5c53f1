"""Components of our own: their script builds every node itself and sets text as text, never as HTML."""

from pathlib import Path
from typing import Any

import streamlit as st


def component(name: str, html: str = "<div class='root'></div>") -> Any:
    """The component of <name>.js and <name>.css beside this file, to be called with `data` and `key`."""
    js, css = (Path(__file__).with_name(f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return st.components.v2.component(f"headtail_{name}", html=html, css=css, js=js)
