import json
from dataclasses import asdict

import pytest

from curation.clip.ladder.config import LadderConfig, preset
from curation.clip.training.config import TrainConfig
from curation.errors import BadArgument

TRAIN = TrainConfig(evaluate="eval.parquet", samples=512)


def test_the_quick_ladder_trains_each_arm_once():
    config = preset(20, "eval.parquet", full=False, samples=512)
    assert [(rung.key, seed) for rung, seed in config.trainings] == [
        ("raw", 0), ("english", 0), ("matched", 0), ("balanced-t20", 0), ("online-t20", 0)
    ]  # fmt: skip
    assert config.samples == 5 * 512


def test_the_full_ladder_has_three_seeds_and_a_sweep_over_t_all_rungs_of_a_seed_first():
    config = preset(50, "eval.parquet", full=True)
    keys = ["raw", "english", "matched", "balanced-t50", "online-t50"]
    keys += ["balanced-t5", "balanced-t15", "balanced-t150", "balanced-t500"]
    assert [rung.key for rung in config.rungs] == keys
    assert [(rung.key, seed) for rung, seed in config.trainings] == [(key, seed) for seed in (0, 1, 2) for key in keys]


def test_a_sweep_does_not_fall_below_a_t_of_1():
    assert [rung.t for rung in preset(2, "eval.parquet", full=True).rungs[3:]] == [2.0, 2.0, 1.0, 6.0, 20.0]


def test_all_trainings_differ_in_arm_t_and_seed_only():
    config = LadderConfig(t=20.0, seeds=(4,), train=TRAIN)
    of = {rung.key: config.of(rung, 4) for rung in config.rungs}
    assert (of["raw"].arm, of["raw"].t, of["raw"].seed) == ("raw", None, 4)
    assert (of["online-t20"].arm, of["online-t20"].t) == ("online", 20.0)
    assert {config.samples for config in of.values()} == {512}


def test_the_configuration_comes_back_from_json_as_it_was():
    config = preset(50, "eval.parquet", full=True, batch_size=64)
    assert LadderConfig(**json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"arms": ("raw", "best")}, "arm 'best': give one of raw, english"),
        ({"arms": ("raw", "raw")}, "give each once"),
        ({"seeds": ()}, "seeds none"),
        ({"t": 0.5}, "t 0.5: give a number from 1 up"),
        ({"sweep": (0.2,)}, r"t 0\.2"),
        ({"train": TrainConfig()}, "name an evaluation set"),
    ],
)
def test_what_cannot_be_climbed_is_refused_in_words(given, told):
    with pytest.raises(BadArgument, match=told):
        LadderConfig(**({"t": 20.0, "train": TRAIN} | given))
