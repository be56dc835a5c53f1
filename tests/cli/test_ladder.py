import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.clip.ladder.folder import Ladder
from pictures import picture

SMALL = ["--model", "headtail-nano", "--samples", "32", "--batch-size", "16", "--workers", "1"]


@pytest.fixture
def evaluation(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path / "workspace"))
    path = tmp_path / "eval.parquet"
    pq.write_table(pa.table({"image": [picture(1), picture(2)], "label": ["w1", "w11"]}), path)
    return path


def test_a_ladder_is_climbed_and_told_in_a_table_and_a_sentence(headtail, picture_run, evaluation, tmp_path):
    out = tmp_path / "ladder"
    asked = [
        str(picture_run.path),
        "--evaluate",
        str(evaluation),
        "-o",
        str(out),
        "--arms",
        "matched,balanced",
        "-t",
        "5",
    ]
    code, told, _ = headtail("ladder", *asked, *SMALL)
    lines = told.splitlines()
    assert (code, lines[0].split()) == (0, ["arm", "pairs", "passes", "seeds", "all", "head", "tail"])
    assert [line.split()[0] for line in lines[1:3]] == ["matched", "balanced-t5"]
    assert lines[3] == "zero-shot accuracy in % of 2 pictures"
    assert lines[4].startswith("Balanced at t = 5")
    code, told, _ = headtail("ladder", str(picture_run.path), "--resume", "-o", str(out), "--json")
    found = json.loads(told)
    assert found["verdict"] == lines[4]
    assert {row["rung"] for row in found["accuracies"]} == {"matched", "balanced-t5"}


def test_seeds_and_sweep_are_lists(headtail, picture_run, evaluation, tmp_path):
    out = tmp_path / "ladder"
    lists = ["--arms", "balanced", "--seeds", "1,2", "--sweep", "20,5.5", "-t", "5"]
    code, _, _ = headtail(
        "ladder", str(picture_run.path), "--evaluate", str(evaluation), "-o", str(out), *lists, *SMALL
    )
    config = Ladder.open(out).config
    assert (code, config.seeds, config.sweep) == (0, (1, 2), (20.0, 5.5))
    assert [rung.key for rung in config.rungs] == ["balanced-t5", "balanced-t5.5", "balanced-t20"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([], "no evaluation set: give --evaluate FILE"),
        (["--evaluate", "e", "--arms", "raw,best"], "arm 'best': give one of raw"),
        (["--evaluate", "e", "--seeds", "one"], "seeds 'one': give numbers with commas"),
        (["--evaluate", "e", "--samples", "10"], "samples 10: give at least one batch of 64"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(headtail, picture_run, tmp_path, asked, told):
    code, _, error = headtail("ladder", str(picture_run.path), "-o", str(tmp_path / "ladder"), *asked)
    assert (code, told in error, error.count("\n")) == (2, True, 1)
    assert not (tmp_path / "ladder").exists()
