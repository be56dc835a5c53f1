"""What fuzzing found once, and what hypothesis comes up with, without atheris: seconds in `make test`."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bad_inputs import MUTATIONS
from fuzz import targets
from fuzz.targets import ENDS, ODD, mangled

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*/*"))
LENIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


def seeds(target):
    return [path.read_bytes() for path in CORPUS if path.parent.name == target]


@pytest.mark.parametrize("target", ["readers", "matching", "manifests"])
def test_the_corpus_breaks_no_promise(target):
    assert len(seeds(target)) >= 10
    for data in seeds(target):
        getattr(targets, target)(data)


@settings(max_examples=300, **LENIENT)
@given(st.sampled_from(seeds("readers")), st.lists(st.sampled_from(MUTATIONS), max_size=3), st.randoms())
def test_every_row_of_a_mutated_file_is_kept_or_counted(data, mutations, random):
    for mutate in mutations:
        data = mutate(data, random) or data[:1]
    targets.readers(data)


@settings(max_examples=200, **LENIENT)
@given(st.integers(0, len(ENDS) - 1), st.binary(max_size=300))
def test_every_row_of_any_bytes_is_kept_or_counted(end, data):
    targets.readers(bytes([end]) + data)


SPACED = st.text(st.sampled_from("ab é,.;:?!`\t\n\r\x1e\u00a0日"), max_size=60)


@settings(max_examples=200, **LENIENT)
@given(SPACED)
def test_matchers_find_in_any_text_what_their_oracles_find(text):
    targets.matching(text.encode())


@settings(max_examples=60, **LENIENT)
@given(st.binary(max_size=40))
def test_a_mangled_manifest_is_refused_in_a_line_or_reported(data):
    targets.manifests(data)


def test_mangling_replaces_and_removes():
    assert mangled({"a": {"b": 1}}, iter([1, 2, 0, 2, 0, 5])) == {"a": {"b": ODD[1]}}
    assert mangled({"a": 1, "b": 2}, iter([1, 1, 1])) == {"a": 1}
    assert mangled({"a": 1}, iter([])) == {"a": 1}
