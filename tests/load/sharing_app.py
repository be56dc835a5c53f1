"""The app with a mistake in it, made on purpose: one t for all sessions. python -m load.sharing_app PORT"""

import sys
from pathlib import Path

from curation.ui import server, state

THRESHOLDS: dict[Path, float] = {}

if __name__ == "__main__":
    state._thresholds = lambda: THRESHOLDS
    server.serve(int(sys.argv[1]))
