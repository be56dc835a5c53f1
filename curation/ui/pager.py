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
    """Draw the choice; it starts over when what the list is about changes."""
    key = hashlib.sha256(repr(about).encode()).hexdigest()[:16]
    if st.session_state.get("page_about") != key:
        st.session_state.update(page_about=key, page=1, page_turns_above=0, page_turns_below=0)
    pager = Pager(min(st.session_state["page"], max(pages, 1)), pages, key)
    pager.draw("above")
    return pager


def _take(place: Place, key: str) -> None:
    st.session_state["page"] = int(st.session_state[key])
    st.session_state[f"page_turns_{place}"] += 1
