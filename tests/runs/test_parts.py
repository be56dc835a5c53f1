"""Sums over many units come out the same however the tree of sums is cut."""

import numpy as np
import pyarrow as pa
import pytest

from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation import files
from curation.curves import CurveBuilder
from curation.metadata import from_entries
from curation.runs import curate, parts, plan
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from inline import INLINE


def test_units_are_grouped_by_their_number_alone():
    assert [unit.row_groups for unit in parts.groups(7, 3, "pairs")] == [(0, 1, 2), (3, 4, 5), (6,)]
    for units, size in ((1, 4), (100, 4), (1000, 15), (1_000_000, 64)):
        made = parts.curve_groups(units, "pairs")
        assert len(made[0].row_groups) == min(size, units)
        assert sum(len(group.row_groups) for group in made) == units


@pytest.mark.parametrize("fan_in", [2, 3, 100])
@pytest.mark.parametrize("units", [1, 2, 9])
def test_counts_add_up_whatever_the_tree(tmp_path, monkeypatch, fan_in, units):
    monkeypatch.setattr(parts, "FAN_IN", fan_in)
    for at in range(units):
        table = pa.table({"entry_id": pa.array([0, at], pa.int32())[: 1 + (at > 0)], "count": [1, 10][: 1 + (at > 0)]})
        files.write_parquet(tmp_path / "work" / f"{at:05d}.parquet", table)

    class Env:
        work = tmp_path / "work"

        class arrays:
            entry_hash = np.zeros(12, np.uint64)

    counts = parts.total_counts(INLINE, Env, units, lambda: False)
    assert counts.tolist() == [units, *[10] * (units - 1), *[0] * (12 - units)]


def test_curves_do_not_depend_on_how_many_parts_are_summed_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "UNIT_ROWS", 100)
    pool = [str(write_pool(tmp_path / "pool.parquet", zipf_texts(3000), row_group_size=100))]
    runs = []
    for fan_in in (2, 32):
        monkeypatch.setattr(parts, "CURVES_FAN_IN", fan_in)
        create_run(tmp_path / str(fan_in), pool, from_entries(ZIPF_ENTRIES, source="test"), CurateConfig(t=100.0))
        runs.append(curate.run(tmp_path / str(fan_in), INLINE).curves)
    one, other = runs
    assert one.kept.tolist() == other.kept.tolist()
    assert np.array_equal(one.entry_kept, other.entry_kept)
    assert one.expected == pytest.approx(other.expected, rel=1e-12)


def test_a_part_holds_what_its_pairs_add():
    counts, grid = np.array([3, 2, 0, 1]), np.array([1.0, 2.0, 3.0])
    lists = pa.array([[0, 1], [0], [], [0, 1, 3]], pa.list_(pa.int32()))
    t_min = np.array([0.5, 2.5, np.inf, 1.5])
    whole = CurveBuilder(counts, grid)
    whole.add(lists, t_min)
    total = CurveBuilder(counts, grid)
    for rows in (slice(0, 2), slice(2, 4)):
        builder = CurveBuilder(counts, grid)
        builder.add(lists[rows], t_min[rows])
        total.add_part(builder.part())
    expected, found = whole.finish(), total.finish()
    assert found.kept.tolist() == expected.kept.tolist() == [1, 2, 3]
    assert found.entry_kept.tolist() == expected.entry_kept.tolist() == [[1, 1, 0], [2, 2, 1], [3, 2, 1]]
    assert found.expected == pytest.approx(expected.expected, rel=1e-15)
    assert found.sigma == pytest.approx(expected.sigma, rel=1e-15)
