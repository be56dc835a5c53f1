"""What somebody is told about what they just did, once."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from curation.errors import CurationError
from curation.ui.text import notice


def attempt(where: str, do: Callable[..., Any], *arguments: Any) -> None:
    """Do something that a person asked for, as the callback of a button; an error is told by `show_told`."""
    try:
        do(*arguments)
    except (CurationError, OSError) as error:
        st.session_state[f"told_{where}"] = str(error).splitlines()[0]


def show_told(where: str) -> None:
    """What went wrong there, if something did."""
    if message := st.session_state.pop(f"told_{where}", None):
        notice(message)
