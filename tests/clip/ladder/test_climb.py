"""A ladder on a small pool, trained for real: the nano model, a few steps."""

from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.clip.ladder.climb import climb
from curation.clip.ladder.config import LadderConfig
from curation.clip.ladder.folder import Ladder, create_ladder
from curation.clip.ladder.summary import accuracies
from curation.clip.training.config import TrainConfig
from curation.clip.training.folder import Training, read_metrics
from curation.engines import Cancelled
from curation.errors import BadRun
from pictures import picture

CLASSES = ["w1", "w3", "w11"]


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    path = tmp_path_factory.mktemp("eval") / "eval.parquet"
    numbers = [number for number in range(12) if number % 40 != 3 and number % 90 != 5]
    table = {"image": [picture(number) for number in numbers], "label": [CLASSES[n % 3] for n in numbers]}
    pq.write_table(pa.table(table), path)
    return path


def small(evaluation, **changed) -> LadderConfig:
    train = TrainConfig(
        model="headtail-nano", samples=96, batch_size=16, evaluate=str(evaluation), evaluations=1, learning_rate=1e-3
    )
    return LadderConfig(**({"t": 20.0, "arms": ("matched", "balanced"), "seeds": (0, 1), "train": train} | changed))


@pytest.fixture(scope="module")
def climbed(picture_run, evaluation, tmp_path_factory) -> Ladder:
    folder = tmp_path_factory.mktemp("ladder")
    create_ladder(folder / "ladder", picture_run, small(evaluation), name="small")
    return climb(folder / "ladder", decoded=folder / "decoded")


def test_every_rung_sees_equally_many_samples(climbed):
    trainings = [climbed.training(rung, seed) for rung, seed in climbed.config.trainings]
    assert climbed.state == "done"
    assert [training.totals["samples"] for training in trainings] == [96] * 4
    assert [training.config.arm for training in trainings] == ["matched", "balanced"] * 2
    assert [training.config.seed for training in trainings] == [0, 0, 1, 1]


def test_the_classes_are_in_thirds_by_their_texts_in_the_pool(climbed, picture_run):
    counts = dict(zip(picture_run.entries["entry"].to_pylist(), picture_run.entries["count"].to_pylist(), strict=True))
    rows = {row["class"]: row for row in climbed.classes.to_pylist()}
    assert {name: row["count"] for name, row in rows.items()} == {name: counts[name] for name in CLASSES}
    assert [rows[name]["group"] for name in CLASSES] == ["head", "middle", "tail"]
    assert sum(row["pictures"] for row in rows.values()) == len(climbed.label) == 10


def test_accuracy_is_what_the_checkpoints_get_right(climbed):
    rows = {row["rung"]: row for row in accuracies(climbed).to_pylist() if row["group"] == "all"}
    for rung in climbed.config.rungs:
        right = [climbed.right(rung, seed) for seed in (0, 1)]
        assert rows[rung.key]["accuracy"] == pytest.approx(np.mean(right))
        assert rows[rung.key]["seeds"] == 2
        # the curve of the training ends with the same accuracy
        assert read_metrics(climbed.folder_of(rung, 0))[-1]["top1"] == pytest.approx(right[0].mean())
    assert rows["balanced-t20"]["passes"] == pytest.approx(96 / rows["balanced-t20"]["items"])


def test_a_ladder_that_is_done_is_not_climbed_again(climbed, tmp_path):
    before = (climbed.path / "ladder.json").stat().st_mtime_ns
    climb(climbed.path, decoded=tmp_path)
    assert (climbed.path / "ladder.json").stat().st_mtime_ns == before


def test_a_cancelled_ladder_goes_on_where_it_was(picture_run, evaluation, tmp_path, climbed):
    config = small(evaluation, seeds=(0,))
    create_ladder(tmp_path / "ladder", picture_run, config, name="stopped")
    first = Ladder.open(tmp_path / "ladder").folder_of(*config.trainings[0])

    def after_the_first() -> bool:
        return (first / "right.npy").is_file()

    with pytest.raises(Cancelled):
        climb(tmp_path / "ladder", decoded=tmp_path / "decoded", cancel=after_the_first)
    stopped = Ladder.open(tmp_path / "ladder")
    assert stopped.state == "cancelled"
    assert {row["rung"] for row in accuracies(stopped).to_pylist()} == {"matched"}
    begun = Training.open(first).info
    ended = climb(tmp_path / "ladder", decoded=tmp_path / "decoded")
    assert (ended.state, Training.open(first).info) == ("done", begun)
    for rung in config.rungs:  # as one that was not disturbed
        assert np.array_equal(ended.right(rung, 0), climbed.right(rung, 0))


def test_another_run_in_the_place_of_the_first_is_refused(picture_run, evaluation, tmp_path):
    made = create_ladder(tmp_path / "ladder", picture_run, small(evaluation), name="moved")
    made.info["plan"]["plan_digest"] = "another"
    made.set_state("planned", None)
    with pytest.raises(BadRun, match="another run than this ladder"):
        climb(tmp_path / "ladder", decoded=tmp_path / "decoded")
    assert Ladder.open(tmp_path / "ladder").info["error"].endswith("plan a new one")


def test_a_second_ladder_does_not_overwrite_the_first(climbed, picture_run, evaluation):
    with pytest.raises(BadRun, match="a ladder is here already"):
        create_ladder(climbed.path, picture_run, small(evaluation), name="again")
    assert Ladder.all_in(climbed.path.parent)[0].info["plan"] == climbed.info["plan"]
    assert LadderConfig(**asdict(climbed.config)) == climbed.config
