"""The app, whose sessions are over two seconds after their tab is gone: python -m load.forgetful_app PORT"""

import sys

from curation.ui import departed, server

KEPT_S = 2

if __name__ == "__main__":
    departed.LOOK_EVERY_S = 1.0
    settings = server.settings
    server.settings = lambda: {**settings(), "server.disconnectedSessionTTL": KEPT_S}
    server.serve(int(sys.argv[1]))
