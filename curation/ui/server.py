"""The server of the app: Streamlit, with addresses of our own for thumbnails. `headtail app` starts it."""

import sys
from pathlib import Path

import streamlit as st
from starlette.routing import Route

from curation.ui import thumbnails

SCRIPT = Path(__file__).resolve().parents[2] / "app.py"


def serve(port: int) -> None:
    """Serve the app on 127.0.0.1 until the process ends."""
    app = st.App(SCRIPT, routes=[Route(thumbnails.PATH, thumbnails.answer)])
    thumbnails.serve()
    sys.argv = [str(SCRIPT)]  # beside it Streamlit looks for .streamlit/config.toml
    # headless: Streamlit's own start opens dialogs about itself over the first page
    app.run(config={"server.port": port, "server.headless": True})


if __name__ == "__main__":
    serve(int(sys.argv[1]))
