"""Many sessions at once on the real app: python tests/load/drive.py --run RUN --sessions 20 --seconds 300

Prints a table, and as its last line one JSON object. With --curation POOL --metadata FILE, a curation runs beside it,
again and again, as long as the sessions do. Ends with 1 if there was an error, or an answer that belongs to another
session.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]  # a script has only its own folder on the path
    from load.command import main

    sys.exit(main(__doc__))
