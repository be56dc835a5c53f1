import numpy as np
import open_clip
import pytest
import torch

from clip.tiny import tiny
from curation.clip import zero_shot
from curation.clip.templates import named_templates
from curation.clip.zero_shot import class_embeddings, logits, probabilities
from curation.errors import BadArgument

CLASSNAMES = ["dog", "hot dog", "cat", "fire engine", "red heart", "Müller {0}", "家", "a", "house", "bee", "sun", "tv"]


@pytest.fixture(scope="module")
def model():
    return tiny()


def open_clips(model, classnames, templates):
    """(C, D), as open_clip's own evaluation makes them."""
    calls = [lambda name, one=one: one.replace("{}", name) for one in templates]
    found = open_clip.build_zero_shot_classifier(model.model, model.tokenizer, classnames, calls)
    return found.numpy().T


@pytest.mark.parametrize("name", ["clip80", "simple7", "plain"])
def test_class_embeddings_and_logits_are_those_of_open_clip(model, name):
    templates = named_templates(name)
    theirs = open_clips(model, CLASSNAMES, templates)
    ours = class_embeddings(model, CLASSNAMES, templates)
    assert ours.shape == (12, 32) and ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)

    torch.manual_seed(1)
    pixels = torch.rand(6, 3, 32, 32)
    with torch.no_grad():
        image_features = model.model.encode_image(pixels, normalize=True)
    np.testing.assert_allclose(
        logits(image_features.numpy(), ours, 100.0),
        (100.0 * image_features @ torch.from_numpy(theirs).T).numpy(),
        rtol=0,
        atol=1e-5,
    )


def test_many_texts_go_in_pieces_and_give_the_same(model, monkeypatch):
    templates = named_templates("simple7")
    whole = class_embeddings(model, CLASSNAMES, templates)
    monkeypatch.setattr(zero_shot, "TEXTS_AT_ONCE", 10)  # a class of 7 at a time
    np.testing.assert_allclose(class_embeddings(model, CLASSNAMES, templates), whole, rtol=0, atol=1e-6)
    assert [len(group) for group in zero_shot._chunks([["a"] * 3] * 7 + [["b"] * 30])] == [3, 3, 1, 1]


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
