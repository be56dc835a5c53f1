import numpy as np
import pyarrow as pa
import pytest

from curation import files
from curation.clip.ladder.config import LadderConfig, Rung
from curation.clip.ladder.folder import Ladder
from curation.clip.ladder.summary import Interval, accuracies, by_class, groups, interval, sentence, too_few
from curation.clip.training.config import TrainConfig

LABEL = np.repeat(np.arange(3), 40)
RAW, MATCHED, BALANCED = Rung("raw"), Rung("matched"), Rung("balanced", 20.0)


@pytest.fixture
def ladder(tmp_path) -> Ladder:
    """Three classes of 40 pictures; raw, matched and balanced, two seeds, and balanced is done with the first only."""
    config = LadderConfig(
        t=20.0,
        arms=("raw", "matched", "balanced"),
        seeds=(0, 1),
        train=TrainConfig(evaluate="eval.parquet", samples=2560),
    )
    from dataclasses import asdict

    info = {
        "format": 1, "kind": "ladder", "name": "test", "state": "done", "created": "", "error": None,
        "plan": {"run": "run", "plan_digest": "", "config": asdict(config)},
    }  # fmt: skip
    files.write_json(tmp_path / "ladder.json", info)
    names = {"class": ["dog", "cat", "fish"], "count": [900, 50, 4], "kept": [20, 20, 4]}
    files.write_parquet(
        tmp_path / "classes.parquet", pa.table({**names, "pictures": [40] * 3, "group": ["head", "middle", "tail"]})
    )
    files.write_array(tmp_path / "label.npy", LABEL)
    found = Ladder.open(tmp_path)
    for rung, seed, known in [
        (RAW, 0, (40, 20, 0)), (RAW, 1, (40, 10, 0)), (MATCHED, 0, (40, 20, 4)), (MATCHED, 1, (40, 20, 4)),
        (BALANCED, 0, (30, 24, 20)),
    ]:  # fmt: skip
        right = np.concatenate([np.arange(40) < number for number in known])
        files.write_array(found.folder_of(rung, seed) / "right.npy", right)
    return found


def row(ladder, rung, group):
    return next(row for row in accuracies(ladder).to_pylist() if (row["rung"], row["group"]) == (rung, group))


def test_accuracy_is_the_mean_over_seeds_and_pictures(ladder):
    assert row(ladder, "raw", "all")["accuracy"] == pytest.approx((60 + 50) / 240)
    assert row(ladder, "raw", "middle")["accuracy"] == pytest.approx(30 / 80)
    assert (row(ladder, "raw", "all")["pictures"], row(ladder, "raw", "middle")["pictures"]) == (120, 40)


def test_a_gain_is_over_matched_with_the_seeds_that_both_have(ladder):
    tail = row(ladder, "balanced-t20", "tail")
    assert (tail["seeds"], tail["accuracy"], tail["gain"]) == (1, pytest.approx(20 / 40), pytest.approx(16 / 40))
    assert tail["gain_low"] > 0.2
    assert row(ladder, "matched", "all")["gain"] == row(ladder, "matched", "all")["gain_high"] == 0.0


def test_a_rung_that_is_not_done_has_no_row(ladder):
    (ladder.folder_of(BALANCED, 0) / "right.npy").unlink()
    assert set(accuracies(ladder)["rung"].to_pylist()) == {"raw", "matched"}
    assert set(by_class(ladder)["rung"].to_pylist()) == {"raw", "matched"}


def test_every_class_has_its_accuracy_on_every_rung(ladder):
    found = {(r["class"], r["rung"]): (r["accuracy"], r["count"], r["group"]) for r in by_class(ladder).to_pylist()}
    assert found["cat", "raw"] == (pytest.approx(30 / 80), 50, "middle")
    assert found["fish", "balanced-t20"] == (pytest.approx(0.5), 4, "tail")
    assert len(found) == 9


def test_before_it_begins_a_ladder_has_no_results(tmp_path, ladder):
    (ladder.path / "label.npy").unlink()
    assert len(accuracies(ladder)) == len(by_class(ladder)) == 0


def test_the_interval_holds_the_truth_19_times_in_20():
    rng = np.random.default_rng(0)
    seeds, pictures, times = 8, 300, 2000
    easy = rng.beta(2, 2, (times, 1, pictures))  # how easy a picture is, drawn anew each time: mean 0.5
    luck = rng.normal(0, 0.03, (times, seeds, 1))  # of a seed
    right = rng.random((times, seeds, pictures)) < easy + luck
    inside = sum(found.low <= 0.5 <= found.high for found in map(interval, right.astype(float)))
    # 95 % to within 4 sigma, and a little more: 8 seeds give a normal interval that is somewhat narrow, and the noise
    # of single answers is in both terms, which makes it somewhat wide
    assert 0.92 < inside / times < 0.98


def test_the_interval_of_one_seed_is_that_of_its_pictures():
    values = np.array([[1.0, 1.0, 0.0, 0.0]])
    away = 1.96 * np.sqrt(np.var(values, ddof=1) / 4)
    assert interval(values) == Interval(0.5, pytest.approx(0.5 - away), pytest.approx(0.5 + away))


def test_groups_are_thirds_by_count():
    count = np.array([5, 100, 7, 30, 1, 60, 0, 2, 8])
    assert groups(count).tolist() == ["middle", "head", "middle", "head", "tail", "head", "tail", "tail", "middle"]
    assert groups(np.array([3])).tolist() == ["head"]


def test_a_budget_that_repeats_its_pairs_more_than_12_times_is_said_to_be_too_large():
    assert not too_few(1000, 12_000)
    assert too_few(999, 12_000)


def test_the_verdict_says_what_balancing_did_whichever_way(ladder):
    found = accuracies(ladder)
    assert sentence(found) == (
        "Balanced at t = 20: no difference from matched was found (+8.3 points; 95 % interval -0.5 to +17.2, 1 seed). "
        "Head classes lose 25.0 points (-38.6 to -11.4). Middle classes gain 10.0 points (+0.6 to +19.4). "
        "Tail classes gain 40.0 points (+24.6 to +55.4)."
    )
    better = pa.Table.from_pylist([{**row, "gain_low": 0.02} for row in found.to_pylist()])
    assert sentence(better).startswith(
        "Balanced at t = 20, is 8.3 points better than matched at equal samples seen (95 %"
    )
    worse = pa.Table.from_pylist([{**row, "gain": -0.1, "gain_high": -0.05} for row in found.to_pylist()])
    assert "is 10.0 points worse than matched" in sentence(worse)
    assert sentence(found.filter(pa.compute.equal(found["arm"], "raw"))).startswith(
        "What balancing does can be said once"
    )
