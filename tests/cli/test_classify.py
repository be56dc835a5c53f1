import io
import json

import numpy as np
import pytest
from PIL import Image

from clip.models import write_small_checkpoint
from curation.clip.checkpoint import load_checkpoint
from curation.clip.classify import Picture, classify, see
from curation.clip.templates import named_templates


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path / "runs"))
    return write_small_checkpoint(tmp_path / "small", trained_on={"arm": "matched"})


@pytest.fixture
def pictures(tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad\x1b[31m.png"
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(out, "PNG")
    good.write_bytes(out.getvalue())
    bad.write_bytes(b"no picture")
    return good, bad


def test_classify_says_what_the_library_says(small, pictures, headtail):
    good, _ = pictures
    code, out, err = headtail("classify", good, "--checkpoint", small, "--labels", "dog, red cat,bee", "--json")
    checkpoint = load_checkpoint(str(small))
    seen = see(checkpoint, [Picture("good", good.read_bytes())])
    found = classify(checkpoint, seen, ["dog", "red cat", "bee"], named_templates("clip80"))
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["checkpoint"]["verdict"] == "ok" and told["checkpoint"]["digest"] == checkpoint.digest
    (picture,) = told["pictures"]
    assert (picture["picture"], picture["reason"], picture["none_of_these"]) == (str(good), None, False)
    assert [row["label"] for row in picture["top"]] == [guess.label for guess in found.top(5)[0]]
    assert picture["top"][0]["probability"] == pytest.approx(found.top(1)[0][0].probability, abs=1e-5)


def test_a_picture_that_cannot_be_decoded_is_a_row_and_makes_exit_code_1(small, pictures, headtail):
    code, out, _ = headtail(
        "classify", *pictures, "--checkpoint", small, "--labels", "dog,cat", "--templates", "plain", "--top-k", 1,
        "--threshold", 0.99,
    )  # fmt: skip
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == "small, self-test ok; 2 labels"
    assert lines[2].split()[:5] == [str(pictures[0]), "none", "of", "these;", "nearest:"]
    assert "image: cannot be decoded" in lines[3] and "\x1b" not in out


def test_labels_and_templates_from_files(small, pictures, headtail, tmp_path):
    (tmp_path / "labels.json").write_text('["dog", "cat"]')
    (tmp_path / "templates.json").write_text('{"dog": ["it barks"], "cat": ["a {}"]}')
    code, out, _ = headtail(
        "classify", pictures[0], "--checkpoint", small, "--labels-file", tmp_path / "labels.json",
        "--templates", tmp_path / "templates.json", "--json",
    )  # fmt: skip
    assert code == 0
    assert sorted(row["label"] for row in json.loads(out)["pictures"][0]["top"]) == ["cat", "dog"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the labels with --labels dog,cat or with --labels-file FILE, one of the two"),
        (["--labels", ","], "no class name: give one a line"),
        (["--labels", "dog", "--templates", "clip81"], "neither a file nor a set of templates"),
    ],
)
def test_wrong_arguments_are_exit_code_2_before_a_model_is_loaded(pictures, headtail, arguments, message):
    code, _, err = headtail("classify", pictures[0], "--checkpoint", "nowhere", *arguments)
    assert code == 2 and message in err and err.count("\n") == 1


def test_a_picture_that_is_not_there_is_exit_code_2(small, headtail):
    code, _, err = headtail("classify", "nowhere.png", "--checkpoint", small, "--labels", "dog")
    assert (code, err) == (2, "headtail: nowhere.png: no such file\n")


def test_a_checkpoint_that_fails_its_self_test_answers_only_when_one_insists(small, pictures, headtail):
    config = json.loads((small / "open_clip_config.json").read_text())
    config["model_cfg"]["quick_gelu"] = True
    (small / "open_clip_config.json").write_text(json.dumps(config))
    code, out, err = headtail("classify", pictures[0], "--checkpoint", small, "--labels", "dog")
    assert (code, out) == (1, "") and "small: fails its self-test (texts: at most" in err
    code, out, _ = headtail("classify", pictures[0], "--checkpoint", small, "--labels", "dog", "--anyway")
    assert code == 0 and "self-test failed" in out

    code, out, _ = headtail("checkpoint", "test", small)
    assert code == 1 and out.startswith("small: failed, 32 dimensions, sha256 ")


def test_a_checkpoint_is_tested(small, headtail):
    code, out, _ = headtail("checkpoint", "test", small, "--json")
    told = json.loads(out)
    assert code == 0 and told["verdict"] == "ok" and told["trained_on"] == {"arm": "matched"}
    assert [check["check"] for check in told["checks"]] == ["tokenizer", "preprocessing", "texts", "pictures"]
    assert headtail("checkpoint", "test", small / "nowhere")[0] == 2


def test_names_of_models_and_of_weights(headtail):
    assert "headtail-tiny" in headtail("checkpoint", "models")[1].splitlines()
    assert "ViT-B-32/metaclip_400m" in json.loads(headtail("checkpoint", "models", "--pretrained", "--json")[1])
