"""A page of nothing but the live chart, with everything that a page can ask of it, and what it was told."""

import os
from functools import partial
from pathlib import Path

import streamlit as st

from curation.ui import cached, state
from curation.ui.live_chart import live_chart


def main() -> None:
    run = cached.open_run(Path(os.environ["HEADTAIL_RUN"]))
    st.header("Live chart", anchor=False)
    live_chart(
        run,
        state.t(run),
        key="live",
        compact=st.toggle("compact"),
        ranks=st.session_state.get("ranks"),
        on_ranks=partial(st.session_state.__setitem__, "ranks"),
        on_entry=partial(st.session_state.__setitem__, "entry"),
    )
    for name in ("ranks", "entry"):
        st.text(f"{name}: {st.session_state.get(name)}")


if __name__ == "__main__":
    main()
