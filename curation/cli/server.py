"""The app in the browser: the command app."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import curation
from curation.cli.apps import app
from curation.cli.options import PORT
from curation.errors import BadArgument


@app.command(name="app")
def open_app(
    run: Annotated[Path | None, Parameter(help="run folder to open first; the sample run if not given")] = None,
    *,
    port: Annotated[int, Parameter(validator=PORT, help="port on 127.0.0.1")] = 8501,
    browser: Annotated[bool, Parameter(help="open the browser")] = True,
) -> None:
    """Open the app in the browser."""
    from curation.runs.folder import open_run

    script = Path(curation.__file__).resolve().parents[1] / "app.py"
    if not script.is_file():
        raise BadArgument(f"{script}: the app comes with the source tree of headtail; clone it and run 'make app'")
    if run is not None:
        os.environ["HEADTAIL_RUN"] = str(open_run(run).path.resolve())
    if browser:
        url = f"http://127.0.0.1:{port}"
        subprocess.Popen([sys.executable, "-m", "curation", "open-when-ready", url], start_new_session=True)
    os.execv(sys.executable, [sys.executable, "-m", "curation.ui.server", str(port)])


@app.command(show=False)
def open_when_ready(url: str, *, seconds: int = 60) -> None:
    """Open the browser at a server on this machine as soon as that answers; give up silently."""
    import time
    import webbrowser
    from urllib.request import urlopen

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), urlopen(f"{url}/_stcore/health", timeout=2):
            webbrowser.open(url)
            return
        time.sleep(0.2)
