"""Each promise of docs/reliability.md names tests that there are."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").split("\n")
PROMISES = [line for line in LINES if line.startswith("| ") and not line.startswith("| promise")]


def named(line):
    """Files with their tests, of a line; `::test` stands for a test of the file before it."""
    path, found = "", []
    for place, test in re.findall(r"`((?:tests|curation)/[\w/]+\.py)?(?:::(\w+))?`", line):
        path = place or path
        if place or test:
            found.append((path, test))
    return found


@pytest.mark.parametrize("line", PROMISES, ids=lambda line: line[2:50])
def test_a_promise_names_tests_that_there_are(line):
    assert named(line)
    for path, test in named(line):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert not test or test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (path, test)
