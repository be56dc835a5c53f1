import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from clip.models import on_cuda, small_cfg
from clip.training.colours import nano
from curation import files
from curation.clip.architectures import new_model
from curation.clip.checkpoint import WEIGHTS
from curation.clip.training import fit
from curation.clip.training.folder import Training, create_training, read_metrics
from curation.clip.training.metrics import Metrics
from curation.clip.training.objective import optimizer_of
from curation.clip.training.resume import RESUME, Place, State, load_state, save_state
from curation.clip.training.train import train
from curation.engines import Cancelled
from curation.errors import UnreadableFile

STEPS = 24


def weights(training):
    return load_file(training.checkpoint / WEIGHTS)


def metrics(training):
    return [
        {name: value for name, value in line.items() if name != "samples_per_second"}
        for line in read_metrics(training.path)
    ]


def assert_same(training, undisturbed):
    ours, theirs = weights(training), weights(undisturbed)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert metrics(training) == metrics(undisturbed)
    assert [line["step"] for line in metrics(training)] == list(range(1, STEPS + 1))
    without_time = [
        {name: one for name, one in of.totals.items() if name != "seconds"} for of in (training, undisturbed)
    ]
    assert without_time[0] == without_time[1]


def stop_at(path, decoded, *steps):
    """Train, stopped after each of these steps of one job after another, then to the end."""
    for step in steps:
        seen = []

        def note(progress, seen=seen):
            if progress.phase == "train":
                seen.append(progress.done // 16)

        with pytest.raises(Cancelled):
            train(path, decoded=decoded, on_progress=note, cancel=lambda seen=seen, step=step: step in seen)
        assert Training.open(path).state == "cancelled"
        assert seen[-1] == step
    return train(path, decoded=decoded)


@pytest.mark.parametrize("steps", [(1,), (10, 11, 23), (14,)])
def test_a_training_stopped_anywhere_ends_as_an_undisturbed_one(run, decoded, tmp_path, done, steps):
    create_training(tmp_path / "stopped", run, nano(), name="stopped")
    training = stop_at(tmp_path / "stopped", decoded, *steps)
    assert_same(training, done)
    assert not (training.path / RESUME).exists()


def test_stopped_between_two_lines_of_the_metrics_the_lines_stay_the_same(run, decoded, tmp_path, done, monkeypatch):
    monkeypatch.setattr(fit, "LOGGED", 5)  # a line every 4 steps
    for name in ("whole", "stopped"):
        create_training(tmp_path / name, run, nano(), name=name)
    whole = train(tmp_path / "whole", decoded=decoded)
    stopped = stop_at(tmp_path / "stopped", decoded, 6, 8, 9)
    assert [line["step"] for line in metrics(whole)] == [4, 8, 12, 16, 20, 24]
    assert metrics(stopped) == metrics(whole)
    losses = [line["loss"] for line in metrics(done)]
    assert [line["loss"] for line in metrics(whole)] == pytest.approx(
        [sum(losses[at : at + 4]) / 4 for at in range(0, 24, 4)], abs=1e-6
    )


def test_online_balancing_goes_on_in_the_same_epoch(run, decoded, tmp_path):
    for name in ("whole", "stopped"):
        create_training(tmp_path / name, run, nano(arm="online", t=12.0), name=name)
    whole = train(tmp_path / "whole", decoded=decoded)
    assert whole.totals["epoch"] >= 3
    assert_same(stop_at(tmp_path / "stopped", decoded, 7, 15), whole)


class Broken(BaseException):
    """What no code of ours catches."""


def test_a_job_that_dies_goes_on_from_the_last_state_and_takes_back_the_lines_behind_it(
    run, decoded, tmp_path, done, monkeypatch
):
    monkeypatch.setattr(fit, "SAVED_EVERY_S", 0.0)
    create_training(tmp_path / "died", run, nano(), name="died")

    def die(progress):
        if progress.phase == "train" and progress.done == 16 * 12:
            monkeypatch.setattr(fit, "SAVED_EVERY_S", 1e9)
        if progress.phase == "train" and progress.done == 16 * 17:
            raise Broken

    with pytest.raises(Broken):
        train(tmp_path / "died", decoded=decoded, on_progress=die)
    assert len(read_metrics(tmp_path / "died")) == 16
    with (tmp_path / "died" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 17, "samp')  # as another version may have left it
    began = []
    training = train(tmp_path / "died", decoded=decoded, on_progress=began.append)
    assert next(progress.done for progress in began if progress.phase == "train") == 16 * 11
    assert_same(training, done)


KILLED = """
import sys
from pathlib import Path
from curation.clip.training import fit
from curation.clip.training.train import train
fit.SAVED_EVERY_S = 0.0
train(Path(sys.argv[1]), decoded=Path(sys.argv[2]))
"""


def test_a_killed_job_reads_as_interrupted_and_the_next_one_ends_as_an_undisturbed_one(run, decoded, tmp_path, done):
    path = create_training(tmp_path / "killed", run, nano(), name="killed").path
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, path, decoded], env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    until = time.monotonic() + 120
    while not (path / RESUME).is_file():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert Training.open(path).state == "interrupted"
    (path / ".resume.safetensors.0badcafe.tmp").write_bytes(b"left by the killed job")
    training = train(path, decoded=decoded)
    assert_same(training, done)
    assert not list(path.rglob("*.tmp"))


def test_a_full_disk_while_metrics_and_states_are_written_does_not_stop_a_training(
    run, decoded, tmp_path, done, monkeypatch
):
    whole = files.whole

    def full(path: Path):
        if path.name in ("metrics.jsonl", "progress.json", RESUME):
            raise OSError(28, "No space left on device", str(path))
        return whole(path)

    create_training(tmp_path / "full", run, nano(), name="full")
    with monkeypatch.context() as disk:
        disk.setattr(files, "whole", full)
        disk.setattr(fit, "SAVED_EVERY_S", 0.0)
        training = train(tmp_path / "full", decoded=decoded)
    assert training.state == "done" and read_metrics(training.path) == []
    ours, theirs = weights(training), weights(done)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert training.totals["loss"] == done.totals["loss"]


def test_what_could_not_be_written_comes_with_the_next_line(tmp_path, monkeypatch):
    told = []
    kept = Metrics(tmp_path, 0, told.append)
    with monkeypatch.context() as disk:
        disk.setattr(files, "whole", lambda path: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        kept.add(step=1, loss=2.0)
    assert read_metrics(tmp_path) == []
    kept.add(step=2, loss=1.5)
    assert read_metrics(tmp_path) == told == [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.5}]
    assert Metrics(tmp_path, 1, told.append).lines == [{"step": 1, "loss": 2.0}]
    assert read_metrics(tmp_path) == [{"step": 1, "loss": 2.0}]


def test_lines_that_are_none_are_left_out_of_the_metrics(tmp_path):
    lines = [{"step": 1}, [1], {"loss": 2}, {"step": "3"}, {"step": 2}]
    (tmp_path / "metrics.jsonl").write_bytes(
        b"\n".join(json.dumps(line).encode() for line in lines) + b'\n\xff\n{"step": 3, "los'
    )
    assert read_metrics(tmp_path) == [{"step": 1}, {"step": 2}]


@pytest.fixture
def state(tmp_path):
    """A model and an optimiser after two steps, and their state on disk."""
    torch.manual_seed(0)
    model = new_model(small_cfg())
    optimizer = optimizer_of(model, nano())
    for _ in range(2):
        model.text_projection.grad = torch.rand_like(model.text_projection)
        optimizer.step()
    save_state(tmp_path, model, optimizer, State(2, Place(1, 5), (0.1, 1 / 3), 12.5))
    return model, optimizer


def test_a_state_is_put_back_whole(tmp_path, state):
    drawn = torch.rand(3)
    torch.manual_seed(7)
    model = new_model(small_cfg())
    optimizer = optimizer_of(model, nano())
    assert load_state(tmp_path, model, optimizer) == State(2, Place(1, 5), (0.1, 1 / 3), 12.5)
    assert torch.equal(torch.rand(3), drawn)
    assert all(
        torch.equal(ours, theirs) for ours, theirs in zip(model.parameters(), state[0].parameters(), strict=True)
    )
    for of, its_optimizer in ((model, optimizer), state):
        of.text_projection.grad = torch.ones_like(of.text_projection)
        its_optimizer.step()
    assert torch.equal(model.text_projection, state[0].text_projection)


@on_cuda
def test_what_cuda_draws_goes_on_as_well(tmp_path):
    model = new_model(small_cfg()).cuda()
    torch.rand(5, device="cuda")
    save_state(tmp_path, model, optimizer_of(model, nano()), State(1))
    drawn = torch.rand(3, device="cuda")
    torch.manual_seed(7)
    load_state(tmp_path, model, optimizer_of(model, nano()))
    assert torch.equal(torch.rand(3, device="cuda"), drawn)


@on_cuda
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_on_cuda_a_stopped_training_ends_as_an_undisturbed_one(run, decoded, tmp_path, precision):
    for name in ("whole", "stopped"):
        create_training(tmp_path / name, run, nano(precision=precision), name=name)
    whole = train(tmp_path / "whole", decoded=decoded)
    assert_same(stop_at(tmp_path / "stopped", decoded, 5, 14), whole)


def test_without_a_state_it_is_the_beginning(tmp_path):
    model = new_model(small_cfg())
    assert load_state(tmp_path, model, optimizer_of(model, nano())) == State()


@pytest.mark.parametrize("damage", ["cut", "empty", "other model", "no state"])
def test_a_damaged_state_is_told_in_words(tmp_path, state, damage):
    path = tmp_path / RESUME
    if damage == "cut":
        os.truncate(path, path.stat().st_size // 2)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "no state":
        save_file({"random": torch.get_rng_state()}, path)
    model = new_model({**small_cfg(), "embed_dim": 16} if damage == "other model" else small_cfg())
    with pytest.raises(
        UnreadableFile, match=r"resume\.safetensors: damaged \(.*\); delete it to train from the beg"
    ) as error:
        load_state(tmp_path, model, optimizer_of(model, nano()))
    assert "\n" not in str(error.value)
