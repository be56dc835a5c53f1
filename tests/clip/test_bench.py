import io
import json

import numpy as np
import open_clip
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from clip.models import write_small_checkpoint
from curation.class_lists import parse_names
from curation.clip import datasets, features, protocol
from curation.clip.bench import Bench
from curation.clip.checkpoint import load_checkpoint
from curation.clip.features import FeatureStore
from curation.clip.probe import GRID
from curation.clip.protocol import Prompts, Unit, units, why_not
from curation.clip.zero_shot import logits
from curation.engines.unit import Cancelled
from curation.errors import BadArgument, EmptyPool

NAMES = ["dog", "cat", "house", "palm tree", "fire engine", "sun"]
PROMPTS = Prompts(name="two", templates=["a photo of a {}.", "my {}"])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_checkpoint(str(write_small_checkpoint(tmp_path_factory.mktemp("models") / "small")), device="cpu")


def picture(label: int, n: int) -> bytes:
    """A picture of its class's colour, no two the same."""
    draws = np.random.default_rng([label, n])
    pixels = np.full((40, 36, 3), [40 * label, 255 - 40 * label, 120]) + draws.integers(-20, 20, (40, 36, 3))
    out = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def write_set(path, each=(8, 4), **more):
    """So many training and test pictures of each class, and one of the test pictures broken."""
    rows = [
        {"image": picture(label, 100 * at + n), "label": NAMES[label], "split": split, "text": f"a {NAMES[label]} {n}"}
        for at, (split, number) in enumerate(zip(("train", "test"), each, strict=True))
        for n in range(number)
        for label in range(len(NAMES))
    ]
    rows.append({"image": b"no picture", "label": "dog", "split": "test", "text": "a dog"})
    pq.write_table(pa.Table.from_pylist([{**row, **more} for row in rows]), path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return datasets.load(write_set(tmp_path_factory.mktemp("sets") / "colours.parquet"))


@pytest.fixture
def bench(checkpoint, data, tmp_path):
    return Bench(checkpoint, data, PROMPTS, FeatureStore(tmp_path / "features"))


def test_logits_are_those_of_open_clips_zero_shot_classifier(bench):
    """From the bytes of the pictures to the logits, with open_clip's own transform, tokens and towers."""
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{bench.checkpoint.folder}")
    model.eval()
    tokenizer = bench.checkpoint.tokenizer
    templates = [lambda name, one=one: one.format(name) for one in PROMPTS.templates]
    weights = open_clip.build_zero_shot_classifier(model, tokenizer, bench.data.classnames, templates)
    good = [n for n in bench.data.test.tolist() if bench.data.images([n]) != [b"no picture"]]
    opened = [Image.open(io.BytesIO(image)).convert("RGB") for image in bench.data.images(good)]
    with torch.no_grad():
        image_features = model.encode_image(torch.stack([preprocess(image) for image in opened]), normalize=True)
        theirs = (model.logit_scale.exp() * image_features @ weights).numpy()
    ours = logits(bench.test.features, bench.class_embeddings, bench.checkpoint.logit_scale)
    assert ours.shape == (24, 6)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    top = next(row for row in bench.measure(Unit("zero-shot", 0, None)) if row.metric == "top-1")
    assert top.value == (theirs.argmax(axis=1) == bench.data.label[good]).mean()


def test_rows_say_what_was_measured_of_what(bench):
    rows = bench.measure(Unit("zero-shot", 0, None))
    assert [row.metric for row in rows] == ["top-1", "top-5", "mean per class"]
    for row in rows:
        assert (row.checkpoint, row.data) == ("small", "colours")
        assert (row.checkpoint_digest, row.data_digest) == (bench.checkpoint.digest, bench.data.digest)
        assert (row.protocol, row.templates, row.shots, row.seed, row.l2) == ("zero-shot", PROMPTS.label, 0, None, None)
        assert (row.n, row.dropped) == (24, 1)
        assert json.loads(row.reasons) == {"image: cannot be decoded": 1}
        assert row.low <= row.value <= row.high


def test_a_probe_learns_what_the_colours_are_and_a_text_head_begins_at_zero_shot(bench):
    for name in ("probe", "probe-text"):
        top, *_ = bench.measure(Unit(name, 5, 0))
        assert (top.metric, top.value, top.shots, top.seed) == ("top-1", 1.0, 5, 0)
        assert top.l2 in GRID
    assert bench.key(Unit("probe", 5, 0)).templates is None
    assert bench.key(Unit("probe-text", 5, 0)).templates == PROMPTS.label


def test_retrieval_takes_pictures_and_captions_that_come_again_for_one(checkpoint, tmp_path):
    rows = [
        {"image": picture(0, 0), "text": "a dog"}, {"image": picture(0, 0), "text": "a brown dog"},
        {"image": picture(1, 0), "text": "a dog"}, {"image": picture(2, 0), "text": "a house"},
        {"image": picture(3, 0), "text": " "}, {"image": b"none", "text": "a sun"},
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "captions.parquet")
    data = datasets.load(tmp_path / "captions.parquet")
    found = Bench(checkpoint, data, PROMPTS, FeatureStore(tmp_path / "features")).measure(Unit("retrieval", 0, None))
    assert [(row.metric, row.n) for row in found] == [("image to text R@1", 3), ("text to image R@1", 3)]
    assert json.loads(found[0].reasons) == {"no caption": 1, "image: cannot be decoded": 1}


def test_features_are_made_once_and_for_all_checkpoints_of_the_same_weights(bench, monkeypatch):
    bench.measure(Unit("zero-shot", 0, None))
    bench.measure(Unit("probe", 5, 0))

    def refuse(self, pixels, batch=0):
        raise AssertionError("encoded again")

    again = Bench(bench.checkpoint, bench.data, PROMPTS, bench._store)
    monkeypatch.setattr(type(bench.checkpoint), "encode_pixels", refuse)
    rows = [again.measure(unit)[0].value for unit in (Unit("zero-shot", 0, None), Unit("probe", 5, 0))]
    assert rows[0] == bench.measure(Unit("zero-shot", 0, None))[0].value and rows[1] == 1.0


def test_a_picture_that_changes_after_it_was_looked_at_gets_no_feature(checkpoint, tmp_path):
    path = write_set(tmp_path / "set.parquet", each=(0, 1))
    data = datasets.load(path)
    rows = pq.read_table(path).to_pylist()
    rows[0]["image"] = picture(5, 77)
    pq.write_table(pa.Table.from_pylist(rows), path)
    (row, *_) = Bench(checkpoint, data, PROMPTS, FeatureStore(tmp_path / "features")).measure(
        Unit("zero-shot", 0, None)
    )
    assert json.loads(row.reasons)["picture is gone, or not the same any more"] == 1
    assert row.n == 5


def test_a_set_without_a_usable_picture_says_why(checkpoint, tmp_path):
    pq.write_table(pa.table({"image": [b"x", b"y"], "label": ["dog", "cat"]}), tmp_path / "set.parquet")
    bench = Bench(checkpoint, datasets.load(tmp_path / "set.parquet"), PROMPTS, FeatureStore(tmp_path / "features"))
    with pytest.raises(EmptyPool, match=r"not one of its test pictures can be used \(2 x image: cannot be decoded\)"):
        bench.measure(Unit("zero-shot", 0, None))


def test_progress_is_told_and_a_cancel_is_heard(checkpoint, data, tmp_path):
    told = []
    bench = Bench(checkpoint, data, PROMPTS, FeatureStore(tmp_path), lambda *what: told.append(what))
    bench.measure(Unit("probe", 5, 1))
    assert ("colours: training pictures", 48, 48) in told
    assert ("colours: test pictures", 25, 25) in told
    assert ("colours: probe, 5 shots, seed 1", 16, 16) in told
    for store in (tmp_path, tmp_path / "new"):  # while fitting, and while encoding
        with pytest.raises(Cancelled):
            Bench(checkpoint, data, PROMPTS, FeatureStore(store), cancel=lambda: True).measure(Unit("probe", 5, 1))


def test_units_are_each_protocol_once_with_all_shots_and_seeds_of_probes():
    assert units(["probe", "zero-shot", "probe"], [5, None, 5], [0, 1]) == [
        ("zero-shot", 0, None), ("probe", 5, 0), ("probe", 5, 1), ("probe", None, 0), ("probe", None, 1),
    ]  # fmt: skip
    assert len(units()) == 2 + 2 * 4 * 3
    with pytest.raises(BadArgument, match="2 or more"):
        units(shots=[1])
    with pytest.raises(BadArgument, match="from 0"):
        units(seeds=[-1])


def test_what_cannot_be_measured_on_a_set_says_why(data, tmp_path):
    assert [why_not(data, name) for name in protocol.PROTOCOLS] == [None] * 4
    pq.write_table(pa.table({"image": [picture(0, n) for n in range(3)], "label": [0, 1, 1]}), tmp_path / "a.parquet")
    numbered = datasets.load(tmp_path / "a.parquet")
    assert why_not(numbered, "zero-shot") == "its labels are numbers; give the names of the classes with --labels"
    assert why_not(numbered, "probe").startswith("it has no training split")
    assert why_not(numbered, "retrieval") == "its pictures have no captions"
    assert why_not(datasets.load(tmp_path / "a.parquet", parse_names("dog\ncat")), "zero-shot") is None
    pq.write_table(pa.table({"image": [picture(0, 0)], "text": ["a dog"]}), tmp_path / "b.parquet")
    assert why_not(datasets.load(tmp_path / "b.parquet"), "zero-shot") == "its pictures have no labels"


def test_other_templates_and_class_names_are_known_by_other_keys(checkpoint, data, tmp_path):
    store = FeatureStore(tmp_path)
    keys = {
        Bench(checkpoint, data, Prompts(name="own", templates=templates), store).key(Unit("zero-shot", 0, None))
        for templates in (["a {}"], ["the {}"], {"dog": ["a dog"]}, {"dog": ["the dog"]})
    }
    assert len(keys) == 4
    assert {key.templates[:4] for key in keys} == {"own@"}


def test_features_kept_of_a_broken_picture_are_none(bench):
    bench.measure(Unit("zero-shot", 0, None))
    (segment,) = (bench._store._folder / bench.checkpoint.digest / "image").glob("*.npy")
    assert features._opened(segment).size == 24
