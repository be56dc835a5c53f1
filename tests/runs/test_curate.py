import hashlib
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import reference
from conftest import ENTRIES, TEXTS, ZIPF_ENTRIES, write_damaged_pool, write_pool, zipf_texts
from curation.engines import Cancelled
from curation.errors import BadArgument, BadRun, UnreadableFile
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.folder import list_runs, lock, open_finished_run, open_run, write_info
from curation.runs.plan import create_run
from inline import INLINE, LOCAL


def pairs(run) -> pa.Table:
    """All pairs, in the order of the pool: its uids ascend."""
    return pa.concat_tables(pq.read_table(path) for path in run.pair_files).sort_by("uid")


def fates(run) -> bytes:
    """(uid, t_min) of all pairs by uid, byte for byte."""
    rows = sorted(zip(pairs(run)["uid"].to_pylist(), pairs(run)["t_min"].to_pylist(), strict=True))
    return repr([(uid, t_min.hex()) for uid, t_min in rows]).encode()


def planned(tmp_path, texts=TEXTS, entries=ENTRIES, name="run", **config):
    pool = write_pool(tmp_path / "pool.parquet", texts, row_group_size=100)
    return create_run(tmp_path / name, [str(pool)], from_entries(entries, source="test"), CurateConfig(**config))


def test_a_run_counts_and_matches_as_the_oracle_does(make_run):
    run = make_run()
    matched = [reference.matched_entry_ids(text, ENTRIES) for text in TEXTS]
    assert pairs(run)["matched_entry_ids"].to_pylist() == matched
    assert run.entries["count"].to_pylist() == reference.entry_counts(matched, len(ENTRIES))
    assert run.entries["entry"].to_pylist() == ENTRIES
    kept = sum(t_min < 2.0 for t_min in pairs(run)["t_min"].to_pylist())
    assert run.info["totals"] == {
        "rows": 8,
        "pairs": 8,
        "matched": 6,
        "matches": sum(map(len, matched)),
        "t": 2.0,
        "kept": kept,
    }


def test_frozen_fates_of_a_small_pool(make_run):
    assert hashlib.sha256(fates(make_run())).hexdigest() == (
        "a79fe85f98edaaf602427c279d05320e3c339aa88b3122d20bc5e420bbdf9811"
    )


@pytest.mark.parametrize("engine", [INLINE, LOCAL])
@pytest.mark.parametrize("files", [1, 7])
def test_fates_do_not_depend_on_workers_or_on_how_the_pool_is_split(tmp_path, zipf_run, monkeypatch, engine, files):
    monkeypatch.setattr(plan, "UNIT_ROWS", 500)
    texts = zipf_texts(4000)
    each = -(-len(texts) // files)
    for at in range(files):
        write_pool(tmp_path / "pool" / f"{at}.parquet", texts[at * each : (at + 1) * each], 150 + at, first=at * each)
    metadata = from_entries(ZIPF_ENTRIES, source="test")
    create_run(tmp_path / "run", [str(tmp_path / "pool")], metadata, CurateConfig(t=100.0))
    run = curate.run(tmp_path / "run", engine)
    assert len(run.info["plan"]["units"]) >= 7
    assert fates(run) == fates(zipf_run)
    assert run.curves.kept.tolist() == zipf_run.curves.kept.tolist()
    assert run.curves.entry_kept.tolist() == zipf_run.curves.entry_kept.tolist()


def test_fates_do_not_depend_on_the_order_of_pairs_or_of_entries(make_run):
    run = make_run(zipf_texts(300), ZIPF_ENTRIES, t=10.0)
    kept = dict(zip(pairs(run)["uid"].to_pylist(), pairs(run)["t_min"].to_pylist(), strict=True))
    turned = make_run(zipf_texts(300), ZIPF_ENTRIES[::-1], name="turned", t=10.0)
    assert kept == dict(zip(pairs(turned)["uid"].to_pylist(), pairs(turned)["t_min"].to_pylist(), strict=True))


def test_another_seed_is_another_draw(make_run):
    one, other = (make_run(zipf_texts(300), ZIPF_ENTRIES, name=f"seed{seed}", t=10.0, seed=seed) for seed in (0, 1))
    assert fates(one) != fates(other)


def test_the_funnel_adds_up_and_names_every_loss(make_run):
    run = make_run(["a dog", None, "nothing", None, "cat", ""])
    read, match, balance = run.info["funnel"]
    assert read == {"step": "read", "in": 6, "out": 4, "dropped": {"text is null": 2}}
    assert match == {"step": "match", "in": 4, "out": 2, "dropped": {"no entry matches": 2}}
    assert balance["in"] == balance["out"] + balance["dropped"]["balanced away"] == 2


@pytest.mark.parametrize("size", [200, 777, 4000])
def test_a_size_gives_a_threshold_that_keeps_exactly_so_many(make_run, size):
    run = make_run(zipf_texts(4000), ZIPF_ENTRIES, size=size)
    kept = sum(t_min < run.t for t_min in pairs(run)["t_min"].to_pylist())
    assert run.info["totals"]["kept"] == kept == size


def test_without_a_choice_the_tail_share_is_the_papers_6_percent(make_run):
    run = make_run(zipf_texts(4000), ZIPF_ENTRIES, seed=0)
    shares = dict(zip(run.curves.grid.tolist(), run.curves.tail_share.tolist(), strict=True))
    assert abs(shares[run.t] - 0.06) <= min(abs(share - 0.06) for share in shares.values())


def test_a_size_that_no_threshold_gives_fails_with_the_range_and_leaves_the_reason(tmp_path):
    planned(tmp_path, size=7)
    with pytest.raises(BadArgument, match="size 7"):
        curate.run(tmp_path / "run", INLINE)
    run = open_run(tmp_path / "run")
    assert run.state == "failed"
    assert "size 7" in run.info["error"]


def test_a_folder_with_something_in_it_is_not_touched(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("precious")
    with pytest.raises(BadRun, match="exists already"):
        planned(tmp_path, t=2.0)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine.txt"]


def test_a_cancelled_run_goes_on_where_it_stopped(tmp_path, zipf_run, monkeypatch):
    monkeypatch.setattr(plan, "UNIT_ROWS", 500)
    planned(tmp_path, zipf_texts(4000), ZIPF_ENTRIES, t=100.0)
    seen = []
    with pytest.raises(Cancelled):
        curate.run(
            tmp_path / "run",
            INLINE,
            on_progress=seen.append,
            cancel=lambda: seen[-1].phase == "balance" and seen[-1].done > 900 if seen else False,
        )
    assert open_run(tmp_path / "run").state == "cancelled"
    done = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run" / "pairs").glob("*.parquet")}
    assert 0 < len(done) < 8
    run = curate.run(tmp_path / "run", INLINE)
    assert run.state == "done"
    assert fates(run) == fates(zipf_run)
    assert all((run.path / "pairs" / name).stat().st_mtime_ns == when for name, when in done.items())


def test_a_cancel_file_stops_the_job_and_the_next_one_is_not_stopped_by_it(tmp_path):
    planned(tmp_path, t=2.0)
    (tmp_path / "run" / "cancel").touch()
    assert curate.run(tmp_path / "run", INLINE).state == "done"


@pytest.mark.parametrize("damage", ["flip", "truncate", "receipt", "foreign receipt"])
def test_a_part_that_does_not_fit_its_receipt_is_done_again(tmp_path, zipf_run, monkeypatch, damage):
    monkeypatch.setattr(plan, "UNIT_ROWS", 500)
    planned(tmp_path, zipf_texts(4000), ZIPF_ENTRIES, t=100.0)
    seen = []
    with pytest.raises(Cancelled):
        curate.run(
            tmp_path / "run",
            INLINE,
            on_progress=seen.append,
            cancel=lambda: bool(seen) and (seen[-1].phase, seen[-1].done) == ("balance", 4000),
        )
    part = tmp_path / "run" / "pairs" / "00003.parquet"
    data, receipt = bytearray(part.read_bytes()), part.with_suffix(".json")
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "truncate":
        del data[100:]
    elif damage == "receipt":
        receipt.write_text("{")
    else:
        receipt.write_text(json.dumps(json.loads(receipt.read_text()) | {"plan_digest": "of another plan"}))
    part.write_bytes(data)
    assert fates(curate.run(tmp_path / "run", INLINE)) == fates(zipf_run)


def test_an_input_that_changed_or_vanished_is_refused_by_name(tmp_path):
    planned(tmp_path, t=2.0)
    write_pool(tmp_path / "pool.parquet", [*TEXTS, "one more"])
    with pytest.raises(BadRun, match=r"pool\.parquet has changed"):
        curate.run(tmp_path / "run", INLINE)
    (tmp_path / "pool.parquet").unlink()
    with pytest.raises(BadRun, match=r"pool\.parquet is gone"):
        curate.run(tmp_path / "run", INLINE)


def test_a_plan_that_was_edited_or_made_by_another_version_is_refused(tmp_path, monkeypatch):
    planned(tmp_path, t=2.0)
    path = tmp_path / "run" / "run.json"
    before = path.read_text()
    path.write_text(before.replace('"seed": 0', '"seed": 1'))
    with pytest.raises(BadRun, match="was changed after the run began"):
        curate.run(tmp_path / "run", INLINE)
    path.write_text(before)
    monkeypatch.setattr("curation.__version__", "99.0")
    with pytest.raises(BadRun, match=r"this is 99\.0"):
        curate.run(tmp_path / "run", INLINE)


def test_two_jobs_on_one_run_are_one_job(tmp_path):
    run = planned(tmp_path, t=2.0)
    with lock(run.path), pytest.raises(BadRun, match="another process"):
        curate.run(run.path, INLINE)


def test_a_running_state_without_a_living_job_reads_as_interrupted(tmp_path):
    run = planned(tmp_path, t=2.0)
    write_info(run.path, run.info | {"state": "running"})
    assert open_run(run.path).state == "interrupted"
    with lock(run.path):
        assert open_run(run.path).state == "running"
    with pytest.raises(BadRun, match="the run is interrupted"):
        open_finished_run(run.path)
    assert curate.run(run.path, INLINE).state == "done"


def test_a_damaged_input_fails_the_run_in_one_line(tmp_path):
    path = write_damaged_pool(tmp_path / "pool.parquet")
    run = create_run(tmp_path / "run", [str(path)], from_entries(["text"], source="test"), CurateConfig(t=2.0))
    with pytest.raises(UnreadableFile, match="damaged near row 0"):
        curate.run(run.path, INLINE)
    assert open_run(run.path).info["error"].startswith(str(path))


def test_a_finished_run_holds_its_files_and_no_others(make_run):
    run = make_run()
    names = sorted(str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file())
    assert names == [
        *sorted(f"curves/{name}.npy" for name in (
            "entries_covered", "entry_kept", "expected", "grid", "kept", "kept_tail_share",
            "ranked_entry_count", "ranked_entry_id", "sigma", "sketch_kept", "sketch_kept_matches", "sketch_rank",
            "sketch_summed", "tail_share",
        )),
        "entries.parquet", "lock", "log.txt", "pairs/00000.json", "pairs/00000.parquet", "progress.json",
        "rare/offsets.npy", "rare/places.npy", "run.json",
    ]  # fmt: skip


def test_progress_counts_every_phase_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "UNIT_ROWS", 500)
    planned(tmp_path, zipf_texts(2000), ZIPF_ENTRIES, t=100.0)
    seen = []
    curate.run(tmp_path / "run", INLINE, on_progress=seen.append)
    last = {progress.phase: (progress.done, progress.total) for progress in seen}
    assert last == dict.fromkeys(("match", "balance", "curves"), (2000, 2000))
    assert Counter(progress.phase for progress in seen)["match"] >= 4


def test_runs_are_listed_newest_first_and_strangers_passed_over(tmp_path, make_run):
    make_run(name="one")
    make_run(name="two")
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage" / "run.json").write_text("{")
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "run.json").write_text('{"format": 1, "state": "done"}')
    with pytest.raises(BadRun, match=r"lacks created, damage, funnel, kind, name, .* totals, unit_pairs;"):
        open_run(tmp_path / "hollow")
    (tmp_path / "future").mkdir()
    (tmp_path / "future" / "run.json").write_text('{"format": 99}')
    assert {run.path.name for run in list_runs(tmp_path)} == {"one", "two"}
    assert list_runs(tmp_path / "missing") == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"t": 0.5}, "t 0.5: give a number from 1 up"),
        ({"t": float("nan")}, "t nan"),
        ({"t": float("inf")}, "t inf"),
        ({"size": 0}, "size 0"),
        ({"tail_share": 1.5}, "tail share 1.5: give a number from 0 to 1"),
        ({"seed": -1}, "seed -1"),
        ({"t": 5.0, "size": 3}, "t and size were given: choose one"),
    ],
)
def test_a_bad_configuration_is_one_clear_line(config, message):
    with pytest.raises(BadArgument) as caught:
        CurateConfig(**config)
    assert message in str(caught.value)
