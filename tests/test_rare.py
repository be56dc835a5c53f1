import numpy as np
import pyarrow as pa
import pytest

from curation import rare
from curation.rare import PLACE, RareBuilder, RareEntries, places_of, rare_places, write_places

MATCHED = [[[0, 1], [1], [], [1, 2]], [[1, 3], [0, 1, 2]]]  # a list of pairs for each unit
T_MIN = [[0.5, 1.5, np.inf, 2.5], [3.5, 4.5]]
COUNT = np.array([2, 5, 2, 1, 0])


@pytest.fixture(autouse=True)
def two_texts_are_rare(monkeypatch):
    monkeypatch.setattr(rare, "SMALL_RUN", 0)
    monkeypatch.setattr(rare, "RARE", 3)


def build(folder, units=(0, 1), batch=10):
    entries, parts = RareEntries(COUNT, 6), []
    for unit in units:
        builder = RareBuilder(entries)
        for first in range(0, len(MATCHED[unit]), batch):
            lists = pa.array(MATCHED[unit][first : first + batch], pa.list_(pa.int32()))
            builder.add(unit, first, lists, np.array(T_MIN[unit][first : first + batch]))
        parts.append(builder.postings())
    for slot in range(entries.slots):
        places_of(entries, [slot], parts).tofile(folder / f"{slot}.places")
    write_places(entries, [folder / f"{slot}.places" for slot in range(entries.slots)], folder / "rare")
    return folder / "rare"


def places(folder, entry_id):
    found = rare_places(folder, entry_id)
    return None if found is None else sorted(found.tolist())


@pytest.mark.parametrize("at_once", [1, 3, 1000])
@pytest.mark.parametrize(("units", "batch"), [((0, 1), 10), ((1, 0), 1)])
def test_every_pair_of_a_rare_entry_is_found_whatever_the_order_and_the_room(
    tmp_path, monkeypatch, at_once, units, batch
):
    monkeypatch.setattr(rare, "AT_ONCE", at_once)
    folder = build(tmp_path, units, batch)
    assert places(folder, 0) == [(0, 0, 0.5), (1, 1, 4.5)]
    assert places(folder, 2) == [(0, 3, 2.5), (1, 1, 4.5)]
    assert places(folder, 3) == [(1, 0, 3.5)]


def test_an_entry_of_many_texts_or_of_none_has_no_places(tmp_path):
    folder = build(tmp_path)
    assert places(folder, 1) is None
    assert places(folder, 4) is None
    assert np.load(folder / "places.npy").dtype == PLACE


def test_in_a_small_run_no_entry_is_rare(tmp_path, monkeypatch):
    monkeypatch.setattr(rare, "SMALL_RUN", 6)
    assert [places(build(tmp_path), entry_id) for entry_id in range(5)] == [None] * 5


def test_a_run_without_the_arrays_is_gone_through(tmp_path):
    assert rare_places(tmp_path, 0) is None
