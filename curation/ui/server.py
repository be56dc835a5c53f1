"""The server of the app: Streamlit behind a gate, with addresses of our own for thumbnails. `headtail app` is it."""

import asyncio
import secrets
import sys
import tomllib
import webbrowser
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Thread
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

from curation.runs.workspace import workspace
from curation.ui import thumbnails
from curation.ui.departed import let_go
from curation.ui.gate import PARAMETER, Gate

SCRIPT = Path(__file__).resolve().parents[2] / "app.py"
SETTINGS = SCRIPT.parent / ".streamlit" / "config.toml"


def serve(port: int, *, browser: bool = False) -> None:
    """Serve the app on 127.0.0.1 until the process ends; print the link that lets a browser in, or open it as well."""
    token = secrets.token_urlsafe(32)
    link = f"http://127.0.0.1:{port}/?{PARAMETER}={token}"

    @asynccontextmanager
    async def told(_: st.App) -> AsyncIterator[None]:
        # the server listens now: who is quicker than it waits for an answer
        print(f"Open this link in a browser on this machine; it lets in whoever has it:\n\n    {link}\n", flush=True)  # noqa: T201
        departed = asyncio.create_task(let_go())
        with _opened(link) if browser else nullcontext():
            yield
        departed.cancel()

    routes = [Route(thumbnails.PATH, thumbnails.answer)]
    app = st.App(SCRIPT, routes=routes, middleware=[Middleware(Gate, token=token, port=port)], lifespan=told)
    thumbnails.serve()
    Thread(target=_load_what_pages_need, daemon=True).start()
    sys.argv = [str(SCRIPT)]  # beside it Streamlit looks for .streamlit/config.toml
    app.run(config={**settings(), "server.port": port, "logger.hideWelcomeMessage": True})


def settings() -> dict[str, Any]:
    """The settings of .streamlit/config.toml, which count here whatever the environment and other such files say."""
    return dict(_flat(tomllib.loads(SETTINGS.read_text(encoding="utf-8"))))


def _flat(section: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@contextmanager
def _opened(link: str) -> Iterator[None]:
    """Open the browser at a page that leads to the link and that this user alone can read.

    The link itself is no argument for a program: those can be seen by every user of the machine. The page lies in the
    workspace, since a browser out of a snap sees no temporary files.
    """
    page = None
    with suppress(OSError):  # nobody can write there; the link is printed
        workspace().mkdir(parents=True, exist_ok=True)
        page = NamedTemporaryFile("w", prefix=".open-", suffix=".html", dir=workspace(), encoding="utf-8")  # noqa: SIM115
        page.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={link}"><title>Headtail</title>')
        page.flush()
        Thread(target=webbrowser.open, args=(Path(page.name).as_uri(),), daemon=True).start()
    try:
        yield
    finally:
        if page is not None:
            page.close()


def _load_what_pages_need() -> None:
    """Import the library while the first browser is still fetching the frontend, so that no page waits for it.

    So do the children that decode thumbnails: they start.
    """
    import pandas  # noqa: F401  # pyarrow takes it in with the first array that it hands over

    import curation.live
    import curation.queries
    import curation.runs.diff  # noqa: F401

    thumbnails.decoder.start()  # after what pages need: both would be half as fast beside each other


if __name__ == "__main__":
    serve(int(sys.argv[1]), browser="--browser" in sys.argv)
