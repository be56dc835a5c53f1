import json
import re

import pytest

from clip.models import write_small_checkpoint
from clip.test_bench import write_set
from curation import queries


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two checkpoints and an evaluation set."""
    folder = tmp_path_factory.mktemp("world")
    write_small_checkpoint(folder / "one")
    write_small_checkpoint(folder / "two", seed=1)
    write_set(folder / "colours.parquet")
    return folder


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


PROBE = ("two", "probe", "top-1")


def found(workspace):
    return queries.evaluations([workspace / "results.parquet"]).to_pylist()


def test_checkpoints_are_measured_once_and_the_table_remembers(world, workspace, headtail):
    command = [
        "evaluate", world / "one", world / "two", "--data", world / "colours.parquet",
        "--shots", "5", "--seeds", "0,1", "--templates", "plain",
    ]  # fmt: skip
    both = ["--protocol", "zero-shot,probe"]
    code, out, err = headtail(*command, *both)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.split(r"  +", lines[0]) == [
        "checkpoint", "data", "protocol", "templates", "shots", "metric", "%", "95 %", "sd", "n", "dropped",
    ]  # fmt: skip
    assert len(lines) == 1 + 2 * 6 + 1
    assert lines[-1] == f"6 measured, 0 were there already: {workspace / 'results.parquet'}"
    probe = next(line for line in lines if line.startswith("two") and " probe " in line and "top-1" in line)
    (row,) = (row for row in found(workspace) if (row["checkpoint"], row["protocol"], row["metric"]) == PROBE)
    value, low, high, sd = (f"{100 * row[name]:.2f}" for name in ("value", "low", "high", "sd"))
    assert re.split(r"  +", probe)[3:] == ["5", "top-1", value, f"{low} - {high}", sd, "24", "1"]

    code, out, _ = headtail(*command, *both, "--json")
    told = json.loads(out)
    assert (told["measured"], told["there"], told["notes"], len(told["results"])) == (0, 6, [], 12)
    code, out, _ = headtail(*command, "--protocol", "zero-shot", "--again", "--json")
    assert (json.loads(out)["measured"], len(json.loads(out)["results"])) == (2, 12)


def test_a_table_of_its_own_and_class_names_of_its_own(world, tmp_path, headtail):
    names = tmp_path / "names.txt"
    names.write_text("dog\ncat\nhouse\npalm tree\nfire engine\nsun\nzebra")
    own = ["--labels", names, "--templates", tmp_path / "mine.txt", "-o", tmp_path / "mine.parquet"]
    (tmp_path / "mine.txt").write_text("a {}\nthe {}")
    code, out, _ = headtail(
        "evaluate", world / "one", "--data", world / "colours.parquet", "--protocol", "zero-shot", *own
    )
    assert code == 0
    assert f"1 measured, 0 were there already: {tmp_path / 'mine.parquet'}" in out
    assert "mine.txt@" in out
    assert not (tmp_path / "runs" / "results.parquet").exists()


def test_what_cannot_be_measured_is_said_and_the_rest_is_measured(world, tmp_path, headtail):
    write_set(tmp_path / "set.parquet", split="test")
    code, out, _ = headtail(
        "evaluate", world / "one", "--data", tmp_path / "set.parquet", "--protocol", "retrieval,probe,probe-text"
    )
    assert code == 0
    assert (
        "set: probe, probe-text left out: it has no training split beside its test split,"
        " with two pictures of a class or more\n1 measured"
    ) in out
    code, _, err = headtail("evaluate", world / "one", "--data", tmp_path / "set.parquet", "--protocol", "probe")
    assert code == 2
    assert err.startswith("headtail: nothing can be measured: set: probe left out: it has no training split")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["one"], "give one checkpoint or more, and --data with one evaluation set or more"),
        (["one", "--data", "colours.parquet", "--protocol", "five-shot"], "give some of zero-shot, retrieval, probe"),
        (["one", "--data", "colours.parquet", "--shots", "5,many"], "--shots 'many': give whole numbers or full"),
        (["one", "--data", "colours.parquet", "--shots", "1"], "shots: give 2 or more"),
        (["one", "--data", "colours.parquet", "--seeds", "-1"], "--seeds '-1': give whole numbers"),
        (["one", "--data", "colours.parquet", "--templates", "some"], "neither a file nor a set of templates"),
        (["one", "--data", "nothing"], "nothing: no such file or folder"),
        (["one", "--data", "colours.parquet", "-o", "results.csv"], "results go into a .parquet file"),
        (["nothing-like-it", "--data", "colours.parquet"], "model 'nothing-like-it'"),
    ],
)
def test_wrong_arguments_are_refused_in_a_line(world, monkeypatch, headtail, arguments, says):
    monkeypatch.chdir(world)
    code, out, err = headtail("evaluate", *arguments)
    assert (code, out) == (2, "")
    assert says in err and err.count("\n") == 1
