"""The app in the browser: the command app."""

import os
import sys
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
    options = ["--browser"] if browser else []
    os.execv(sys.executable, [sys.executable, "-m", "curation.ui.server", str(port), *options])
