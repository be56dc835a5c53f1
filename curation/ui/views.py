"""Saved views in the sidebar: keep the one that is looked at, go to another, remove one."""

from contextlib import suppress
from urllib.parse import urlencode

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from curation.errors import CurationError
from curation.runs.views import View, list_views, remove_view, save_view
from curation.ui.components import component
from curation.ui.text import label, notice

_views = component("views")


def show_views(page: StreamlitPage) -> None:
    """Save what the address bar holds under a name, and links to what was saved."""
    with st.popover(
        "Saved views", type="tertiary", icon=":material/bookmark:", on_change="rerun", key="views_open"
    ) as views_open:
        if not views_open.open:
            return
        with st.form("save_view", border=False, clear_on_submit=True):
            name = st.text_input("Name of this view", key="view_name", placeholder="the dogs at t = 20,000")
            if st.form_submit_button("Save this view", width="stretch"):
                try:
                    save_view(name, page.url_path, st.query_params.to_dict())
                except CurationError as error:
                    notice(str(error))
        if views := list_views():
            shown = [{"id": view.id, "name": label(view.name, 200), "address": _address(view)} for view in views]
            _views(data={"views": shown}, key="views", on_remove_change=_remove)
        else:
            st.caption("None yet. A view is all that the address bar holds: run, t, filters, page.")


def _address(view: View) -> str:
    # a whole load of the page: parameters that widgets are bound to cannot be given them in any other way
    query = urlencode(view.params, errors="replace")
    return f"/{view.page}?{query}" if view.page.isalnum() else f"/?{query}"


def _remove() -> None:
    with suppress(StopIteration, KeyError, TypeError):  # somebody else removed it
        remove_view(next(view for view in list_views() if view.id == st.session_state["views"]["remove"]))
