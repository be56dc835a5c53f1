import subprocess
import sys

from pages.conftest import APP

EVERY_PAGE = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file(sys.argv[1], default_timeout=60).run()
for page in ("samples", "entries", "compare", "labels", "curate", "train", "classify"):
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, page
print([name for name in ("torch", "open_clip", "ray", "plotly") if name in sys.modules])
"""


def test_no_page_loads_torch(zipf_workspace):
    command = [sys.executable, "-W", "ignore", "-c", EVERY_PAGE, str(APP)]
    found = subprocess.run(command, cwd=APP.parent, capture_output=True, text=True, check=False)

    assert found.stdout.strip().endswith("['plotly']"), found.stderr  # of Compare, Labels and Train
