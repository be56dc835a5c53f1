"""The form for a configuration, made from its dataclass: names, help, limits and groups stand in the fields alone."""

from dataclasses import MISSING, Field, asdict, fields
from typing import Any, get_args

import streamlit as st

from curation.runs.config import DEFAULT_TAIL_SHARE, CurateConfig
from curation.ui.text import number

BY = {"tail_share": "Tail share", "t": "Threshold t", "size": "Number of pairs"}
"""The three ways to ask for a threshold; one of them is given."""

FIRST = ("seed",)
REST = "Columns, languages and texts"
LARGEST = 2**53 - 1
"""The largest whole number that a browser tells apart from the next."""


def choose_settings() -> CurateConfig:
    """Draw the form; returns what it says. Raises BadArgument as the configuration does, after all of it is drawn."""
    values = {
        **_threshold(),
        **{option.name: _field(option) for option in fields(CurateConfig) if option.name in FIRST},
    }
    groups: dict[str, list[Field[Any]]] = {REST: []}
    for option in fields(CurateConfig):
        if option.name not in values and option.name not in BY:
            groups.setdefault(option.metadata.get("group", REST), []).append(option)
    for title, options in groups.items():
        with st.expander(title, key=f"group_{title}"), st.grid(3, min_column_width=220):
            values.update({option.name: _field(option) for option in options})
    return CurateConfig(**values)


def prefill(config: CurateConfig) -> None:
    """Let the form say what a configuration says; only before it is drawn."""
    values = asdict(config)
    by = next((name for name in BY if values[name] is not None), "tail_share")
    st.session_state["set_by"] = by
    for name, value in values.items():
        if name in BY:
            value = value if value is not None else _default_of(name)
            st.session_state[f"set_{name}"] = 100 * value if name == "tail_share" and value is not None else value
        else:
            st.session_state[f"set_{name}"] = ("" if _kind(_option(name)) is str else None) if value is None else value


def _threshold() -> dict[str, Any]:
    """t, a size, or a tail share."""
    by = st.segmented_control(
        "What decides the threshold", BY, format_func=BY.__getitem__, default="tail_share", required=True,
        key="set_by", persist_state="session",
    )  # fmt: skip
    option = _option(by)
    if by != "tail_share":
        return {by: _field(option, needed=True)}
    key = "set_tail_share"
    st.session_state.setdefault(key, 100 * DEFAULT_TAIL_SHARE)
    percent = st.number_input(
        "Tail share of the matches, %", 0.0, 100.0, step=0.5, format="%g", key=key, help=option.metadata["help"],
        persist_state="session",
    )  # fmt: skip
    return {by: percent / 100.0}


def _field(option: Field[Any], needed: bool = False) -> Any:
    """The widget of a field; returns its value, None where it is left empty and may be."""
    key, label, limits = f"set_{option.name}", option.name.replace("_", " ").capitalize(), option.metadata
    if label == "T":
        label = BY["t"]
    kind = _kind(option)
    default = _default_of(option.name) if needed else option.default
    assert default is not MISSING
    st.session_state.setdefault(key, "" if kind is str and default is None else default)
    told: dict[str, Any] = {"key": key, "help": limits["help"], "persist_state": "session"}
    if "choices" in limits:
        return st.selectbox(label, limits["choices"], **told)
    if kind is bool:
        return st.checkbox(label, **told)
    if kind is str:
        return st.text_input(label, **told) or default
    as_kind = int if kind is int else float
    return st.number_input(
        label,
        min_value=as_kind(limits["min"]),
        max_value=as_kind(min(limits["max"], LARGEST)) if "max" in limits else None,
        value=None,
        step=as_kind(1),
        placeholder="off" if default is None else number(default),
        required=needed,
        **told,
    )


def _option(name: str) -> Field[Any]:
    return next(option for option in fields(CurateConfig) if option.name == name)


def _kind(option: Field[Any]) -> type:
    """bool, int, float or str, whether or not it may be None."""
    found: type = next(kind for kind in (get_args(option.type) or (option.type,)) if kind is not type(None))
    return found


def _default_of(name: str) -> float | int | None:
    """What the form begins with where the way to a threshold needs a number."""
    return {"t": 20_000.0, "size": 1_000_000}.get(name)
