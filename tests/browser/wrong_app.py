"""The wrong page behind the gate of the app: python -m browser.wrong_app PORT."""

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from curation.ui.gate import Gate
from curation.ui.server import settings

PAGE = Path(__file__).with_name("wrong_page.py")
TOKEN = "wrong"


def serve(port: int) -> None:
    app = st.App(PAGE, middleware=[Middleware(Gate, token=TOKEN, port=port)])
    sys.argv = [str(PAGE)]
    print(f"http://127.0.0.1:{port}/?token={TOKEN}", flush=True)  # noqa: T201
    app.run(config={**settings(), "server.port": port})


if __name__ == "__main__":
    serve(int(sys.argv[1]))
