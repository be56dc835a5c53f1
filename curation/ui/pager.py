"""Pages of a long list: the same choice above and below it."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import streamlit as st

Place = Literal["above", "below"]
OTHER: dict[Place, Place] = {"above": "below", "below": "above"}


@dataclass(frozen=True)
class Pager:
    """page: from 1; pages: how many there are; about: what the list is about, as a key"""

    page: int
    pages: int
    about: str

    def again(self) -> None:
        """The choice once more, below the list."""
        self.draw("below")

    def draw(self, place: Place) -> None:
        """The choice, unless there is but one page."""
        if self.pages > 1:
            # a pagination cannot be set from outside: when the other one was used, a new one takes its place
            key = f"page_{place}_{st.session_state[f'page_turns_{OTHER[place]}']}_{self.about}"
            with st.container(horizontal_alignment="right"):
                st.pagination(self.pages, default=self.page, key=key, on_change=_take, args=(place, key))


def choose_page(pages: int, about: object) -> Pager:
    """Draw the choice; it starts over when what the list is about changes. The page stands in the address bar."""
    key = hashlib.sha256(repr(about).encode()).hexdigest()[:16]
    asked, state = st.query_params.get("page", ""), st.session_state
    if state.get("page_about") != key:
        first = "page_about" not in state  # a new session, which begins where its address says
        state.update(page_about=key, page=_number(asked) if first else 1, page_turns_above=0, page_turns_below=0)
    elif asked != state["page_written"]:  # the browser went back
        state.update(page=_number(asked), page_turns_above=state["page_turns_above"] + 1)
    pager = Pager(min(state["page"], max(pages, 1)), pages, key)
    state["page_written"] = str(pager.page) if pager.page > 1 else ""
    if state["page_written"]:
        st.query_params["page"] = state["page_written"]
    elif asked:
        del st.query_params["page"]
    pager.draw("above")
    return pager


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 10 else 1


def _take(place: Place, key: str) -> None:
    st.session_state["page"] = int(st.session_state[key])
    st.session_state[f"page_turns_{place}"] += 1
