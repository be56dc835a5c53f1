"""Figures on a page."""

from typing import Any

import streamlit as st


def show_figure(figure: Any, key: str, alt: str) -> None:
    """A Plotly figure in the width of the page, without its tool bar; alt: what it shows, for who cannot see it."""
    st.plotly_chart(figure, key=key, alt=alt, width="stretch", config={"displayModeBar": False})
