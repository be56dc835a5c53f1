"""The form for a configuration, made from its dataclass: names, help, limits and groups stand in the fields alone."""

import dataclasses
from dataclasses import Field, asdict
from typing import Any

import streamlit as st

from curation.errors import BadArgument
from curation.pool.filter_config import PRESETS
from curation.runs.config import DEFAULT_TAIL_SHARE, CurateConfig
from curation.ui import fields
from curation.ui.fields import LARGEST
from curation.ui.text import number

BY = {"tail_share": "Tail share", "t": "Threshold t", "size": "Number of pairs"}
"""The three ways to ask for a threshold; one of them is given."""

FIRST = ("seed",)
FIRST_VALUES: dict[str, float] = {"t": 20_000.0, "size": 1_000_000}
"""What the form begins with where the configuration has nothing, but something has to be given."""

OPTIONS: dict[str, Field[Any]] = {option.name: option for option in dataclasses.fields(CurateConfig)}
REST = "Columns, languages and texts"


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
    """The widget of a field; returns its value."""
    return fields.draw(
        option,
        f"set_{option.name}",
        title=BY.get(option.name),
        first=FIRST_VALUES.get(option.name),
        empty=_of_preset(option),
    )


def _shown(option: Field[Any], value: Any) -> Any:
    """What the widget of a field holds for a value."""
    if option.name == "tail_share":
        return 100.0 * (DEFAULT_TAIL_SHARE if value is None else value)
    return fields.shown(option, value, FIRST_VALUES.get(option.name))


def _of_preset(option: Field[Any]) -> str | None:
    """What the preset of filters says where a number is left empty."""
    value = PRESETS.get(st.session_state.get("set_filter", ""), {}).get(option.name)
    return number(value) if option.default is None and value is not None else None
