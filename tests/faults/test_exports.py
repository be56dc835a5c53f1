"""Exports that are interrupted: under their name only when they are whole, and the same bytes when asked for again."""

from random import Random

import pytest

from curation.runs.export.formats import EXPORTS
from faults import syscalls
from faults.driver import has
from faults.exports import Exporting, interrupt


@pytest.fixture(scope="module")
def exporting(picture_run, tmp_path_factory, zygote):
    """kind -> what exports it."""
    folder = tmp_path_factory.mktemp("exports")
    return {kind: Exporting(picture_run, folder, kind, zygote) for kind in EXPORTS}


@pytest.mark.skipif(bool(has("strace")), reason=has("strace"))
@pytest.mark.parametrize("kind", EXPORTS)
def test_an_interrupted_export_is_not_under_its_name_and_comes_to_the_same_when_asked_for_again(exporting, kind):
    subject = exporting[kind]
    for number, what in enumerate(("SIGKILL", "ENOSPC")):
        outcome = syscalls.at_a_call(what, subject, Random(f"{kind} {number}"))
        assert outcome.bad == []
        assert outcome.fired


def test_an_export_that_is_killed_as_it_gets_its_name_is_whole(exporting):
    subject = exporting["parquet"]
    (naming,) = (call for call in syscalls.calls_of(subject)[-3:] if call.name == "rename")  # the folder is named last
    outcome = syscalls.at_a_call("SIGKILL", subject, Random(0), naming)
    assert outcome.bad == []
    assert outcome.fired


@pytest.mark.parametrize("kind", EXPORTS)
def test_what_is_not_whole_or_left_behind_is_found_out(exporting, kind):
    subject = exporting[kind]
    path = subject.fresh()
    assert subject.go_on(path) is None
    assert subject.differs(path) == []
    (path / ".out.unfinished").mkdir()
    (path / "out" / "_manifest.json").write_bytes(b"{")
    assert subject.differs(path) == ["_manifest.json differs", "left: .out.unfinished"]


def test_a_fault_of_any_kind_by_chance(exporting):
    outcome = interrupt(exporting["hf"], Random(1))
    assert (outcome.kind, outcome.bad) == ("export interrupted", [])
