"""The server of the app: Streamlit, with addresses of our own for thumbnails. `headtail app` starts it."""

import sys
from pathlib import Path
from threading import Thread

import streamlit as st
from starlette.routing import Route

from curation.ui import thumbnails

SCRIPT = Path(__file__).resolve().parents[2] / "app.py"


def serve(port: int) -> None:
    """Serve the app on 127.0.0.1 until the process ends."""
    app = st.App(SCRIPT, routes=[Route(thumbnails.PATH, thumbnails.answer)])
    thumbnails.serve()
    Thread(target=_load_what_pages_need, daemon=True).start()
    sys.argv = [str(SCRIPT)]  # beside it Streamlit looks for .streamlit/config.toml
    # headless: Streamlit's own start opens dialogs about itself over the first page
    app.run(config={"server.port": port, "server.headless": True})


def _load_what_pages_need() -> None:
    """Import the library while the first browser is still fetching the frontend, so that no page waits for it."""
    import pandas  # noqa: F401  # pyarrow takes it in with the first array that it hands over

    import curation.live
    import curation.queries
    import curation.runs.diff  # noqa: F401


if __name__ == "__main__":
    serve(int(sys.argv[1]))
