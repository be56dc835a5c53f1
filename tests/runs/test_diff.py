import math

import pyarrow.parquet as pq
import pytest

from conftest import ENTRIES, TEXTS
from curation import queries
from curation.divergence import kl
from curation.errors import BadArgument, BadRun
from curation.runs.diff import diff, open_set
from curation.runs.export.write import export


def uids_below(run, t: float) -> set[str]:
    rows = [row for path in run.pair_files for row in pq.read_table(path, columns=["uid", "t_min"]).to_pylist()]
    return {row["uid"] for row in rows if row["t_min"] < t}


def test_the_same_set_twice_has_no_differences(zipf_run):
    found = diff(open_set(zipf_run.path), open_set(zipf_run.path))
    assert (found.origin, found.changed, found.kl_a_b) == ({}, [], 0.0)
    assert (found.pairs.only_a, found.pairs.only_b) == (0, 0)
    assert (found.matched.lost, found.covered.gained) == (0, 0)


def test_two_thresholds_of_one_run_differ_by_the_pairs_in_between(zipf_run):
    found = diff(open_set(zipf_run.path, 50.0), open_set(zipf_run.path, 80.0), examples=5)
    low, high = uids_below(zipf_run, 50.0), uids_below(zipf_run, 80.0)
    assert found.origin == {"t": [50.0, 80.0]}
    assert (found.pairs_a, found.pairs_b) == (len(low), len(high))
    assert (found.pairs.only_a, found.pairs.only_b) == (0, len(high - low))
    assert found.pairs.examples_b == sorted(high - low)[:5]
    row = {row["entry"]: row for row in found.entries.to_pylist()}["w3"]
    at = zipf_run.curves.ranked_entry_id.tolist().index(3)
    assert (row["count_a"], row["kept_a"]) == (1000, queries.entry_kept_at(zipf_run, 50.0)[at])
    assert (row["count_b"], row["kept_b"]) == (1000, queries.entry_kept_at(zipf_run, 80.0)[at])
    kept = (found.entries["kept_a"].to_numpy(), found.entries["kept_b"].to_numpy())
    assert found.kl_a_b == kl(*kept) > 0.0
    assert found.kl_b_a == kl(*kept[::-1])


def test_entries_that_only_one_side_matches_or_covers_are_named(make_run):
    a = make_run(TEXTS, ENTRIES, name="a", t=2.0)
    b = make_run([*TEXTS[:3], "a unicorn", "unicorn"], [*ENTRIES[:4], "unicorn", "zebra"], name="b", t=2.0)
    found = diff(open_set(a.path), open_set(b.path))
    assert (found.matched.lost_examples, found.matched.gained_examples) == (["photo"], ["unicorn"])
    assert (found.matched.lost, found.matched.gained) == (1, 1)
    assert found.covered.gained_examples == ["unicorn"]
    assert set(found.origin) == {"metadata", "entries", "input bytes", "input digests"}
    assert found.origin["entries"] == [7, 6]
    rows = {row["entry"]: (row["count_a"], row["count_b"]) for row in found.entries.to_pylist()}
    assert rows["zebra"] == (0, 0)
    assert rows["photo"] == (2, 0)


@pytest.mark.parametrize("kind", ["parquet", "webdataset", "urls", "uids", "hf"])
def test_an_export_is_compared_like_the_run_it_came_from(picture_run, kept, tmp_path, kind):
    manifest = export(picture_run, 20.0, tmp_path / "out", kind)
    found = diff(open_set(picture_run.path), open_set(tmp_path / "out"), examples=1000)
    assert found.origin == {}
    assert (found.pairs_a, found.pairs_b) == (len(kept), manifest["pairs"])
    assert (found.pairs.only_a, found.pairs.only_b) == (len(kept) - manifest["pairs"], 0)
    if kind == "urls":
        assert set(found.pairs.examples_a) == {uid for uid, pair in kept.items() if pair["url"] is None}


def test_two_exports_are_compared_without_their_runs_and_by_their_manifests_too(picture_run, tmp_path):
    export(picture_run, 20.0, tmp_path / "a", "parquet")
    export(picture_run, 30.0, tmp_path / "b", "uids")
    found = diff(open_set(tmp_path / "a" / "_manifest.json"), open_set(tmp_path / "b"))
    assert found.pairs.only_a == 0
    assert found.pairs.only_b == len(uids_below(picture_run, 30.0) - uids_below(picture_run, 20.0))


def test_a_card_knows_entries_but_no_pairs(picture_run, tmp_path):
    export(picture_run, 30.0, tmp_path / "card", "card")
    found = diff(open_set(picture_run.path), open_set(tmp_path / "card"))
    assert found.pairs is None
    assert math.isclose(found.kl_a_b, diff(open_set(picture_run.path), open_set(picture_run.path, 30.0)).kl_a_b)


def test_what_is_neither_run_nor_export_or_has_a_t_of_its_own_is_refused(picture_run, tmp_path):
    with pytest.raises(BadRun, match=r"neither a run folder \(no run\.json\) nor an export"):
        open_set(tmp_path)
    with pytest.raises(BadArgument, match="give 1 or more"):
        open_set(picture_run.path, 0.5)
    export(picture_run, 20.0, tmp_path / "out", "card")
    with pytest.raises(BadArgument, match="an export has a t of its own"):
        open_set(tmp_path / "out", 30.0)
