import numpy as np
import open_clip
import pytest
import torch

from clip.models import write_small_checkpoint
from curation.clip import zero_shot
from curation.clip.checkpoint import load_checkpoint
from curation.clip.features import FeatureStore
from curation.clip.templates import named_templates, prompts
from curation.clip.zero_shot import class_embeddings, logits, probabilities
from curation.errors import BadArgument

CLASSNAMES = ["dog", "hot dog", "cat", "fire engine", "red heart", "Müller {0}", "家", "a", "house", "bee", "sun", "tv"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_checkpoint(str(write_small_checkpoint(tmp_path_factory.mktemp("clip") / "small")))


def open_clips(model, classnames, templates):
    """(C, D), as open_clip's own evaluation makes them."""
    calls = [lambda name, one=one: one.replace("{}", name) for one in templates]
    found = open_clip.build_zero_shot_classifier(model.model, model.tokenizer, classnames, calls, device=model.device)
    return found.cpu().numpy().T


@pytest.mark.parametrize("name", ["clip80", "simple7", "plain"])
def test_class_embeddings_and_logits_are_those_of_open_clip(model, name):
    templates = named_templates(name)
    theirs = open_clips(model, CLASSNAMES, templates)
    ours = class_embeddings(model, CLASSNAMES, templates)
    assert ours.shape == (12, 32) and ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)

    torch.manual_seed(1)
    pixels = torch.rand(6, 3, 32, 32).to(model.device)
    with torch.no_grad():
        image_features = model.model.encode_image(pixels, normalize=True).cpu()
    scale = model.logit_scale
    their_logits = (scale * image_features @ torch.from_numpy(theirs).T).numpy()
    np.testing.assert_allclose(logits(image_features.numpy(), ours, scale), their_logits, rtol=0, atol=1e-5)


def test_classes_go_in_groups_and_give_the_same(model, monkeypatch):
    whole = class_embeddings(model, CLASSNAMES, named_templates("simple7"))
    monkeypatch.setattr(zero_shot, "CLASSES_AT_ONCE", 5)
    found = class_embeddings(model, CLASSNAMES, named_templates("simple7"))
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-6)


class Counting:
    """A text tower that counts what it is asked for."""

    def __init__(self, model, digest="a"):
        self.digest, self.texts, self._model = digest, [], model

    def encode_texts(self, texts, batch=256):
        self.texts += texts
        return self._model.encode_texts(texts, batch)


def test_kept_classes_are_found_again_by_checkpoint_name_and_templates(model, tmp_path):
    store, counting, templates = FeatureStore(tmp_path), Counting(model), named_templates("simple7")
    fresh = class_embeddings(model, CLASSNAMES, templates)
    np.testing.assert_allclose(class_embeddings(counting, CLASSNAMES, templates, store), fresh, rtol=0, atol=1e-6)
    assert len(counting.texts) == 12 * 7

    again = class_embeddings(counting, ["sun", "moon", "dog"], templates, FeatureStore(tmp_path))
    np.testing.assert_allclose(again[[0, 2]], fresh[[10, 0]], rtol=0, atol=1e-6)
    assert counting.texts[12 * 7 :] == prompts(["moon"], templates)[0]

    class_embeddings(counting, ["dog"], ["{}"], store)
    class_embeddings(Counting(model, "b"), ["dog"], templates, store)
    assert counting.texts[13 * 7 :] == ["dog"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_an_ensemble_of_its_own_is_the_mean_of_its_own_texts(model):
    own = {"dog": ["a {}", "it barks"], "cat": ["it purrs"]}
    dog, cat = class_embeddings(model, ["dog", "cat"], own)
    a, barks, purrs = model.encode_texts(["a dog", "it barks", "it purrs"])
    np.testing.assert_allclose(dog, (a + barks) / np.linalg.norm(a + barks), atol=1e-6)
    np.testing.assert_allclose(cat, purrs, atol=1e-6)


def test_without_a_class_there_is_nothing_to_choose_from(model):
    with pytest.raises(BadArgument, match="no class: give at least one name"):
        class_embeddings(model, [], ["{}"])


def test_probabilities_are_a_softmax_of_the_logits():
    assert probabilities(np.log([[1.0, 3.0], [2.0, 2.0]])).round(12).tolist() == [[0.25, 0.75], [0.5, 0.5]]
    assert probabilities(np.array([[3000.0, 0.0, 0.0]])).tolist() == [[1.0, 0.0, 0.0]]
