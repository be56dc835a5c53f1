import pytest

from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation.engines import Cancelled
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.folder import open_run
from curation.runs.plan import create_run
from curation.runs.watch import Tally
from inline import INLINE


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """A run of eight units over 800 texts, two of which are null."""

    def make(**config):
        monkeypatch.setattr(plan, "UNIT_ROWS", 100)
        texts = [None, *zipf_texts(798), None]
        pool = write_pool(tmp_path / "pool.parquet", texts, row_group_size=100)
        settings = CurateConfig(t=20.0, **config)
        return create_run(tmp_path / "run", [str(pool)], from_entries(ZIPF_ENTRIES[1:], source="test"), settings)

    return make


def until(run, phase, units):
    """Work until so many units of a phase are through."""
    seen = []

    def stop():
        folder = {"match": "work", "balance": "pairs", "filter": "filtered"}[phase]
        seen.append(len(list((run.path / folder).glob("*.json"))))
        return seen[-1] >= units

    with pytest.raises(Cancelled):
        curate.run(run.path, INLINE, cancel=stop)
    return open_run(run.path)


def test_the_funnel_fills_up_with_the_units_that_are_through(planned):
    run, tally = planned(), Tally()
    assert tally.so_far(run).steps[0].rows_in == 0

    half = tally.so_far(until(run, "match", 3))
    assert half.matched in (3, 4) and half.balanced == 0 and half.units == 8
    assert half.steps[0].rows_in == 100 * half.matched
    assert half.steps[0].rows_out == 100 * half.matched - 1  # a null

    more = tally.so_far(until(run, "balance", 2))
    assert (more.matched, more.steps[0].rows_in) == (8, 800)
    assert more.balanced in (2, 3)
    assert more.pairs == 100 * more.balanced - 1

    done = curate.run(run.path, INLINE)
    whole = tally.so_far(done)
    assert [(step.step, step.rows_in, step.rows_out, step.dropped) for step in whole.steps] == [
        (step["step"], step["in"], step["out"], step["dropped"]) for step in done.info["funnel"]
    ]
    assert more.steps == whole.steps[:2]


def test_filters_are_steps_of_it_before_anything_matches(planned):
    run = planned(min_words=2, distinct_texts=True)
    filtered = Tally().so_far(until(run, "filter", 8))
    assert [step.step for step in filtered.steps] == ["read", "filter: too few words", "filter: same text"]
    for step, after in zip(filtered.steps, filtered.steps[1:], strict=False):
        assert step.rows_out == after.rows_in == step.rows_in - sum(step.dropped.values())

    matched = Tally().so_far(until(run, "match", 8))
    assert [step.step for step in matched.steps] == ["read", "filter: too few words", "filter: same text", "match"]
    assert matched.steps[1:3] == filtered.steps[1:3]


def test_each_receipt_is_read_once_and_a_strange_one_is_passed_over(planned, monkeypatch):
    run, tally = planned(), Tally()
    run = until(run, "match", 3)
    (run.path / "work" / "99999.json").write_text("{")
    first = tally.so_far(run)
    monkeypatch.setattr(
        "curation.runs.watch._receipt", lambda path, _: pytest.fail(str(path)) if "999" not in path.name else None
    )
    assert tally.so_far(run) == first
