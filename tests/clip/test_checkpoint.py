import json
import shutil

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from clip.models import TEXTS, small_cfg, write_small_checkpoint
from curation.clip import pretrained
from curation.clip.architectures import new_model
from curation.clip.checkpoint import CONFIG, MERGES, WEIGHTS, load_checkpoint
from curation.clip.self_test import self_test
from curation.clip.training.config import TrainConfig
from curation.clip.training.folder import create_training
from curation.errors import BadArgument, MissingFile, UnreadableFile


def test_a_checkpoint_answers_after_reading_as_the_model_that_was_written(tmp_path):
    folder = write_small_checkpoint(tmp_path / "model", trained_on={"arm": "balanced", "t": 20.0})
    torch.manual_seed(0)
    model = new_model(small_cfg()).eval()
    checkpoint = load_checkpoint(str(folder))
    with torch.no_grad():
        expected = model.encode_text(checkpoint.tokenizer(TEXTS), normalize=True).numpy()
    assert (checkpoint.name, checkpoint.dimensions) == ("model", 32)
    assert checkpoint.trained_on == {"arm": "balanced", "t": 20.0}
    assert checkpoint.logit_scale == pytest.approx(1 / 0.07)
    assert np.allclose(checkpoint.encode_texts(TEXTS), expected, atol=1e-6)


def test_open_clip_opens_our_checkpoints_itself(tmp_path):
    folder = write_small_checkpoint(tmp_path / "model")
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    with torch.no_grad():
        expected = model.eval().encode_image(preprocess(picture)[None], normalize=True).numpy()
    assert np.allclose(load_checkpoint(str(folder)).encode_images([picture]), expected, atol=1e-6)


def test_features_do_not_depend_on_the_batch(tmp_path):
    checkpoint = load_checkpoint(str(write_small_checkpoint(tmp_path / "model")))
    pixels = np.random.default_rng(2).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    assert np.allclose(checkpoint.encode_pixels(pixels), checkpoint.encode_pixels(pixels, batch=2), atol=1e-6)
    assert np.allclose(checkpoint.encode_texts(TEXTS), checkpoint.encode_texts(TEXTS, batch=1), atol=1e-6)
    assert checkpoint.encode_images([]).shape == checkpoint.encode_texts([]).shape == (0, 32)


def test_the_folder_of_a_training_stands_for_its_checkpoint(tmp_path):
    write_small_checkpoint(tmp_path / "my-model" / "checkpoint")
    assert load_checkpoint(str(tmp_path / "my-model")).name == "my-model"


def test_a_checkpoint_knows_the_path_of_its_run_only_where_it_lies_in_its_training(tmp_path, zipf_run):
    training = create_training(tmp_path / "training", zipf_run, TrainConfig(), name="one")
    said = {"run_name": zipf_run.name, "plan_digest": zipf_run.info["plan_digest"]}
    write_small_checkpoint(training.checkpoint, trained_on=said)
    assert load_checkpoint(str(training.path)).trained_on == {**said, "run": str(zipf_run.path.resolve())}
    shutil.copytree(training.checkpoint, tmp_path / "copy")
    assert load_checkpoint(str(tmp_path / "copy")).trained_on == said
    assert str(tmp_path) not in (tmp_path / "copy" / CONFIG).read_text()


def test_the_digest_says_all_that_decides_a_feature_and_nothing_else(tmp_path):
    first = write_small_checkpoint(tmp_path / "a")
    digests = [load_checkpoint(str(first)).digest]
    assert load_checkpoint(str(write_small_checkpoint(tmp_path / "b", trained_on={"t": 1}))).digest == digests[0]
    config = json.loads((first / CONFIG).read_text())
    config["preprocess_cfg"]["interpolation"] = "bilinear"
    (first / CONFIG).write_text(json.dumps(config))
    digests.append(load_checkpoint(str(first)).digest)
    digests.append(load_checkpoint(str(write_small_checkpoint(tmp_path / "c", seed=1))).digest)
    assert len(set(digests)) == 3


def test_what_is_no_checkpoint_is_refused_in_words(tmp_path):
    folder = write_small_checkpoint(tmp_path / "model")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.pt").write_bytes(b"no weights")
    with pytest.raises(MissingFile, match="no checkpoint here"):
        load_checkpoint(str(tmp_path / "empty"))
    for where in ("x" * 5000, "~nobody-of-this-name/x"):
        with pytest.raises(MissingFile, match="cannot be looked at"):
            load_checkpoint(where)
    with pytest.raises(BadArgument, match="do not tell their architecture"):
        load_checkpoint(str(tmp_path / "notes.pt"))
    with pytest.raises(UnreadableFile, match="no weights of ViT-B-32"):
        load_checkpoint(str(tmp_path / "notes.pt"), model="ViT-B-32")
    with pytest.raises(BadArgument, match="model 'ViT-Z'"):
        load_checkpoint("ViT-Z")
    with pytest.raises(BadArgument, match="before it is trained"):
        load_checkpoint("headtail-tiny")
    with pytest.raises(BadArgument, match="it knows openai"):
        load_checkpoint("ViT-B-32/best")
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:1000])
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        load_checkpoint(str(folder))


def test_weights_of_another_shape_are_refused_in_words(tmp_path):
    folder = write_small_checkpoint(tmp_path / "model")
    weights = load_file(folder / WEIGHTS)
    weights["ln_final.weight"] = torch.zeros(3)
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        load_checkpoint(str(folder))
    (folder / MERGES).write_bytes(b"damaged")


def test_a_pickle_that_runs_code_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"state_dict": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(UnreadableFile, match="only tensors are read"):
        load_checkpoint(str(tmp_path / "evil.pt"), model="ViT-B-32")
    assert not (tmp_path / "ran").exists()


def test_weights_by_name_that_are_nowhere_are_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(pretrained, "_reachable", lambda address: False)
    with pytest.raises(MissingFile, match=r"not in the cache of this machine, and huggingface\.co cannot be reached"):
        load_checkpoint("ViT-B-32/metaclip_400m")


def test_weights_by_name_get_the_activation_and_preprocessing_they_need(monkeypatch, tmp_path):
    torch.manual_seed(0)
    torch.save(open_clip.create_model("RN50", load_weights=False).state_dict(), tmp_path / "weights.pt")
    monkeypatch.setattr("curation.clip.checkpoint.weights_file", lambda expected: str(tmp_path / "weights.pt"))
    checkpoint = load_checkpoint("RN50/openai")
    assert checkpoint.model_cfg["quick_gelu"] is True
    assert type(checkpoint.model.transformer.resblocks[0].mlp.gelu).__name__ == "QuickGELU"
    assert checkpoint.preprocess_cfg["mean"] == open_clip.OPENAI_DATASET_MEAN


@pytest.mark.external
def test_the_weights_of_metaclip_pass_the_self_test():
    try:
        checkpoint = load_checkpoint("ViT-B-32/metaclip_400m")
    except MissingFile as error:
        pytest.skip(str(error))
    assert {check.verdict for check in self_test(checkpoint)} == {"ok"}
