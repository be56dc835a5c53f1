import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation import drawn, queries, rare
from curation.metadata import from_entries
from curation.queries import companions, pairs
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from curation.uniform import entry_hashes, uniform
from inline import INLINE


def rows_of(run):
    return [row for file in run.pair_files for row in pq.read_table(file).to_pylist()]


def u(run, uid, entry):
    ids = pa.array([[0]], pa.list_(pa.int32()))
    return uniform(pa.array([uid]), ids, entry_hashes(pa.array([entry]), run.seed), run.seed)[0]


def plain_company(run, entry_id):
    """Pairs shared with each other entry, and the lift, by counting."""
    rows = rows_of(run)
    own = [row for row in rows if entry_id in row["matched_entry_ids"]]
    shared = {
        other: sum(other in row["matched_entry_ids"] for row in own)
        for other in range(run.entry_count.size)
        if other != entry_id
    }
    return {
        other: (count, count / len(own) / (run.entry_count[other] / len(rows)))
        for other, count in shared.items()
        if count
    }


def plain_carried(run, entry_id, t):
    """Who keeps what, pair by pair and entry by entry."""
    kept = by_itself = by_others = by_tail = 0
    carried, alone = {}, {}
    names, count = run.entries["entry"].to_pylist(), run.entry_count.tolist()
    for row in rows_of(run):
        if entry_id not in row["matched_entry_ids"]:
            continue
        keepers = [e for e in row["matched_entry_ids"] if u(run, row["uid"], names[e]) * count[e] < t]
        assert bool(keepers) == (row["t_min"] < t)
        kept += bool(keepers)
        by_itself += entry_id in keepers
        if keepers and entry_id not in keepers:
            by_others += 1
            by_tail += any(count[keeper] < t for keeper in keepers)
            for keeper in keepers:
                carried[keeper] = carried.get(keeper, 0) + 1
                alone[keeper] = alone.get(keeper, 0) + (len(keepers) == 1)
    return (kept, by_itself, by_others, by_tail), carried, alone


texts = st.lists(
    st.lists(st.sampled_from(["a", "dog", "cat", "hot dog", "x"]), max_size=4).map(" ".join), min_size=1, max_size=30
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=texts, t=st.sampled_from([1.0, 1.5, 3.0, 8.0]), seed=st.integers(0, 3))
def test_company_and_carried_are_what_plain_counting_says(make_run, tmp_path_factory, texts, t, seed):
    run = make_run(texts, ["a", "dog", "cat", "hot dog"], name=tmp_path_factory.mktemp("r").name, t=1.0, seed=seed)
    for entry_id in range(4):
        if not run.entry_count[entry_id]:
            continue
        found = queries.company(run, entry_id)
        wanted = plain_company(run, entry_id)
        got = {row["entry_id"]: (row["shared"], row["lift"]) for row in found.entries.to_pylist()}
        assert got == {other: (count, pytest.approx(lift)) for other, (count, lift) in wanted.items()}
        assert (found.looked_at, found.of, found.total) == (*[run.entry_count[entry_id]] * 2, len(wanted))

        who = queries.carried(run, entry_id, t)
        numbers, carried, alone = plain_carried(run, entry_id, t)
        assert (who.kept, who.by_itself, who.by_others, who.by_tail) == numbers
        assert {row["entry_id"]: row["carried"] for row in who.entries.to_pylist()} == carried
        assert {row["entry_id"]: row["alone"] for row in who.entries.to_pylist()} == alone
        assert all(row["tail"] == (row["count"] < t) for row in who.entries.to_pylist())


def test_what_an_entry_shares_comes_in_the_order_that_was_asked_for(zipf_run):
    shared = queries.company(zipf_run, 5).entries["shared"].to_pylist()
    assert shared == sorted(shared, reverse=True)
    by_lift = queries.company(zipf_run, 5, order="lift").entries
    assert by_lift["lift"].to_pylist() == sorted(by_lift["lift"].to_pylist(), reverse=True)
    assert min(by_lift["shared"].to_pylist()) >= companions.LEAST_SHARED
    assert len(queries.company(zipf_run, 0, limit=3).entries) == 3


def test_most_of_what_is_kept_of_a_head_entry_is_carried_by_others(zipf_run):
    found = queries.carried(zipf_run, 0, 100.0)
    assert found.kept == queries.entry_facts(zipf_run, 0, 100.0).kept
    assert found.by_itself + found.by_others == found.kept
    assert abs(found.by_itself - 100) < 5 * math.sqrt(100)
    assert found.by_others > found.by_itself
    assert sum(found.entries["alone"].to_pylist()) <= found.by_others <= sum(found.entries["carried"].to_pylist())


def test_an_entry_that_matches_nothing_has_no_company(zipf_run):
    found, who = queries.company(zipf_run, 49), queries.carried(zipf_run, 49, 100.0)
    assert (found.looked_at, found.of, len(found.entries), who.kept, len(who.entries)) == (0, 0, 0, 0, 0)


def test_of_very_many_pairs_some_are_drawn_and_the_answer_says_so(zipf_run, monkeypatch):
    monkeypatch.setattr(companions, "LOOKED_AT", 1000)
    found, who = queries.company(zipf_run, 0), queries.carried(zipf_run, 0, 100.0)
    assert found.of == who.of == 4000
    # a binomial with p = 1/4 of 4,000: sigma 27
    assert found.looked_at == who.looked_at
    assert abs(found.looked_at - 1000) < 5 * 27
    share = queries.entry_facts(zipf_run, 0, 100.0).kept / 4000
    assert abs(who.kept / who.looked_at - share) < 5 * math.sqrt(share * (1 - share) / who.looked_at)
    assert queries.company(zipf_run, 30).looked_at == zipf_run.entry_count[30]


def test_drawn_pairs_are_pairs_of_the_entry_each_once(zipf_run):
    everything = queries.draw(zipf_run, 10_000, entry_id=3)
    some = queries.draw(zipf_run, 200, entry_id=3)
    assert (len(everything.pairs), everything.of, some.of) == (1000, 1000, 1000)
    assert 100 < len(some.pairs) < 300
    uids = some.pairs["uid"].to_pylist()
    assert len(set(uids)) == len(uids)
    assert set(uids) <= set(everything.pairs["uid"].to_pylist())
    assert all(3 in ids for ids in some.pairs["matched_entry_ids"].to_pylist())
    whole = queries.draw(zipf_run, 10_000)
    assert (len(whole.pairs), whole.of) == (4000, 4000)


def test_the_pairs_of_a_rare_entry_are_found_by_their_places(make_run, monkeypatch):
    monkeypatch.setattr(rare, "SMALL_RUN", 0)
    monkeypatch.setattr(rare, "RARE", 10)
    run = make_run(["dog a", "dog b", *["a"] * 98], ["dog", "a"], t=5.0)
    assert (run.path / "rare" / "offsets.npy").is_file()
    with monkeypatch.context() as patched:
        patched.setattr(pairs.database, "table", None)  # nothing is gone through
        assert sorted(queries.draw(run, 10, entry_id=0).pairs["uid"].to_pylist()) == [
            "pair-000000",
            "pair-000001",
        ]
    (shared,) = queries.company(run, 0).entries.to_pylist()
    assert (shared["entry"], shared["shared"], shared["count"]) == ("a", 1, 99)
    assert shared["lift"] == pytest.approx(0.5 / 0.99)


def test_the_numbers_hold_for_every_entry_of_the_zipf_run(zipf_run):
    assert zipf_run.entry_count.size == len(ZIPF_ENTRIES)
    for entry_id in np.flatnonzero(zipf_run.entry_count).tolist():
        found = queries.carried(zipf_run, entry_id, 33.3)
        assert found.kept == queries.count_samples(zipf_run, 33.3, which="kept", entry=ZIPF_ENTRIES[entry_id])


@pytest.fixture
def big_run(tmp_path, monkeypatch):
    """6,000 pairs, of which a third were drawn."""
    monkeypatch.setattr(drawn, "SMALL_RUN", 1000)
    monkeypatch.setattr(drawn, "DRAWN", 2000)
    monkeypatch.setattr(pairs, "ENOUGH_DRAWN", 500)
    pool = write_pool(tmp_path / "pool.parquet", zipf_texts(6000))
    create_run(tmp_path / "run", [str(pool)], from_entries(ZIPF_ENTRIES, source="test"), CurateConfig(t=100.0))
    return curate.run(tmp_path / "run", INLINE)


def test_in_a_big_run_the_pairs_of_a_frequent_entry_come_from_the_draw(big_run, monkeypatch):
    table = pq.read_table(big_run.path / "drawn.parquet")
    of_it = [row["uid"] for row in table.to_pylist() if 1 in row["matched_entry_ids"]]
    found = queries.draw(big_run, 2500, entry_id=1)
    assert (found.pairs["uid"].to_pylist(), found.of) == (of_it, 3000)
    fewer = queries.draw(big_run, 300, entry_id=1)
    assert fewer.pairs["uid"].to_pylist() == of_it[:300]
    assert queries.draw(big_run, 1000).pairs["text"].to_pylist() == table["text"].to_pylist()[:1000]


def test_in_a_big_run_all_is_gone_through_for_an_entry_that_few_drawn_pairs_match(big_run):
    found = queries.draw(big_run, 550, entry_id=9)  # about 200 of its 600 were drawn
    assert found.of == 600
    assert len(found.pairs) > 450
    assert len(queries.draw(big_run, 600, entry_id=9).pairs) == 600
