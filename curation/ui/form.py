"""The form for a configuration, made from its dataclass: names, help, limits and groups stand in the fields alone."""

from dataclasses import Field, asdict, fields
from typing import Any, get_args

import streamlit as st

from curation.errors import BadArgument
from curation.pool.filter_config import PRESETS
from curation.runs.config import DEFAULT_TAIL_SHARE, CurateConfig
from curation.ui.text import number

BY = {"tail_share": "Tail share", "t": "Threshold t", "size": "Number of pairs"}
"""The three ways to ask for a threshold; one of them is given."""

FIRST = ("seed",)
FIRST_VALUES: dict[str, float] = {"t": 20_000.0, "size": 1_000_000}
"""What the form begins with where the configuration has nothing, but something has to be given."""

OPTIONS: dict[str, Field[Any]] = {option.name: option for option in fields(CurateConfig)}
REST = "Columns, languages and texts"
LARGEST = 2**53 - 1
"""The largest whole number that a browser tells apart from the next."""


def choose_settings() -> CurateConfig:
    """Draw the form; returns what it says. Raises BadArgument as the configuration does, after all of it is drawn."""
    by = st.segmented_control(
        "What decides the threshold", BY, format_func=BY.__getitem__, default="tail_share", required=True,
        key="set_by", persist_state="session",
    )  # fmt: skip
    with st.grid(2, min_column_width=220):
        values: dict[str, Any] = {by: _tail_share() if by == "tail_share" else _field(OPTIONS[by])}
        values |= {name: _field(OPTIONS[name]) for name in FIRST}
    groups: dict[str, list[Field[Any]]] = {REST: []}
    for name, option in OPTIONS.items():
        if name not in values and name not in BY:
            groups.setdefault(option.metadata.get("group", REST), []).append(option)
    for title, options in groups.items():
        with st.expander(title, key=f"group_{title}"), st.grid(3, min_column_width=220):
            values |= {option.name: _field(option) for option in options}
    return CurateConfig(**values)


def prefill(config: CurateConfig) -> None:
    """Let the form say what a configuration says; only before it is drawn. Raises BadArgument where it cannot."""
    values = asdict(config)
    if config.seed > LARGEST:
        raise BadArgument(f"seed {config.seed}: no browser can hold it; start this run with 'headtail curate'")
    st.session_state["set_by"] = next((name for name in BY if values[name] is not None), "tail_share")
    for name, value in values.items():
        st.session_state[f"set_{name}"] = _shown(OPTIONS[name], value)


def _tail_share() -> float:
    """In per cent on the page."""
    option, key = OPTIONS["tail_share"], "set_tail_share"
    st.session_state.setdefault(key, _shown(option, None))
    percent = st.number_input(
        "Tail share of the matches, %", 100.0 * option.metadata["min"], 100.0 * option.metadata["max"], value=None,
        step=0.5, format="%g", key=key, help=option.metadata["help"], persist_state="session",
    )  # fmt: skip
    return DEFAULT_TAIL_SHARE if percent is None else percent / 100.0


def _field(option: Field[Any]) -> Any:
    """The widget of a field; returns its value, the default where it is left empty."""
    key, kind, limits = f"set_{option.name}", _kind(option), option.metadata
    title = BY.get(option.name, option.name.replace("_", " ").capitalize())
    st.session_state.setdefault(key, _shown(option, option.default))
    told: dict[str, Any] = {"key": key, "help": limits["help"], "persist_state": "session"}
    if "choices" in limits:
        return st.selectbox(title, limits["choices"], **told)
    if kind is bool:
        return st.checkbox(title, **told)
    if kind is str:
        return st.text_input(title, **told) or option.default
    as_kind = int if kind is int else float
    value = st.number_input(
        title,
        min_value=as_kind(limits["min"]),
        max_value=as_kind(min(limits["max"], LARGEST)) if "max" in limits else None,
        value=None,
        step=as_kind(1),
        placeholder=_when_empty(option),
        **told,
    )
    return (FIRST_VALUES.get(option.name) or option.default) if value is None else value


def _shown(option: Field[Any], value: Any) -> Any:
    """What the widget of a field holds for a value."""
    if option.name == "tail_share":
        return 100.0 * (DEFAULT_TAIL_SHARE if value is None else value)
    if value is None:
        return "" if _kind(option) is str else FIRST_VALUES.get(option.name)
    return value


def _when_empty(option: Field[Any]) -> str:
    """What an empty number means: the default, or what the preset of filters says."""
    value: Any = option.default
    if value is None:
        value = PRESETS.get(st.session_state.get("set_filter", ""), {}).get(option.name)
    return "off" if value is None else number(value)


def _kind(option: Field[Any]) -> type:
    """bool, int, float or str, whether or not it may be None."""
    found: type = next(kind for kind in (get_args(option.type) or (option.type,)) if kind is not type(None))
    return found
