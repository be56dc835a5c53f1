import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ENTRIES, TEXTS
from curation import queries
from curation.divergence import kl
from curation.errors import BadArgument, BadRun
from curation.metadata import by_language, from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.diff import diff, diff_entries, diff_pairs, entries_only_in, most_changed, open_set, run_set
from curation.runs.export.write import export
from curation.runs.folder import Run
from curation.runs.plan import create_run
from inline import INLINE


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


def test_the_entries_are_compared_without_a_look_at_the_pairs(make_run):
    a, b = make_run(name="a", t=2.0), make_run([*TEXTS[2:], "a unicorn"], name="b", t=2.0)
    whole = diff(run_set(a), run_set(b))
    for path in a.pair_files:
        path.unlink()
    alone = diff_entries(run_set(a), run_set(b))
    assert {name: value for name, value in vars(whole).items() if name != "pairs"} == vars(alone)


def test_entries_stand_in_the_order_of_a_and_behind_them_those_of_b(make_run):
    a, b = make_run(entries=["dog", "cat"], name="a", t=2.0), make_run(entries=["photo", "dog", "a"], name="b", t=2.0)
    found = diff_entries(run_set(a), run_set(b)).entries
    assert found["entry"].to_pylist() == ["dog", "cat", "photo", "a"]
    assert found["count_a"].to_pylist() == [4, 2, 0, 0]
    assert found["count_b"].to_pylist() == [4, 0, 2, 4]


def test_all_entries_that_only_one_side_has_are_given_those_with_most_pairs_first(make_run):
    a = make_run(["dog", "dog", "cat", "cat cow", "x"], ["dog", "cat", "cow", "x"], name="a", t=10.0)
    b = make_run(["x", "bird"], ["x", "bird", "cow"], name="b", t=10.0)
    entries = diff_entries(run_set(a), run_set(b)).entries
    assert entries_only_in(entries, "a")["entry"].to_pylist() == ["cat", "dog", "cow"]
    assert entries_only_in(entries, "b")["entry"].to_pylist() == ["bird"]
    assert entries_only_in(entries, "b", "count")["count_b"].to_pylist() == [1]
    assert most_changed(entries, 1)["entry"].to_pylist() == ["bird"]


def test_an_entry_of_several_languages_is_one_row(tmp_path):
    def run_of(name: str, texts: list[str]) -> Run:
        pq.write_table(
            pa.table({"text": texts, "language": ["en", "de"] * (len(texts) // 2)}), tmp_path / f"{name}.parquet"
        )
        metadata = by_language({"en": from_entries(["dog", "cat"], "x"), "de": from_entries(["dog"], "x")})
        create_run(tmp_path / name, [str(tmp_path / f"{name}.parquet")], metadata, CurateConfig(t=9.0))
        return curate.run(tmp_path / name, INLINE)

    a, b = run_of("a", ["dog", "dog", "cat", "dog"]), run_of("b", ["dog", "dog"])
    found = diff_entries(run_set(a), run_set(b))
    assert found.entries.select(["entry", "count_a", "count_b"]).to_pylist() == [
        {"entry": "dog", "count_a": 3, "count_b": 2},
        {"entry": "cat", "count_a": 1, "count_b": 0},
    ]


def test_random_examples_of_pairs_can_be_looked_up(zipf_run):
    low, high = run_set(zipf_run, 50.0), run_set(zipf_run, 80.0)
    between = uids_below(zipf_run, 80.0) - uids_below(zipf_run, 50.0)
    found = diff_pairs(low, high, examples=12)
    assert (found.only_a, found.only_b) == (0, len(between))
    assert set(found.examples_b) <= between
    assert found.examples_b != sorted(between)[:12]
    pairs = queries.with_uids(zipf_run, found.examples_b)
    assert pairs["uid"].to_pylist() == found.examples_b
    assert all(50.0 <= t_min < 80.0 for t_min in pairs["t_min"].to_pylist())
