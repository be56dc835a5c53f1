import copy
import math

import open_clip
import pytest
import torch
from torch.nn import functional

from clip.models import small_cfg
from clip.training.colours import nano
from curation.clip.architectures import named_cfg, new_model
from curation.clip.encode import text_features
from curation.clip.training.objective import MOST_LOGIT_SCALE, backward, info_nce, learning_rate, optimizer_of


def features(rows=12, dimensions=8, seed=0):
    torch.manual_seed(seed)
    return [functional.normalize(torch.randn(rows, dimensions), dim=-1) for _ in range(2)]


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_the_loss_is_that_of_open_clip(scale):
    images, texts = features()
    ours = info_nce(images, texts, torch.tensor(scale))
    theirs = open_clip.ClipLoss()(images, texts, torch.tensor(scale))
    assert float(ours) == pytest.approx(float(theirs), abs=1e-6)


def test_the_loss_is_the_mean_of_both_cross_entropies():
    images, texts = features(rows=5)
    logits = (3.0 * images.double() @ texts.double().T).tolist()
    rows = [-math.log(math.exp(logits[i][i]) / sum(math.exp(logits[i][j]) for j in range(5))) for i in range(5)]
    columns = [-math.log(math.exp(logits[i][i]) / sum(math.exp(logits[j][i]) for j in range(5))) for i in range(5)]
    assert float(info_nce(images, texts, torch.tensor(3.0))) == pytest.approx((sum(rows) + sum(columns)) / 10, abs=1e-6)


def test_equal_features_give_the_logarithm_of_the_batch():
    same = torch.ones(16, 4) / 2
    assert float(info_nce(same, same, torch.tensor(50.0))) == pytest.approx(math.log(16), abs=1e-6)


def parts_of(model, images, tokens, parts):
    size = len(images) // parts

    def encode(at):
        one = slice(at, at + size)
        return model.encode_image(images[one], normalize=True), text_features(model, tokens[one])

    return [lambda at=at: encode(at) for at in range(0, len(images), size)]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return new_model(small_cfg())


@pytest.fixture(scope="module")
def batch():
    """12 pictures, and texts of different lengths: the end of a text is the highest token."""
    torch.manual_seed(1)
    tokens = torch.randint(1, 500, (12, 16))
    for row, length in enumerate(torch.randint(2, 16, (12,)).tolist()):
        tokens[row, length:] = 0
        tokens[row, length - 1] = 559
    return torch.randn(12, 3, 32, 32), tokens


@pytest.mark.parametrize("parts", [2, 3, 4, 12])
def test_a_batch_in_parts_has_the_loss_and_the_gradients_of_one_piece(model, batch, parts):
    whole, cut = copy.deepcopy(model), copy.deepcopy(model)
    of_whole = backward(parts_of(whole, *batch, 1), whole.logit_scale)
    of_cut = backward(parts_of(cut, *batch, parts), cut.logit_scale)
    assert float(of_cut) == pytest.approx(float(of_whole), abs=1e-5)
    for (name, ours), theirs in zip(cut.named_parameters(), whole.parameters(), strict=True):
        assert ours.grad is not None, name
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_the_gradients_are_those_of_open_clip_on_its_own_forward(model, batch):
    ours, theirs = copy.deepcopy(model), copy.deepcopy(model)
    backward(parts_of(ours, *batch, 3), ours.logit_scale)
    out = theirs(*batch)
    image_features, of_texts, scale = (
        (out[name] for name in ("image_features", "text_features", "logit_scale")) if isinstance(out, dict) else out
    )
    open_clip.ClipLoss()(image_features, of_texts, scale).backward()
    for (name, mine), their in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, their.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_in_parts_a_side_without_gradients_is_left_alone(model, batch):
    locked = copy.deepcopy(model)
    locked.visual.requires_grad_(False)
    images = functional.normalize(torch.randn(12, 32), dim=-1)
    parts = [lambda at=at: (images[at : at + 6], text_features(locked, batch[1][at : at + 6])) for at in (0, 6)]
    backward(parts, locked.logit_scale)
    assert all(weight.grad is None for weight in locked.visual.parameters())
    assert locked.text_projection.grad is not None and locked.logit_scale.grad is not None


@pytest.mark.parametrize(("samples", "warmup"), [(1600, 0.1), (160, 0.0), (160, 1.0), (1000, 0.25), (16, 0.5)])
def test_the_learning_rate_is_that_of_open_clip(samples, warmup):
    scheduler = pytest.importorskip("open_clip_train.scheduler")
    config = nano(samples=samples, warmup=warmup, learning_rate=0.002)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    adjust = scheduler.cosine_lr(optimizer, 0.002, round(warmup * config.steps), config.steps)
    for step in range(config.steps):
        assert learning_rate(step, config) == pytest.approx(adjust(step), abs=1e-12)


@pytest.mark.parametrize("name", ["headtail-tiny", "ViT-B-32", "RN50"])
def test_what_decays_is_what_decays_in_open_clip(name):
    cfg = small_cfg() if name == "headtail-tiny" else named_cfg(name)
    with torch.device("meta"):
        model = new_model(cfg)
    ours = optimizer_of(model, nano(weight_decay=0.3))
    names = {id(weight): key for key, weight in model.named_parameters()}
    decays = {
        names[id(weight)] for group in ours.param_groups if group["weight_decay"] == 0.3 for weight in group["params"]
    }
    every = {key for key, _ in model.named_parameters()}
    # the words of open_clip_train.main: gains and biases
    gain_or_bias = {
        key for key, weight in model.named_parameters()
        if weight.ndim < 2 or "bn" in key or "ln" in key or "bias" in key or "logit_scale" in key
    }  # fmt: skip
    assert decays == every - gain_or_bias
    assert {names[id(weight)] for group in ours.param_groups for weight in group["params"]} == every


def test_locked_weights_are_not_in_the_optimiser(model):
    locked = copy.deepcopy(model)
    locked.visual.requires_grad_(False)
    trained = {id(weight) for group in optimizer_of(locked, nano()).param_groups for weight in group["params"]}
    assert trained == {id(weight) for name, weight in locked.named_parameters() if not name.startswith("visual.")}


def test_the_scale_is_clamped_at_a_hundred():
    assert math.exp(MOST_LOGIT_SCALE) == pytest.approx(100.0)
