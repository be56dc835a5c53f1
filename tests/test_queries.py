import threading

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ENTRIES, TEXTS, ZIPF_ENTRIES, zipf_texts
from curation import queries, rare
from curation.balancing import expected_size, keep_prob
from curation.errors import BadArgument, UnknownEntry, UnknownPair
from curation.metadata import from_entries
from curation.runs import curate, passes, plan
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from inline import INLINE

OFF_GRID = 33.33333


@pytest.fixture(scope="module")
def pairs(zipf_run) -> pa.Table:
    return pa.concat_tables(pq.read_table(path) for path in zipf_run.pair_files)


@pytest.mark.parametrize("t", [1.0, 100.0, OFF_GRID, 4000.0, 1e7])
def test_a_size_is_what_counting_the_pairs_gives_on_the_grid_and_off_it(zipf_run, pairs, t):
    size = queries.size(zipf_run, t)
    t_min = pairs["t_min"].to_numpy()
    matched = pairs["matched_entry_ids"].combine_chunks()
    count = zipf_run.entry_count
    per_entry = np.bincount(matched.filter(pa.array(t_min < t)).flatten().to_numpy(), minlength=count.size)
    mean, sigma = expected_size(keep_prob(matched, count, t))
    assert size.kept == (t_min < t).sum()
    assert (size.expected, size.sigma) == (pytest.approx(mean), pytest.approx(sigma, abs=1e-6))
    assert size.kept_tail_share == pytest.approx(per_entry[count < t].sum() / per_entry.sum())
    assert size.tail_share == pytest.approx(count[count < t].sum() / count.sum())
    assert (size.entries, size.entries_matched) == (50, 40)
    assert size.entries_covered == np.count_nonzero(per_entry)
    assert size.entries_at_cap == (count >= t).sum()
    kept_by_rank = per_entry[zipf_run.curves.ranked_entry_id]
    assert queries.entry_kept_at(zipf_run, t).tolist() == kept_by_rank.tolist()


def test_the_size_lies_within_5_sigma_of_what_is_expected(zipf_run):
    for t in (2.0, OFF_GRID, 100.0, 500.0):
        size = queries.size(zipf_run, t)
        assert abs(size.kept - size.expected) <= 5 * size.sigma


@pytest.mark.parametrize("n", [100, 777, 1999, 3999, 4000])
def test_a_threshold_for_a_size_keeps_exactly_that_many(zipf_run, pairs, n):
    threshold = queries.threshold_for_size(zipf_run, n)
    assert (pairs["t_min"].to_numpy() < threshold.t).sum() == threshold.kept == n


@pytest.mark.parametrize("n", [0, 1, 4001])
def test_a_size_out_of_reach_is_refused_with_the_range(zipf_run, n):
    least = queries.size(zipf_run, 1.0).kept
    assert least > 1
    with pytest.raises(BadArgument, match=rf"from {least:,} .* to 4,000 pairs"):
        queries.threshold_for_size(zipf_run, n)


def test_pairs_that_share_a_uid_share_their_fate_and_the_threshold_says_what_it_achieves(tmp_path):
    table = pa.table({"uid": ["same"] * 6 + ["other"], "text": ["dog"] * 7})
    pq.write_table(table, tmp_path / "twins.parquet")
    metadata = from_entries(["dog"], source="test")
    create_run(tmp_path / "run", [str(tmp_path / "twins.parquet")], metadata, CurateConfig(t=7.0))
    run = curate.run(tmp_path / "run", INLINE)
    t_min = pq.read_table(run.pair_files[0])["t_min"].to_numpy()
    assert len(set(t_min)) == 2
    threshold = queries.threshold_for_size(run, 3)
    assert threshold.kept == (t_min < threshold.t).sum() != 3


def test_a_threshold_for_a_tail_share_says_what_it_achieves(zipf_run):
    threshold = queries.threshold_for_tail_share(zipf_run, 0.2)
    size = queries.size(zipf_run, threshold.t)
    assert (threshold.kept, threshold.tail_share) == (size.kept, size.tail_share)
    assert abs(threshold.tail_share - 0.2) < 0.05


def test_samples_come_in_one_order_for_every_t_so_that_moving_t_only_adds(zipf_run):
    def kept(t):
        pages = [queries.samples(zipf_run, t, which="kept", limit=200, offset=at) for at in range(0, 4000, 200)]
        return pa.concat_tables(pages)["uid"].to_pylist()

    fewer, more = kept(20.0), kept(100.0)
    assert len(fewer) == queries.size(zipf_run, 20.0).kept
    assert fewer == [uid for uid in more if uid in set(fewer)]


@pytest.fixture
def grouped_run(make_run, monkeypatch):
    """1,000 pairs in ten units, of which samples look at three at a time; entries of up to 40 texts are rare."""
    monkeypatch.setattr(plan, "UNIT_ROWS", 100)
    monkeypatch.setattr(queries.pairs, "GROUP_ROWS", 300)
    monkeypatch.setattr(rare, "SMALL_RUN", 0)
    monkeypatch.setattr(rare, "RARE", 25)
    monkeypatch.setattr(passes, "ROW_GROUP_ROWS", 16)
    return make_run(zipf_texts(1000), ZIPF_ENTRIES, t=20.0, row_group_size=100)


@pytest.mark.parametrize("entry", [None, "w5", "w30"])
def test_the_pages_of_a_big_run_hold_every_pair_once_in_one_order_for_every_t(grouped_run, entry):
    assert len(queries.pairs._groups_in_fixed_order(grouped_run)) == 4
    if entry is not None:
        is_rare = rare.rare_places(grouped_run.path / "rare", queries.entry_id(grouped_run, entry)) is not None
        assert is_rare == (entry == "w30")

    def pages(t, which):
        total = queries.count_samples(grouped_run, t, which=which, entry=entry)
        found = []
        for at in range(0, total + 24, 24):
            found += queries.samples(grouped_run, t, which=which, entry=entry, offset=at)["uid"].to_pylist()
        assert len(found) == len(set(found)) == total
        return found

    everything, fewer, more = pages(5.0, "both"), pages(5.0, "kept"), pages(50.0, "kept")
    assert fewer == [uid for uid in everything if uid in set(fewer)] == [uid for uid in more if uid in set(fewer)]
    assert set(pages(5.0, "dropped")) == set(everything) - set(fewer)


def all_pairs(run):
    return pa.concat_tables(pq.read_table(path) for path in run.pair_files).to_pylist()


@pytest.mark.parametrize("entry", [None, "w5", "w30"])
def test_samples_between_two_thresholds_are_what_the_higher_one_adds(grouped_run, entry):
    entry_id = None if entry is None else queries.entry_id(grouped_run, entry)
    for low, high in ((1.0, 5.0), (5.0, 50.0)):
        found = queries.samples(grouped_run, high, which="kept", entry=entry, since=low, limit=200)["uid"].to_pylist()
        added = [
            row["uid"]
            for row in all_pairs(grouped_run)
            if low <= row["t_min"] < high and (entry is None or entry_id in row["matched_entry_ids"])
        ]
        assert len(found) == min(200, len(added)) > 0
        assert set(found) <= set(added)


@pytest.mark.parametrize("entry", [None, "w5", "w30"])
@pytest.mark.parametrize("contains", ["w12", "W12 W0", "photo of", "nowhere"])
def test_a_search_finds_the_text_anywhere_in_a_caption_whatever_the_case(grouped_run, entry, contains):
    entry_id = None if entry is None else queries.entry_id(grouped_run, entry)
    expected = [
        row["uid"]
        for row in all_pairs(grouped_run)
        if contains.lower() in row["text"].lower() and (entry is None or entry_id in row["matched_entry_ids"])
    ]
    found = queries.search(grouped_run, 20.0, entry=entry, contains=contains, limit=200)
    assert set(found.pairs["uid"].to_pylist()) <= set(expected)
    assert len(found.pairs) == min(200, len(expected))
    assert found.complete
    assert found.pool == 1000


def test_a_search_without_time_says_how_far_it_came(grouped_run):
    found = queries.search(grouped_run, 20.0, contains="nowhere", seconds=0.0)
    assert (len(found.pairs), found.looked_through, found.pool, found.complete) == (0, 300, 1000, False)
    found = queries.search(grouped_run, 20.0, contains="w0", seconds=0.0)
    assert (len(found.pairs), found.looked_through, found.complete) == (24, 300, True)


def test_a_search_takes_the_text_literally(make_run):
    run = make_run(["100% wool", "100 wool", "a_b", "it's"], ["wool"])
    found = [queries.search(run, 2.0, contains=text).pairs["text"].to_pylist() for text in ("0%", "a_", "t's", "%")]
    assert found == [["100% wool"], ["a_b"], ["it's"], ["100% wool"]]


def test_two_thresholds_are_compared_in_either_order(zipf_run):
    comparison = queries.compare_thresholds(zipf_run, 100.0, 1.0)
    assert (comparison.low, comparison.high) == (queries.size(zipf_run, 1.0), queries.size(zipf_run, 100.0))
    assert comparison.entry_kept_low.tolist() == queries.entry_kept_at(zipf_run, 1.0).tolist()
    gained = (comparison.entry_kept_low == 0) & (comparison.entry_kept_high > 0)
    assert comparison.entries_gained.tolist() == zipf_run.curves.ranked_entry_id[gained].tolist()


def test_in_a_big_run_mean_and_sigma_between_the_grid_points_are_near_the_exact_ones_and_say_so(zipf_run, monkeypatch):
    between = [float(t) for t in np.sqrt(zipf_run.curves.grid[1:] * zipf_run.curves.grid[:-1])[5::20]]
    exact = [queries.size(zipf_run, t) for t in between]
    monkeypatch.setattr(queries.sizes, "EXACT_PAIRS", 0)
    for known, found in zip(exact, (queries.size(zipf_run, t) for t in between), strict=True):
        assert (known.exact, found.exact) == (True, False)
        assert found.kept == known.kept
        # a tenth of the uncertainty that the number itself has
        assert abs(found.expected - known.expected) <= 0.1 * known.sigma
        assert found.sigma == pytest.approx(known.sigma, rel=0.01)
    assert queries.size(zipf_run, 1e7).exact


def test_kept_and_dropped_make_up_the_whole(zipf_run):
    counts = {which: queries.count_samples(zipf_run, OFF_GRID, which=which) for which in ("kept", "dropped", "both")}
    assert counts["kept"] + counts["dropped"] == counts["both"] == 4000
    dropped = queries.samples(zipf_run, OFF_GRID, which="dropped", limit=200)
    assert not any(dropped["kept"].to_pylist())
    assert min(dropped["t_min"].to_pylist()) >= OFF_GRID


@pytest.mark.parametrize("t", [100.0, OFF_GRID])
def test_samples_of_an_entry_all_match_it_and_are_counted(zipf_run, t):
    rows = queries.samples(zipf_run, t, which="kept", entry="w30", limit=200)
    assert len(rows) == min(200, queries.count_samples(zipf_run, t, which="kept", entry="w30"))
    assert all(30 in ids for ids in rows["matched_entry_ids"].to_pylist())
    assert queries.count_samples(zipf_run, t, entry="w30") == zipf_run.entry_count[30]


def test_an_entry_that_matches_nothing_has_no_samples(zipf_run):
    assert queries.count_samples(zipf_run, 100.0, entry="w45") == 0
    assert len(queries.samples(zipf_run, 100.0, entry="w45")) == 0


def test_an_unknown_entry_or_pair_is_named(zipf_run):
    with pytest.raises(UnknownEntry, match="'zebra'"):
        queries.samples(zipf_run, 100.0, entry="zebra")
    with pytest.raises(UnknownPair, match="'nobody'"):
        queries.why(zipf_run, "nobody", 100.0)


def test_why_takes_the_verdict_apart(make_run):
    run = make_run()
    answer = queries.why(run, "pair-000001", 2.0)  # "a hot dog"
    assert answer.text == TEXTS[1]
    assert {entry.entry for entry in answer.entries} == {"dog", "hot dog", "a"}
    assert [entry.product for entry in answer.entries] == sorted(entry.u * entry.count for entry in answer.entries)
    assert answer.t_min == answer.entries[0].product
    assert answer.kept == any(entry.keeps for entry in answer.entries) == (answer.t_min < 2.0)
    by_name = {entry.entry: entry for entry in answer.entries}
    assert (by_name["dog"].count, by_name["dog"].prob) == (4, 0.5)
    assert answer.keep_prob == 1.0  # "hot dog" stands in one text alone, so it always fires


def test_why_of_a_pair_without_a_match(make_run):
    answer = queries.why(make_run(), "pair-000004", 2.0)
    assert (answer.entries, answer.t_min, answer.keep_prob, answer.kept) == ([], float("inf"), 0.0, False)


def test_why_agrees_with_the_run_for_every_pair(zipf_run, pairs):
    sample = pairs.slice(1000, 40)
    for answer, t_min in zip(queries.explain(zipf_run, sample, 50.0), sample["t_min"].to_pylist(), strict=True):
        assert min(entry.product for entry in answer.entries) == t_min == answer.t_min


def test_the_funnel_ends_with_the_t_that_is_asked_for(zipf_run):
    steps = queries.funnel(zipf_run, queries.size(zipf_run, OFF_GRID))
    assert [step.step for step in steps] == ["read", "match", "balance"]
    assert steps[-1].rows_out == queries.size(zipf_run, OFF_GRID).kept
    assert all(step.rows_in - step.rows_out == sum(step.dropped.values()) for step in steps)


def test_the_database_sees_no_file_but_the_runs(zipf_run, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    connection = queries.database.connection(zipf_run.path.resolve()).cursor()
    for sql in (
        f"SELECT * FROM read_csv('{secret}')",
        f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
        "SET enable_external_access = true",
        "ATTACH '/tmp/x.db'",
    ):
        with pytest.raises(duckdb.Error):
            connection.sql(sql).fetchall() if sql.startswith("SELECT") else connection.execute(sql)
    assert not (tmp_path / "out.csv").exists()


def test_run_folders_with_odd_names_are_read(make_run):
    run = make_run(name="o'dd [a-z]* {x} 100%?")
    assert queries.size(run, 1.77).pairs == 8
    assert queries.why(run, "pair-000000", 2.0).text == TEXTS[0]


def test_threads_get_their_own_answers(zipf_run):
    wrong = []

    def ask(n: int) -> None:
        for k in range(20):
            t = 2.0 + n + k / 7
            if queries.count_samples(zipf_run, t, which="kept") != len(zipf_run_kept[zipf_run_kept < t]):
                wrong.append((n, k))

    zipf_run_kept = pa.concat_tables(pq.read_table(path) for path in zipf_run.pair_files)["t_min"].to_numpy()
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_nothing_matched_still_answers(make_run):
    run = make_run(["x", "y"], ENTRIES, t=5.0)
    size = queries.size(run, 5.0)
    assert (size.kept, size.pairs, size.matched, size.tail_share, size.entries_covered) == (0, 2, 0, 0.0, 0)
    assert queries.size(run, 7.5).kept == 0
    with pytest.raises(BadArgument, match=r"from 1 .* to 0 pairs"):
        queries.threshold_for_size(run, 1)


def test_a_pool_of_one_entry_and_one_pair(make_run):
    run = make_run(["w0"], ZIPF_ENTRIES, t=1.0)
    assert queries.size(run, 1.0).kept == 1
    assert queries.threshold_for_size(run, 1).t == 1.0
    assert zipf_texts(1) == ["w0"]


def test_pairs_are_found_by_their_uids_in_the_order_asked_for(make_run):
    run = make_run(["a dog", "a cat", "x"], row_group_size=1, t=2.0)
    assert queries.with_uids(run, ["pair-000002", "none", "pair-000000"])["text"].to_pylist() == ["x", "a dog"]
    assert len(queries.with_uids(run, [])) == 0


def test_a_threshold_to_compare_with_keeps_about_half_as_many(zipf_run):
    other = queries.half_size_t(zipf_run, 100.0)
    kept, half = queries.size(zipf_run, other).kept, queries.size(zipf_run, 100.0).kept / 2
    assert abs(kept - half) == np.abs(zipf_run.curves.kept - half).min()


def test_the_threshold_to_compare_with_is_another_one_where_there_is_one(make_run):
    run = make_run(["dog", "cat"], ["dog", "cat"], t=1.0)
    assert run.curves.grid.tolist() == [1.0]
    assert queries.half_size_t(run, 1.0) == 1.0
    assert queries.half_size_t(run, 5.0) == 1.0


def test_the_funnel_is_a_table_with_a_row_for_each_reason():
    steps = [
        queries.Step("read", 10, 7, {"no text": 2, "text is not UTF-8": 1, "uid is null": 0}),
        queries.Step("match", 7, 7, {"no entry matches": 0}),
    ]

    assert queries.funnel_table(steps).to_pylist() == [
        {"step": "read", "rows_in": 10, "rows_out": 7, "reason": "no text", "dropped": 2},
        {"step": "read", "rows_in": 10, "rows_out": 7, "reason": "text is not UTF-8", "dropped": 1},
        {"step": "match", "rows_in": 7, "rows_out": 7, "reason": None, "dropped": 0},
    ]
