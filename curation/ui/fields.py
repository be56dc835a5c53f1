"""The widget of a field of a configuration: its name, help, limits and choices stand in the field alone."""

from collections.abc import Callable
from dataclasses import Field
from typing import Any, cast, get_args

import streamlit as st

from curation.ui.text import number

LARGEST = 2**53 - 1
"""The largest whole number that a browser tells apart from the next."""


def draw(
    option: Field[Any],
    key: str,
    *,
    title: str | None = None,
    first: float | None = None,
    empty: str | None = None,
    words: Callable[[str], str] = str,
) -> Any:
    """Draw the widget of a field; returns its value, the default where it is left empty.

    title: made from the name of the field if not given
    first: what a number begins with, and is where it is left empty, though its field has nothing
    empty: what an empty number means; the default, or "off", if not given
    words: what a choice is called
    """
    kind, limits, default = kind_of(option), option.metadata, cast(Any, option.default)
    title = title or option.name.replace("_", " ").capitalize()
    st.session_state.setdefault(key, shown(option, default, first))
    told: dict[str, Any] = {"key": key, "help": limits["help"], "persist_state": "session"}
    if "choices" in limits:
        return st.selectbox(title, limits["choices"], format_func=words, **told)
    if kind is bool:
        return st.checkbox(title, **told)
    if kind is str:
        return st.text_input(title, **told) or default
    as_kind = int if kind is int else float
    value = st.number_input(
        title,
        min_value=as_kind(limits["min"]),
        max_value=as_kind(min(limits["max"], LARGEST)) if "max" in limits else None,
        value=None,
        step=as_kind(1) if limits["min"] >= 1 or kind is int else None,
        format=None if kind is int else "%g",
        placeholder=empty or ("off" if default is None else number(default)),
        **told,
    )
    return (first or default) if value is None else value


def shown(option: Field[Any], value: Any, first: float | None = None) -> Any:
    """What the widget of a field holds for a value."""
    if value is None:
        return "" if kind_of(option) is str else first
    return value


def kind_of(option: Field[Any]) -> type:
    """bool, int, float or str, whether or not it may be None."""
    found: type = next(kind for kind in (get_args(option.type) or (option.type,)) if kind is not type(None))
    return found
