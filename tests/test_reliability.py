"""Each promise of docs/reliability.md names tests that there are."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KINDS = "tests/faults/kinds.py"


def promises():
    """Each line with the places that keep it: (file or folder, name of a test, or of a kind of fault, or nothing).

    `::test`, and `test` alone, stand for a test of the file that was named last; "the same" for what the line before
    names; and a name in brackets behind it for a kind of fault.
    """
    lines = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").split("\n")
    path, before = "", []
    for line in lines:
        if not line.startswith("| ") or line.startswith("| promise"):
            continue
        kept_by = line.rpartition(" | ")[2]
        found = []
        for quoted in re.findall(r"`([^`]+)`", kept_by):
            place, _, test = quoted.rpartition("::") if "::" in quoted else ("", "", quoted)
            if re.match(r"(tests|curation)/", quoted):
                place, _, test = quoted.partition("::")
            if not place and not re.fullmatch(r"\w+", test):
                continue  # a command, or a file beside the one that is named
            path = place or path
            found.append((KINDS, test) if test and not test.startswith("test_") else (path, test))
        before = found or (before if "the same" in kept_by else [])
        yield line, before


@pytest.mark.parametrize(("line", "kept_by"), [pytest.param(*one, id=one[0][2:50]) for one in promises()])
def test_a_promise_names_tests_that_there_are(line, kept_by):
    assert kept_by
    for path, test in kept_by:
        if not test:
            assert (ROOT / path).exists(), path
            continue
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (path, test)
