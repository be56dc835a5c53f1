import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from clip.training.colours import nano, trained
from curation.clip.checkpoint import WEIGHTS, load_checkpoint
from curation.clip.features import FeatureStore
from curation.clip.training import ready
from curation.clip.training.folder import create_training
from curation.clip.training.locked import locked_features, tower
from curation.clip.training.train import train
from curation.engines import Cancelled
from curation.errors import BadArgument


def weights(training):
    return load_file(training.checkpoint / WEIGHTS)


def moved(training, start):
    """The names of the weights that differ from the start's."""
    before, after = weights(start), weights(training)
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.fixture(scope="module")
def lit(run, decoded, done, tmp_path_factory):
    """A text tower that is trained on to a locked image tower."""
    path = tmp_path_factory.mktemp("lit") / "lit"
    with pytest.MonkeyPatch.context() as workspace:
        workspace.setenv("HEADTAIL_RUNS", str(path.parent / "workspace"))
        return trained(path, run, decoded, samples=160, start=str(done.checkpoint), image_tower="locked")


def test_a_locked_image_tower_stays_as_it_was(lit, done):
    changed = moved(lit, done)
    model = load_checkpoint(str(done.checkpoint)).model
    assert changed and not any(name.startswith("visual.") for name in changed)
    assert changed >= {name for name in tower(model, "text") if name.endswith("weight") and "ln" not in name}
    assert "logit_scale" in changed


def test_a_locked_text_tower_stays_as_it_was(run, decoded, done, tmp_path):
    training = trained(tmp_path / "text", run, decoded, samples=64, start=str(done.path), text_tower="locked")
    changed = moved(training, done)
    assert "visual.proj" in changed
    assert all(name.startswith("visual.") or name == "logit_scale" for name in changed)


def test_looking_features_up_trains_the_same_as_encoding_them_anew(run, decoded, done, lit, tmp_path, monkeypatch):
    def not_cached(start, *arguments, **options):
        return {}

    monkeypatch.setattr(ready, "locked_features", not_cached)
    again = trained(tmp_path / "anew", run, decoded, samples=160, start=str(done.path), image_tower="locked")
    for name, weight in weights(again).items():
        torch.testing.assert_close(weight, weights(lit)[name], rtol=0, atol=2e-4, msg=name)


@pytest.mark.parametrize("side", ["image", "text"])
def test_the_features_of_a_locked_tower_are_those_of_the_checkpoint_and_are_kept(pool, done, tmp_path, side):
    start = load_checkpoint(str(done.checkpoint))
    config = nano(start="somewhere", **{f"{side}_tower": "locked"})
    store = FeatureStore(tmp_path)
    found = locked_features(start, pool, config, store, cancel=lambda: False)
    every = np.arange(len(pool))
    expected = {
        "image": lambda: start.encode_pixels(pool.pixels(every)),
        "text": lambda: start.encode_texts(pool.pairs["text"].to_pylist()),
    }[side]()
    assert list(found) == [side]
    assert (found[side].shape, found[side].dtype) == ((len(pool), 32), np.float32)
    np.testing.assert_allclose(found[side], expected, atol=1e-6)

    class Never:
        digest, encode_texts, encode_pixels = start.digest, None, None

    again = locked_features(Never(), pool, config, FeatureStore(tmp_path), cancel=lambda: False)
    np.testing.assert_array_equal(again[side], found[side])


def test_without_a_locked_tower_nothing_is_encoded(pool, tmp_path):
    assert locked_features(None, pool, nano(), FeatureStore(tmp_path), cancel=lambda: False) == {}


def test_a_fresh_tower_begins_anew_and_the_other_where_it_was(run, decoded, done, tmp_path):
    slow = {"samples": 16, "learning_rate": 1e-9, "start": str(done.path)}
    changed = moved(trained(tmp_path / "fresh", run, decoded, **slow, text_tower="fresh"), done)
    fresh = weights(trained(tmp_path / "again", run, decoded, **slow, text_tower="fresh"))
    other = weights(trained(tmp_path / "other", run, decoded, **slow, text_tower="fresh", seed=1))
    before = weights(done)
    away = {name: float((fresh[name] - before[name]).abs().max()) for name in before}
    assert "token_embedding.weight" in changed and away["token_embedding.weight"] > 0.01
    assert all(distance < 1e-5 for name, distance in away.items() if name.startswith("visual."))
    assert not torch.equal(fresh["token_embedding.weight"], other["token_embedding.weight"])


def test_an_unlocked_start_is_trained_on(run, decoded, done, tmp_path):
    training = trained(tmp_path / "on", run, decoded, samples=64, learning_rate=1e-4, start=str(done.path))
    assert training.totals["loss"] < done.totals["loss"] + 0.3
    assert {"visual.proj", "text_projection"} <= moved(training, done)


def test_the_paths_of_a_plan_are_absolute(run, done, tmp_path, monkeypatch):
    monkeypatch.chdir(done.path.parent)
    config = nano(start=done.path.name, evaluate="eval.parquet")
    training = create_training(tmp_path / "planned", run, config, name="planned")
    assert training.config.start == str(done.path)
    assert training.config.evaluate == str(done.path.parent / "eval.parquet")
    named = create_training(tmp_path / "named", run, nano(start="ViT-B-32/openai"), name="named")
    assert named.config.start == "ViT-B-32/openai"


@pytest.mark.parametrize(
    ("towers", "message"),
    [
        ({"image_tower": "locked", "text_tower": "locked", "start": "x"}, "both towers are locked: nothing is left"),
        ({"image_tower": "locked"}, "a locked tower needs a checkpoint to start from: name it with --start"),
    ],
)
def test_towers_that_cannot_be_are_refused(towers, message):
    with pytest.raises(BadArgument, match=message):
        nano(**towers)


def test_a_training_with_a_locked_tower_goes_on_to_the_same_weights(run, decoded, done, lit, tmp_path):
    path = tmp_path / "stopped"
    create_training(path, run, nano(samples=160, start=str(done.checkpoint), image_tower="locked"), name="stopped")
    steps = []

    def note(progress):
        if progress.phase == "train":
            steps.append(progress.done // 16)

    with pytest.raises(Cancelled):
        train(path, decoded=decoded, on_progress=note, cancel=lambda: 4 in steps)
    stopped = train(path, decoded=decoded)
    assert all(torch.equal(weight, weights(lit)[name]) for name, weight in weights(stopped).items())
