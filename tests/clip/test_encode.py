import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from clip.models import TEXTS, on_cuda, small_cfg
from curation.clip import encode
from curation.clip.architectures import new_model
from curation.clip.checkpoint import preprocess_cfg_of
from curation.clip.encode import Preprocess, text_features
from curation.clip.tokenizers import learn_merges, tokenizer_of

LONG = "a very long text about dog and cat and house and trees and palm and mat, longer than the context"


@pytest.fixture(scope="module")
def tokens() -> torch.Tensor:
    cfg = small_cfg()
    return tokenizer_of(cfg, "", learn_merges(TEXTS, 560))([*TEXTS, "", LONG, "dog", "cat"])


@pytest.mark.parametrize("text_cfg", [{}, {"no_causal_mask": True}, {"pool_type": "last"}, {"proj_bias": True}])
def test_text_features_are_those_of_open_clip_whatever_the_tower(tokens, text_cfg):
    torch.manual_seed(0)
    model = new_model(small_cfg(**text_cfg)).eval()
    with torch.no_grad():
        expected = model.encode_text(tokens, normalize=True)
        assert torch.allclose(text_features(model, tokens), expected, atol=1e-6)
        assert torch.allclose(text_features(model, tokens[:1]), expected[:1], atol=1e-6)


@pytest.mark.parametrize("pieces", [1, 3, 4])
def test_text_features_have_the_gradients_of_open_clip_in_any_number_of_pieces(tokens, pieces, monkeypatch):
    monkeypatch.setattr(encode, "TEXT_PIECES", pieces)
    torch.manual_seed(0)
    model = new_model(small_cfg())
    gradients = []
    for features in (lambda: text_features(model, tokens), lambda: model.encode_text(tokens, normalize=True)):
        model.zero_grad()
        (features() * torch.arange(32)).sum().backward()
        gradients.append(model.token_embedding.weight.grad.clone())
    size = gradients[1].abs().max()
    assert size > 0.1
    assert (gradients[0] - gradients[1]).abs().max() < 1e-4 * size


def pieces_on(device, tokens, monkeypatch):
    """How many texts each piece has that goes through the tower."""
    sizes, cut = [], encode._cut_text_features
    monkeypatch.setattr(encode, "_cut_text_features", lambda model, part: sizes.append(len(part)) or cut(model, part))
    text_features(new_model(small_cfg()).to(device), tokens.to(device))
    return sizes


def test_on_the_processor_texts_go_in_four_pieces(tokens, monkeypatch):
    assert pieces_on("cpu", tokens, monkeypatch) == [2, 2, 2, 2]


@on_cuda
def test_on_cuda_texts_go_in_one_piece(tokens, monkeypatch):
    assert pieces_on("cuda", tokens, monkeypatch) == [8]


def test_pixels_and_tensor_together_are_the_transform_of_open_clip():
    cfg = preprocess_cfg_of(small_cfg())
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (50, 90, 3), dtype=np.uint8))
    preprocess = Preprocess(cfg)
    ours = preprocess.tensor(torch.from_numpy(preprocess.pixels(picture))[None])
    theirs = open_clip.transform.image_transform_v2(open_clip.transform.PreprocessCfg(**cfg), is_train=False)(picture)
    assert preprocess.size == (32, 32)
    assert torch.allclose(ours[0], theirs, atol=1e-6)


@pytest.mark.parametrize("size", [(2, 30_000), (30_000, 3)])
def test_of_a_picture_like_a_thread_only_the_middle_is_made_large(size, monkeypatch):
    colours = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    preprocess, picture = Preprocess(preprocess_cfg_of(small_cfg())), Image.fromarray(colours)
    ours = preprocess.pixels(picture)
    monkeypatch.setattr(encode, "MOST_STRETCHED", 30_000)  # what it comes to without: half a second, at 32 pixels
    theirs = preprocess.pixels(picture)
    assert ours.shape == (32, 32, 3)
    assert theirs.std() > 20
    assert np.abs(ours.astype(int) - theirs).max() <= 1  # where a pixel begins may round otherwise
