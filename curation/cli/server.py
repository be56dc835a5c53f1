"""The app in the browser: the command app."""

import os
import socket
import sys
from errno import EADDRINUSE
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import curation
from curation.cli.apps import app
from curation.cli.options import PORT
from curation.errors import BadArgument
from curation.options import check_path


@app.command(name="app")
def open_app(
    run: Annotated[Path | None, Parameter(help="run folder to open first; the sample run if not given")] = None,
    *,
    port: Annotated[int, Parameter(validator=PORT, help="port on 127.0.0.1")] = 8501,
    browser: Annotated[bool, Parameter(help="open the browser")] = True,
) -> None:
    """Open the app in the browser, or print the link that lets one in."""
    from curation.runs.folder import open_run
    from curation.runs.workspace import workspace

    check_path(workspace())
    script = Path(curation.__file__).resolve().parents[1] / "app.py"
    if not script.is_file():
        raise BadArgument(f"{script}: the app comes with the source tree of headtail; clone it and run 'make app'")
    if run is not None:
        os.environ["HEADTAIL_RUN"] = str(open_run(run).path.resolve())
    _check_free(port)
    options = ["--browser"] if browser else []
    os.execv(sys.executable, [sys.executable, "-m", "curation.ui.server", str(port), *options])


def _check_free(port: int) -> None:
    """BadArgument where the port cannot be had: the server would say so in words of its own."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: one that just ended is free
        try:
            one.bind(("127.0.0.1", port))
        except OSError as error:
            why = "taken, perhaps by an app that runs already" if error.errno == EADDRINUSE else error.strerror
            raise BadArgument(f"port {port}: {why}; choose another with --port N") from None
