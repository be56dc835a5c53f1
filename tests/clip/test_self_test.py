import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from clip.models import learn_merges, write_small_checkpoint
from curation.clip.checkpoint import CONFIG, KNOWN_ANSWERS, MERGES, load_checkpoint
from curation.clip.self_test import self_test


@pytest.fixture
def folder(tmp_path):
    return write_small_checkpoint(tmp_path / "model")


def verdicts(folder):
    return {check.name: check.verdict for check in self_test(load_checkpoint(str(folder)))}


def change(folder, change_config):
    config = json.loads((folder / CONFIG).read_text())
    change_config(config)
    (folder / CONFIG).write_text(json.dumps(config))


def test_a_checkpoint_of_ours_passes(folder):
    assert verdicts(folder) == dict.fromkeys(("tokenizer", "preprocessing", "texts", "pictures"), "ok")


def test_the_wrong_activation_is_found(folder):
    change(folder, lambda config: config["model_cfg"].update(quick_gelu=True))
    assert verdicts(folder) == {"tokenizer": "ok", "preprocessing": "ok", "texts": "failed", "pictures": "failed"}


def test_the_wrong_preprocessing_is_found(folder):
    change(folder, lambda config: config["preprocess_cfg"].update(mean=[0.5, 0.5, 0.5]))
    assert verdicts(folder) == {"tokenizer": "ok", "preprocessing": "failed", "texts": "ok", "pictures": "failed"}


def test_the_wrong_tokenizer_is_found(folder):
    (folder / MERGES).write_bytes(learn_merges(["other words altogether"] * 3, 530))
    assert verdicts(folder)["tokenizer"] == "failed"


def test_numbers_that_are_none_are_found(folder):
    answers = load_file(folder / KNOWN_ANSWERS)
    answers["image_features"][0, 0] = torch.nan
    save_file(answers, folder / KNOWN_ANSWERS)
    assert verdicts(folder)["pictures"] == "failed"


def test_damaged_known_answers_are_no_pass(folder):
    (folder / KNOWN_ANSWERS).write_bytes(b"damaged")
    assert verdicts(folder) == {"known answers": "failed"}


def test_an_untrained_model_by_name_is_not_trusted():
    found = {check.name: check.verdict for check in self_test(load_checkpoint("RN50"))}
    assert found == {"tokenizer": "ok", "activation": "unknown", "preprocessing": "unknown", "colours": "failed"}
