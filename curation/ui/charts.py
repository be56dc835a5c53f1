"""Figures on a page."""

from typing import Any

import streamlit as st

from curation.ui.components import component

_saves = component("figure_saves", "picture")


def show_figure(figure: Any, key: str, alt: str) -> None:
    """A Plotly figure in the width of the page, and two small buttons to take it along as SVG or PNG.

    key: of the figure, and the name of its files: letters, digits and "_"; alt: what it shows, for who cannot see it
    """
    # Plotly's own tool bar can save one format only
    with st.container(gap=None):
        st.plotly_chart(figure, key=key, alt=alt, width="stretch", config={"displayModeBar": False})
        _saves(data={"figure": key}, key=f"{key}_saves")
