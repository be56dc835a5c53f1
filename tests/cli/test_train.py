import json
from contextlib import nullcontext

import pytest

from clip.training.colours import make_colour_run
from conftest import TEXTS
from curation.clip.checkpoint import load_checkpoint
from curation.clip.training.config import TrainConfig
from curation.clip.training.folder import Training, create_training, read_metrics
from curation.runs import job
from curation.runs.workspace import decoded_folder, models_folder, workspace
from runs.test_job import wait_for

SHORT = ("--model", "headtail-nano", "--arm", "matched", "--samples", 64, "--batch-size", 16)


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path / "workspace"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_colour_run(tmp_path_factory.mktemp("colours"))


def test_a_training_is_planned_done_and_told(run, tmp_path, headtail):
    code, out, err = headtail("train", run.path, "-o", tmp_path / "model", *SHORT, "--seed", 3, "--name", "Colours")
    assert (code, err) == (0, "")
    training = Training.open(tmp_path / "model")
    assert (training.name, training.state, training.config.seed) == ("Colours", "done", 3)
    lines = out.splitlines()
    assert lines[0].startswith(f"trained on {training.totals['items']} pairs (matched) in ")
    told = [line.rsplit(maxsplit=1) for line in lines[1:5]]
    loss = f"{training.totals['loss']:.4f}"
    assert told == [["samples seen", "64"], ["steps", "4"], ["passes over the pairs", "0.3"], ["loss", loss]]
    assert "left out of the pairs of the run: 6, no picture" in lines
    assert lines[-1] == f"checkpoint: {tmp_path / 'model' / 'checkpoint'}"
    assert load_checkpoint(str(tmp_path / "model")).trained_on["seed"] == 3
    assert list(decoded_folder().iterdir())


def test_for_machines_it_is_one_line_of_json(run, tmp_path, headtail):
    _, out, _ = headtail("train", run.path, "-o", tmp_path / "model", *SHORT, "--json")
    said = json.loads(out)
    assert said["checkpoint"] == str(tmp_path / "model" / "checkpoint")
    assert {"folder", "step", "samples", "epoch", "loss", "seconds", "items", "dropped"} <= said.keys()
    assert (said["samples"], said["dropped"]["no picture"]) == (64, 6)


def test_a_name_that_is_not_given_is_that_of_the_folder(run, tmp_path, headtail, monkeypatch):
    monkeypatch.chdir(tmp_path)
    headtail("train", run.path, "-o", "model", *SHORT)
    assert Training.open(tmp_path / "model").name == "model"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "no run: give the folder of one, or --resume to go on with a training"),
        (("{run}/nothing",), 1, "not a run folder"),
        (("{run}", "--model", "vit-b-32"), 2, "model 'vit-b-32': give headtail-tiny or one of the names of open_clip"),
        (("{run}", "--start", "models/none"), 2, "model 'models': give headtail-tiny or one of the names"),
        (("{run}", "--evaluate", "{run}/eval.parquet"), 2, "eval.parquet: no such file"),
        (("{run}", "--arm", "best"), 2, "best"),
        (("{run}", "-t", "0"), 2, "t 0: give a number from 1 up"),
        (("{run}", "--batch-size", "16", "--accumulate", "3"), 2, "accumulate 3: give a divisor of the batch size 16"),
        (("{run}", "--image-tower", "locked"), 2, "a locked tower needs a checkpoint to start from"),
        (("{run}", "--frobnicate"), 2, "--frobnicate"),
        (("--resume",), 1, "no training here"),
    ],
)
def test_what_cannot_be_trained_is_one_line_and_leaves_no_folder(run, tmp_path, headtail, arguments, code, message):
    got, out, err = headtail("train", *(part.format(run=run.path) for part in arguments), "-o", tmp_path / "model")
    assert (got, out) == (code, "")
    assert message in err and err.startswith("headtail: ") and err.count("\n") == 1
    assert not (tmp_path / "model").exists()


def test_a_run_without_pictures_is_one_line(make_run, tmp_path, headtail):
    code, out, err = headtail("train", make_run(TEXTS).path, "-o", tmp_path / "model", *SHORT)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "none of its pairs has a picture to train on" in err


def test_a_cancelled_training_says_how_to_go_on_and_goes_on(run, tmp_path, headtail, monkeypatch):
    folder = tmp_path / "model"
    with monkeypatch.context() as at_once:
        at_once.setattr("curation.runs.job.stop_on_signal", lambda: nullcontext(lambda: True))
        code, out, err = headtail("train", run.path, "-o", folder, *SHORT)
        assert (code, out, err) == (
            1,
            "",
            f"headtail: {folder}: cancelled; what is done is kept, go on with 'headtail train --resume -o {folder}'\n",
        )
        assert headtail("training", folder) == (0, "", "")
    assert Training.open(folder).state == "cancelled"
    code, _, err = headtail("train", run.path, "-o", folder, *SHORT)
    assert (code, "--resume" in err) == (1, True)
    assert headtail("train", "--resume", "-o", folder)[0] == 0
    assert Training.open(folder).state == "done"


def test_a_started_job_trains_by_itself_to_the_end_and_can_be_cancelled(run, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    config = TrainConfig(model="headtail-nano", arm="matched", samples=16_000, batch_size=16)
    path = models_folder() / "colours"
    assert path.parent == workspace() / "models"
    create_training(path, run, config, name="Colours")
    job.start(path, "training")
    wait_for(lambda: len(read_metrics(path)) > 1, 120)
    assert Training.open(path).state == "running"
    job.cancel(path)
    wait_for(lambda: Training.open(path).state == "cancelled", 30)
    assert (path / "resume.safetensors").is_file()
    assert (path / "output.txt").read_text() == ""
    assert list(decoded_folder().iterdir())
