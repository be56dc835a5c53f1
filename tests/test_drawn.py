import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation import drawn, queries
from curation.metadata import from_entries
from curation.queries import pairs as pair_queries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from inline import INLINE, LOCAL

PAIRS = 6000


@pytest.fixture
def small_groups(monkeypatch):
    """Runs of some thousand pairs are big ones: a tenth is drawn, and groups have 2,000 pairs."""
    monkeypatch.setattr(drawn, "SMALL_RUN", 1000)
    monkeypatch.setattr(drawn, "DRAWN", PAIRS // 10)
    monkeypatch.setattr(pair_queries, "GROUP_ROWS", 2000)


@pytest.fixture
def run(small_groups, tmp_path):
    return make(tmp_path, "run", INLINE)


def make(tmp_path, name, engine):
    pool = [str(write_pool(tmp_path / f"{n}.parquet", zipf_texts(2000), first=2000 * n)) for n in range(PAIRS // 2000)]
    path = tmp_path / name
    create_run(path, pool, from_entries(ZIPF_ENTRIES, source="test"), CurateConfig(t=100.0))
    return curate.run(path, engine)


def every(run, t, **wanted):
    found, offset = [], 0
    while len(page := queries.samples(run, t, limit=200, offset=offset, **wanted)):
        found += page.to_pylist()
        offset += len(page)
    return found


def test_the_draw_is_of_all_units_alike_and_in_the_order_of_its_hash(run):
    table = pq.read_table(run.path / "drawn.parquet")

    each = np.bincount(table["unit"].to_numpy(), minlength=3)
    assert np.abs(each - 200).max() < 5 * np.sqrt(2000 * 0.1 * 0.9)  # 5 sigma
    assert (np.diff(table["order"].to_numpy().astype(np.float64)) >= 0).all()
    pairs = [pq.read_table(path) for path in run.pair_files]
    stands = [pairs[row["unit"]].slice(row["row"], 1).to_pylist()[0] for row in table.slice(0, 20).to_pylist()]
    assert [row["uid"] for row in stands] == table["uid"].slice(0, 20).to_pylist()


def test_the_draw_does_not_depend_on_how_many_work(run, tmp_path):
    other = make(tmp_path, "other", LOCAL)

    assert pq.read_table(other.path / "drawn.parquet").equals(pq.read_table(run.path / "drawn.parquet"))


def test_pairs_come_once_each_and_those_that_were_drawn_come_first(run):
    uids = [pair["uid"] for pair in every(run, 100.0)]

    first = pq.read_table(run.path / "drawn.parquet")["uid"].to_pylist()
    assert uids[: len(first)] == first
    assert sorted(uids) == [f"pair-{n:06d}" for n in range(PAIRS)]


@pytest.mark.parametrize("wanted", [{"entry": "w3"}, {"ranks": (2, 4)}, {"source": "test"}, {"ranks": (9, 9)}])
def test_raising_t_only_adds_pairs_in_the_same_order(run, wanted):
    low = [pair["uid"] for pair in every(run, 30.0, which="kept", **wanted)]
    high = [pair["uid"] for pair in every(run, 300.0, which="kept", **wanted)]

    assert [uid for uid in high if uid in set(low)] == low
    assert len(high) > len(low)


def test_a_pair_is_between_two_ranks_if_one_of_its_entries_is(run):
    among = set(run.curves.ranked_entry_id[1:4].tolist())

    found = every(run, 100.0, ranks=(2, 4))

    whole = [pair for path in run.pair_files for pair in pq.read_table(path).to_pylist()]
    assert sorted(pair["uid"] for pair in found) == sorted(
        pair["uid"] for pair in whole if among & set(pair["matched_entry_ids"])
    )
    assert queries.entries_among(run, ranks=(2, 4)).nonzero()[0].tolist() == sorted(among)
    assert not queries.entries_among(run, source="nowhere").any()


def test_a_search_looks_through_every_pair_once(run):
    found = queries.search(run, 100.0, contains="nowhere")

    assert (found.looked_through, found.pool, found.complete) == (PAIRS, PAIRS, True)


def test_how_many_pairs_there_are_is_estimated_from_the_draw_and_says_so(run):
    truth = len(every(run, 100.0, which="kept", ranks=(2, 4)))

    amount = queries.estimate_samples(run, 100.0, which="kept", ranks=(2, 4))

    assert not amount.exact
    assert abs(amount.pairs - truth) < 5 * amount.sigma
    assert amount.sigma < 0.1 * PAIRS
    assert queries.estimate_samples(run, 100.0, entry="w3") == queries.Amount(
        queries.count_samples(run, 100.0, entry="w3")
    )


def test_a_small_run_counts_them(zipf_run):
    amount = queries.estimate_samples(zipf_run, 100.0, which="kept", ranks=(2, 4))

    assert amount == queries.Amount(len(every(zipf_run, 100.0, which="kept", ranks=(2, 4))))
    assert amount.exact
    assert not (zipf_run.path / "drawn.parquet").exists()


def test_a_run_without_a_draw_is_gone_through_as_before(run):
    (run.path / "drawn.parquet").unlink()
    pair_queries._drawn_places.cache_clear()

    assert sorted(pair["uid"] for pair in every(run, 100.0)) == [f"pair-{n:06d}" for n in range(PAIRS)]
    assert queries.estimate_samples(run, 100.0, ranks=(2, 4)).exact
    pair_queries._drawn_places.cache_clear()
