from dataclasses import replace

import pytest
import torch

from clip.models import write_small_checkpoint
from clip.test_bench import PROMPTS, write_set
from curation.clip import datasets
from curation.clip.checkpoint import load_checkpoint
from curation.clip.evaluation import evaluate
from curation.clip.features import FeatureStore
from curation.clip.protocol import Unit, units
from curation.clip.results import measured, read_results
from curation.engines.unit import Cancelled

ZERO_SHOT = units(["zero-shot"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_checkpoint(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def where(tmp_path):
    return {"store": FeatureStore(tmp_path / "features"), "results": tmp_path / "results.parquet"}


@pytest.fixture
def data(tmp_path):
    return datasets.load(write_set(tmp_path / "colours.parquet"))


def test_the_next_checkpoint_is_opened_once_the_one_before_is_done(folder, data, where):
    seen = []

    def opened():
        for seed in (0, 1):
            seen.append(len(measured(where["results"])))
            checkpoint = load_checkpoint(str(folder), device="cpu")
            checkpoint.model.logit_scale += seed
            yield checkpoint

    done = evaluate(opened(), [data], ZERO_SHOT, PROMPTS, **where)
    assert seen == [0, 1]
    assert (done.measured, done.there, len(done.checkpoints)) == (2, 0, 2)


def test_after_a_stop_it_goes_on_where_it_stood(folder, data, where):
    checkpoint = load_checkpoint(str(folder), device="cpu")
    wanted = units(["zero-shot", "probe"], [5], [0, 1])
    stop = lambda: len(measured(where["results"])) == 2  # noqa: E731
    with pytest.raises(Cancelled):
        evaluate([checkpoint], [data], wanted, PROMPTS, cancel=stop, **where)
    done = evaluate([checkpoint], [data], wanted, PROMPTS, **where)
    assert (done.measured, done.there) == (1, 2)
    assert len(read_results(where["results"])) == 3 * 3
    assert [key.seed for key in measured(where["results"]) if key.protocol == "probe"] in ([0, 1], [1, 0])


def test_a_checkpoint_that_answers_otherwise_than_it_did_is_noted(folder, data, where):
    checkpoint = load_checkpoint(str(folder), device="cpu")
    with torch.no_grad():
        checkpoint.model.visual.proj *= torch.linspace(-1, 1, 32)
    done = evaluate([replace(checkpoint, name="bent")], [data], ZERO_SHOT, PROMPTS, **where)
    (note,) = done.notes
    assert note.startswith("bent: fails its self-test (")
    assert done.measured == 1


def test_units_of_one_set_do_not_keep_another_from_its_own(folder, data, tmp_path, where):
    bare = datasets.load(write_set(tmp_path / "bare.parquet", text=None))
    done = evaluate(
        [load_checkpoint(str(folder), device="cpu")], [bare, data], [Unit("retrieval", 0, None)], PROMPTS, **where
    )
    assert done.measured == 1
    assert done.notes == ("bare: retrieval left out: its pictures have no captions",)
