import dataclasses
import io
import json
import math
import shutil

import numpy as np
import open_clip
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from clip.models import on_cuda
from clip.training.colours import COLOURS, PAIRS, nano, trained
from conftest import TEXTS
from curation.clip.checkpoint import WEIGHTS, load_checkpoint
from curation.clip.self_test import self_test
from curation.clip.training.config import TrainConfig
from curation.clip.training.folder import Training, create_training, read_metrics
from curation.clip.training.train import train
from curation.errors import BadArgument, BadRun
from curation.runs.folder import lock
from curation.runs.progress import read_progress


def weights(training):
    return load_file(training.checkpoint / WEIGHTS)


def same(ours, theirs):
    return all(torch.equal(ours[name], theirs[name]) for name in theirs)


def png(picture):
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def eval_set(tmp_path_factory):
    """Three pictures of each colour, and one that is none."""
    labels = [name for name in COLOURS for _ in range(3)] + ["red"]
    images = [png(Image.new("RGB", (20 + at % 9, 20), COLOURS[label])) for at, label in enumerate(labels)]
    images[-1] = b"no picture"
    path = tmp_path_factory.mktemp("eval") / "eval.parquet"
    pq.write_table(pa.table({"image": images, "label": labels}), path)
    return path


def test_the_loss_falls(done):
    losses = [line["loss"] for line in read_metrics(done.path)]
    assert np.mean(losses[-4:]) < losses[0] - 0.5
    assert np.mean(losses[-4:]) < math.log(16) - 0.3  # what it is where nothing is told apart
    assert done.state == "done"


def test_a_training_is_the_plain_loop(run, pool, decoded, tmp_path):
    """open_clip's own forward and loss on whole texts, AdamW as it is, clipping and schedule by hand."""
    config = nano(samples=96, grad_clip=0.5, weight_decay=0.4, warmup=0.5)
    training = trained(tmp_path / "ours", run, decoded, samples=96, grad_clip=0.5, weight_decay=0.4, warmup=0.5)
    checkpoint = load_checkpoint(str(training.path))
    torch.manual_seed(config.seed)
    model = open_clip.CLIP(**{name: part for name, part in checkpoint.model_cfg.items() if name != "custom_text"})
    decaying = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim < 2]
    groups = [{"params": decaying, "weight_decay": 0.4}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6)
    matched = [item for item, t in enumerate(pool.pairs["t_min"].to_pylist()) if math.isfinite(t)]
    order = np.random.default_rng([0, 0]).permutation(matched)
    rates = [1e-3, 2e-3, 3e-3, 3e-3, 2.25e-3, 0.75e-3]  # three steps up, then 0.5 (1 + cos(pi k / 3)) of it
    losses = []
    for step, rate in enumerate(rates):
        items = order[16 * step : 16 * (step + 1)]
        texts = checkpoint.tokenizer([pool.pairs["text"][int(item)].as_py() for item in items])
        images = checkpoint.preprocess.tensor(torch.from_numpy(pool.pixels(items)))
        loss = open_clip.ClipLoss()(*model(images, texts))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert [line["loss"] for line in read_metrics(training.path)] == pytest.approx(losses, abs=1e-4)
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(weights(training)[name], weight, rtol=0, atol=1e-3, msg=name)


def test_the_scale_stays_at_most_a_hundred(run, decoded, done, tmp_path):
    start = tmp_path / "start"
    shutil.copytree(done.checkpoint, start)
    save_file({**load_file(start / WEIGHTS), "logit_scale": torch.tensor(5.0)}, start / WEIGHTS)
    training = trained(tmp_path / "on", run, decoded, samples=16, start=str(start))
    assert math.exp(float(weights(training)["logit_scale"])) == pytest.approx(100.0)


def test_metrics_say_how_it_went(done):
    lines = read_metrics(done.path)
    assert [line["samples"] for line in lines] == [16 * step for step in range(1, 25)]
    assert [line["epoch"] for line in lines] == [(step - 1) // 12 for step in range(1, 25)]
    assert all(line["samples_per_second"] > 0 and 1 <= line["logit_scale"] <= 100 for line in lines)
    assert lines[1]["learning_rate"] == pytest.approx(3e-3)
    assert lines[-1]["learning_rate"] < 1e-4


def test_totals_say_what_it_came_to(done, pool):
    totals = done.totals
    last = read_metrics(done.path)[-1]
    assert {name: totals[name] for name in ("step", "samples", "epoch", "loss", "logit_scale")} == {
        name: last[name] for name in ("step", "samples", "epoch", "loss", "logit_scale")
    }
    assert totals["dropped"] == dict(pool.dropped)
    assert totals["items"] == sum(math.isfinite(t) for t in pool.pairs["t_min"].to_pylist())
    assert totals["seconds"] > 0


def test_progress_is_told_by_phase(run, tmp_path):
    create_training(tmp_path / "told", run, nano(samples=64), name="told")
    told = []
    train(tmp_path / "told", decoded=tmp_path / "decoded", on_progress=told.append)
    phases = {name: [one for one in told if one.phase == name] for name in ("decode", "train")}
    assert [one.phase for one in told] == ["decode"] * len(phases["decode"]) + ["train"] * len(phases["train"])
    assert [(phases[name][-1].done, phases[name][-1].total) for name in phases] == [(PAIRS, PAIRS), (64, 64)]
    assert all(one.done <= one.total and one.of == "pairs" for one in told)
    elapsed = [one.elapsed_s for one in told]
    assert elapsed == sorted(elapsed)
    assert (read_progress(tmp_path / "told")["phase"], read_progress(tmp_path / "told")["done"]) == ("train", 64)


def test_metrics_are_told_as_they_are_written(run, decoded, tmp_path):
    create_training(tmp_path / "told", run, nano(samples=64), name="told")
    told = []
    train(tmp_path / "told", decoded=decoded, on_metrics=told.append)
    assert told == read_metrics(tmp_path / "told")


def test_the_checkpoint_says_what_it_was_trained_on(done, run):
    said = load_checkpoint(str(done.path)).trained_on
    assert said["run"] == str(run.path.resolve())
    assert said["plan_digest"] == run.info["plan_digest"]
    assert (said["arm"], said["t"], said["seed"], said["samples_seen"]) == ("matched", 16.0, 0, 384)
    assert said["items"] == done.totals["items"]
    assert said["run_name"] == run.name


def test_the_checkpoint_passes_its_self_test(done):
    checks = self_test(load_checkpoint(str(done.checkpoint)))
    assert {check.name for check in checks} >= {"tokenizer", "preprocessing", "texts", "pictures"}
    assert {check.verdict for check in checks} == {"ok"}


def test_open_clip_opens_the_checkpoint_and_answers_the_same(done):
    ours = load_checkpoint(str(done.checkpoint))
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{done.checkpoint}")
    picture = Image.new("RGB", (50, 40), COLOURS["blue"])
    with torch.inference_mode():
        image_features = model.eval().encode_image(preprocess(picture)[None], normalize=True).numpy()
        tokens = ours.tokenizer(["a blue thing"])
        text_features = model.encode_text(tokens, normalize=True).numpy()
    np.testing.assert_allclose(image_features, ours.encode_images([picture]), atol=1e-5)
    np.testing.assert_allclose(text_features, ours.encode_texts(["a blue thing"]), atol=1e-5)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(run, decoded, done, tmp_path):
    assert same(weights(trained(tmp_path / "same", run, decoded)), weights(done))
    other = weights(trained(tmp_path / "other", run, decoded, seed=1))
    assert not torch.equal(other["visual.proj"], weights(done)["visual.proj"])


def test_what_was_drawn_before_changes_nothing_and_no_setting_of_torch_is_left_behind(run, decoded, done, tmp_path):
    torch.manual_seed(99)
    torch.rand(5)
    assert not torch.are_deterministic_algorithms_enabled()
    assert same(weights(trained(tmp_path / "same", run, decoded)), weights(done))
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


def test_a_batch_in_parts_trains_to_the_same_model(run, decoded, tmp_path):
    whole = weights(trained(tmp_path / "whole", run, decoded, samples=64))
    parts = weights(trained(tmp_path / "parts", run, decoded, samples=64, accumulate=4))
    for name, weight in parts.items():
        torch.testing.assert_close(weight, whole[name], rtol=0, atol=2e-3, msg=name)  # AdamW divides by tiny gradients


def test_in_bf16_it_learns_as_well(run, decoded, done, tmp_path):
    training = trained(tmp_path / "bf16", run, decoded, precision="bf16")
    losses = [line["loss"] for line in read_metrics(training.path)]
    assert losses[0] == pytest.approx(read_metrics(done.path)[0]["loss"], abs=0.05)
    assert np.mean(losses[-4:]) < losses[0] - 0.5
    assert {weight.dtype for weight in weights(training).values()} == {torch.float32}


def test_accuracy_is_measured_along_the_way(run, decoded, eval_set, tmp_path):
    training = trained(tmp_path / "judged", run, decoded, evaluate=str(eval_set), evaluations=3)
    points = [line for line in read_metrics(training.path) if "top1" in line]
    assert [line["step"] for line in points] == [8, 16, 24]
    assert points[-1]["top1"] > 2 / 8  # by chance it is 1/8
    assert all(0 <= line["mean_per_class"] <= 1 for line in points)
    assert training.totals["top1"] == points[-1]["top1"]
    assert load_checkpoint(str(training.path)).trained_on["accuracy"] == points[-1]["top1"]
    # 24 pictures, three of each class: both accuracies are the same number
    assert points[-1]["mean_per_class"] == pytest.approx(points[-1]["top1"])


def test_pictures_of_the_evaluation_set_that_cannot_be_decoded_are_counted(run, decoded, eval_set, tmp_path):
    training = trained(tmp_path / "judged", run, decoded, samples=16, evaluate=str(eval_set))
    assert training.totals["judged"] == {"pictures": 24, "dropped": 1}


def test_being_judged_does_not_change_the_training(run, decoded, done, eval_set, tmp_path):
    judged = trained(tmp_path / "judged", run, decoded, evaluate=str(eval_set), evaluations=5)
    assert same(weights(judged), weights(done))


def test_an_evaluation_set_without_a_whole_picture_is_refused_before_anything_is_decoded(run, tmp_path):
    path = tmp_path / "eval.parquet"
    pq.write_table(pa.table({"image": [b"none", b"none"], "label": ["red", "blue"]}), path)
    create_training(tmp_path / "refused", run, nano(evaluate=str(path)), name="refused")
    with pytest.raises(BadArgument, match=r"none of its 2 labelled pictures can be decoded"):
        train(tmp_path / "refused", decoded=tmp_path / "decoded")
    assert not (tmp_path / "decoded").exists()


def test_a_loss_that_is_no_number_is_one_line(run, decoded, tmp_path):
    create_training(tmp_path / "nan", run, nano(learning_rate=1e30, grad_clip=None, warmup=0.0), name="nan")
    with pytest.raises(BadRun, match=r"the loss is nan at step \d+; choose a lower learning rate$"):
        train(tmp_path / "nan", decoded=decoded)
    training = Training.open(tmp_path / "nan")
    assert training.state == "failed" and "lower learning rate" in training.info["error"]
    assert all(math.isfinite(line["loss"]) for line in read_metrics(training.path))


def test_fewer_pairs_than_a_batch_is_one_line_in_the_folder(run, decoded, tmp_path):
    create_training(tmp_path / "few", run, nano(arm="balanced", t=1.0), name="few")
    with pytest.raises(BadRun, match="fewer than a batch of 16"):
        train(tmp_path / "few", decoded=decoded)
    error = Training.open(tmp_path / "few").info["error"]
    assert "choose a smaller batch, or a higher t" in error and "\n" not in error


def test_a_run_without_pictures_is_one_line_in_the_folder(make_run, tmp_path):
    create_training(tmp_path / "none", make_run(TEXTS), nano(), name="none")
    with pytest.raises(BadRun, match="none of its pairs has a picture to train on"):
        train(tmp_path / "none", decoded=tmp_path / "decoded")
    assert "none of its pairs has a picture" in Training.open(tmp_path / "none").info["error"]


def test_a_run_that_became_another_is_refused(run, decoded, tmp_path):
    training = create_training(tmp_path / "other", run, nano(), name="other")
    training.info["plan"]["plan_digest"] = "0" * 64
    training.set_state("planned", None)
    with pytest.raises(BadRun, match="is another run than this training was planned on"):
        train(training.path, decoded=decoded)


def test_a_training_that_is_done_is_only_read(done, decoded):
    before = (done.checkpoint / WEIGHTS).stat().st_mtime_ns
    assert train(done.path, decoded=decoded).totals == done.totals
    assert (done.checkpoint / WEIGHTS).stat().st_mtime_ns == before


def test_a_training_that_another_process_works_on_is_left_alone(run, decoded, tmp_path):
    training = create_training(tmp_path / "held", run, nano(), name="held")
    with lock(training.path), pytest.raises(BadRun, match="another process works on this"):
        train(training.path, decoded=decoded)


def test_a_folder_holds_one_training(run, done):
    with pytest.raises(BadRun, match="a training is here already; go on with --resume, or choose another folder"):
        create_training(done.path, run, nano(), name="again")


def test_trainings_of_a_folder_are_listed(done):
    (done.path.parent / "something else").mkdir(exist_ok=True)
    assert [training.path for training in Training.all_in(done.path.parent)] == [done.path]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"batch_size": 16, "accumulate": 3}, "accumulate 3: give a divisor of the batch size 16"),
        ({"samples": 10, "batch_size": 16}, "samples 10: give at least one batch of 16"),
        ({"arm": "best"}, "arm 'best': give one of raw, english, matched, balanced, online"),
        ({"learning_rate": -1.0}, "learning rate -1: give a number from 0 up"),
        ({"precision": "fp8"}, "precision 'fp8': give one of auto, fp32, bf16"),
    ],
)
def test_what_cannot_be_trained_is_refused(config, message):
    with pytest.raises(BadArgument, match=message):
        nano(**config)


def test_every_option_has_help():
    for field in dataclasses.fields(TrainConfig):
        assert field.metadata["help"], field.name
    assert json.loads(json.dumps(dataclasses.asdict(TrainConfig())))["model"] == "headtail-tiny"


@on_cuda
def test_on_cuda_it_trains_in_bf16_and_repeats_itself(run, decoded, tmp_path):
    first, second = (trained(tmp_path / name, run, decoded, precision="auto") for name in ("first", "second"))
    losses = [line["loss"] for line in read_metrics(first.path)]
    assert np.mean(losses[-4:]) < losses[0] - 0.5
    assert same(weights(first), weights(second))
