"""The front door: navigation, and the frame around every page."""

from curation.errors import CurationError
from curation.ui import frame
from curation.ui.text import notice

page = frame.navigation()

try:
    run = frame.sidebar(page)
    if run is None or run.state == "done" or frame.needs_no_run(page):
        page.run()
    else:
        frame.unfinished(run.path)
except CurationError as error:
    notice(str(error))
