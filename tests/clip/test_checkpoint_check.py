import json

import pytest
import torch

from bad_media import GOOD_CHECKPOINTS, Exploit, torch_file, weights
from clip.models import write_small_checkpoint
from curation.clip.checkpoint import CONFIG
from curation.clip.checkpoint_check import check_checkpoint, load
from curation.pool.checked import Checked


def loaded(path):
    """What the child says of a file, without the child."""
    return Checked(**list(load(str(path), None))[-1])


@pytest.mark.parametrize("good", GOOD_CHECKPOINTS, ids=lambda good: good.file)
def test_weights_in_each_form_are_one_row_that_is_kept(tmp_path, good):
    (tmp_path / good.file).write_bytes(good.data())
    assert loaded(tmp_path / good.file) == Checked(rows_in=1, kept=1)


def test_weights_beside_other_things_are_kept(tmp_path):
    (tmp_path / "a.pt").write_bytes(torch_file({"epoch": 3, "state_dict": weights()}))
    assert loaded(tmp_path / "a.pt").kept == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": torch.tensor([1.0, float("nan")])}, "tensor 'a' has values that are not finite"),
        ({"a": torch.ones(1).expand(10**12)}, "tensor 'a' is larger than what the file holds of it"),
        ({"a": "text"}, "its tensors have no names"),
        ({}, "no tensor in it"),
        ({"a": Exploit(print)}, "holds something else than tensors, or is damaged; only tensors are read, no code"),
    ],
)
def test_what_is_no_checkpoint_is_one_row_with_the_reason(tmp_path, value, reason):
    (tmp_path / "a.pt").write_bytes(torch_file(value))
    assert loaded(tmp_path / "a.pt") == Checked(rows_in=1, kept=0, dropped={reason: 1})


def test_a_folder_is_opened_as_the_model_that_it_is(tmp_path):
    folder = write_small_checkpoint(tmp_path / "model")
    assert check_checkpoint(folder) == Checked(rows_in=1, kept=1)
    config = json.loads((folder / CONFIG).read_text())
    config["model_cfg"]["vision_cfg"]["width"] = 128
    (folder / CONFIG).write_text(json.dumps(config))
    found = check_checkpoint(folder)
    assert (found.kept, sum(found.dropped.values()), found.error) == (0, 1, None)
    assert "this checkpoint cannot be opened" in next(iter(found.dropped))


def test_where_there_is_no_checkpoint_nothing_is_counted(tmp_path):
    assert check_checkpoint(tmp_path).error == (
        f"{tmp_path}: no weights; they are in files that end in .safetensors, .pt, .pth, .bin"
    )
    assert check_checkpoint(tmp_path / "a.pt").error == f"{tmp_path}/a.pt: no such file, nor a folder with a checkpoint"
