import json
from contextlib import nullcontext

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import TEXTS, write_pool
from curation.runs.folder import open_run
from inline import InlineEngine


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{w}/missing.parquet", "--metadata", "{w}/entries.json"], 2, "missing.parquet: no such file"),
        (["{w}/notext.parquet", "--metadata", "{w}/entries.json"], 2, "no column 'text' (found: words)"),
        (["{w}/half.parquet", "--metadata", "{w}/entries.json"], 1, "half.parquet: not a whole Parquet file"),
        (["{w}/empty.parquet", "--metadata", "{w}/entries.json"], 1, "not one row"),
        (["{w}/pool.parquet", "--metadata", "{w}/none.json"], 1, "not one usable entry"),
        (["{w}/pool.parquet", "--metadata", "{w}/missing.json"], 2, "missing.json: no such file"),
        (["{w}/pool.parquet", "--metadata", "{w}/entries.json", "-t", "0"], 2, "t 0: give a number from 1 up"),
        (
            ["{w}/pool.parquet", "--metadata", "{w}/entries.json", "-t", "many"],
            2,
            'unable to convert "many" into float',
        ),
        (["{w}/pool.parquet", "--metadata", "{w}/entries.json", "-t", "2", "--size", "3"], 2, "choose one"),
        (["{w}/pool.parquet", "--metadata", "{w}/entries.json", "--size", "100"], 2, "size 100: this pool gives from"),
        (["{w}/pool.parquet"], 2, "no metadata: give --metadata FILE"),
        (["--metadata", "{w}/entries.json"], 2, "no pool: give files"),
        (["--resume"], 1, "not a run folder"),
        (["{w}/pool.parquet", "--metadata", "{w}/entries.json", "--frobnicate"], 2, "--frobnicate"),
    ],
)
def test_bad_input_gets_one_clear_line(world, headtail, arguments, code, message):
    pq.write_table(pa.table({"words": ["a"]}), world / "notext.parquet")
    write_pool(world / "empty.parquet", [])
    write_pool(world / "half.parquet", TEXTS * 100)
    half = (world / "half.parquet").read_bytes()
    (world / "half.parquet").write_bytes(half[: len(half) // 2])
    (world / "none.json").write_text("[]")
    got, out, err = headtail("curate", *(part.format(w=world) for part in arguments), "-o", world / "run")
    assert (got, out) == (code, "")
    assert message in err
    assert err.startswith("headtail: ")
    assert err.count("\n") == 1


def test_bad_input_leaves_no_run_folder_behind(world, headtail):
    headtail("curate", world / "missing.parquet", "--metadata", world / "entries.json", "-o", world / "run")
    assert not (world / "run").exists()


def test_a_finished_run_is_not_begun_again_without_being_asked(world, run_folder, headtail):
    code, _, err = headtail("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-o", run_folder)
    assert (code, "--resume" in err) == (1, True)
    code, out, _ = headtail("curate", "--resume", "-o", run_folder)
    assert code == 0
    assert "pairs kept" in out


def test_runs_of_an_empty_folder_say_how_to_make_one(tmp_path, headtail):
    assert "make one with 'headtail curate" in headtail("runs", tmp_path)[1]
    assert json.loads(headtail("runs", tmp_path, "--json")[1]) == {"runs": [], "strangers": []}


def test_a_cancelled_run_says_how_to_go_on_and_goes_on(world, headtail, monkeypatch):
    pool, run = world / "pool.parquet", world / "run"
    with monkeypatch.context() as at_once:
        at_once.setattr("curation.runs.job.stop_on_signal", lambda: nullcontext(lambda: True))
        code, out, err = headtail("curate", pool, "--metadata", world / "entries.json", "-t", 2, "-o", run)
        assert (code, out, err) == (
            1,
            "",
            f"headtail: {run}: cancelled; what is done is kept, go on with 'headtail curate --resume -o {run}'\n",
        )
        assert headtail("run", run) == (0, "", "")
    assert open_run(run).state == "cancelled"
    assert headtail("curate", "--resume", "-o", run)[0] == 0
    assert open_run(run).state == "done"


def test_metadata_of_several_languages_is_shown_curated_and_told_by_language(tmp_path, headtail):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "en.json").write_text('["dog", "cat"]')
    (tmp_path / "lists" / "zh.txt").write_text("狗\n热狗\n")
    texts, tags = ["a dog", "a cat", "热狗", "un chien", "IMG_1"], ["en", "eng", "zh-Hans", "fr", None]
    pq.write_table(pa.table({"text": texts, "language": tags}), tmp_path / "pool.parquet")
    _, out, _ = headtail("metadata", "show", tmp_path / "lists")
    assert "  en  2\n  zh  2\n" in out
    code, out, err = headtail(
        *("curate", tmp_path / "pool.parquet", "--metadata", tmp_path / "lists", "-t", 2, "--identify", "never"),
        *("-o", tmp_path / "run"),
    )
    assert (code, err) == (0, "")
    assert "language   5    3  1 language has no metadata: fr, 1 language not identified" in out
    table = out[out.index("language  pairs") :].splitlines()
    assert [line.split() for line in table] == [
        ["language", "pairs", "matched", "t", "kept"],
        ["en", "2", "2", "2", "2"],
        ["zh", "1", "1", "2", "1"],
    ]
    (pair,) = (
        row
        for row in pq.read_table(tmp_path / "run" / "pairs" / "00000.parquet").to_pylist()
        if row["language"] == "zh"
    )
    uid = pair["uid"]
    assert "in 'zh', t is 2: compare that with u x count" in headtail("why", tmp_path / "run", uid)[1]
    assert [one["language"] for one in json.loads(headtail("size", tmp_path / "run", "--json")[1])["by_language"]] == [
        *("en", "fr", "und", "zh")
    ]


def test_a_reference_language_without_a_list_is_refused_in_one_line(world, headtail):
    (world / "lists").mkdir()
    (world / "lists" / "de.json").write_text('["Hund"]')
    code, _, err = headtail("curate", world / "pool.parquet", "--metadata", world / "lists", "-o", world / "run")
    assert code == 2 and err.count("\n") == 1
    assert "reference language 'en': metadata has de" in err


def test_filters_are_options_of_curate_and_steps_of_the_funnel(world, headtail):
    command = ("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2, "-o", world / "run")
    code, out, _ = headtail(*command, "--filter", "align", "--max-words", 3, "--frequent-words", 0, "--distinct-texts")
    assert code == 0
    assert "filter: too few words 8 3 5 too few words" in " ".join(out.split())
    assert open_run(world / "run").config.active_filters == (
        "short side", "aspect ratio", "too few words", "too many words", "same text", "texts per image",
        "images per text",
    )  # fmt: skip
    code, out, _ = headtail("size", world / "run", "--json")
    steps = {step["step"]: (step["rows_in"], step["rows_out"]) for step in json.loads(out)["funnel"]}
    assert steps["filter: too many words"] == (3, 2)


def test_a_bad_pattern_is_refused_before_a_run_is_made(world, headtail):
    command = ("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2, "-o", world / "run")
    code, _, err = headtail(*command, "--text-matches", "(dog")
    assert (code, err.count("\n")) == (2, 1)
    assert "text matches '(dog': no regular expression of RE2 (missing ): (dog)" in err
    assert not (world / "run").exists()


def test_a_dry_run_predicts_and_writes_nothing(world, headtail):
    command = ("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2, "--dry-run")
    before = sorted(world.rglob("*"))
    code, out, err = headtail(*command)
    assert (code, err) == (0, "")
    assert out.startswith("estimate, from 8 rows (100.00% of the pool) in 1 of 1 parts")
    found = json.loads(headtail(*command, "--json")[1])
    assert found["pairs"] == {"value": 8.0, "low": 8.0, "high": 8.0}
    assert sorted(world.rglob("*")) == before


def test_the_sample_of_a_dry_run_lies_where_the_run_will_and_is_gone_after(world, headtail, monkeypatch):
    asked = []

    class Looking(InlineEngine):
        def check(self, folder, reads):
            asked.append((folder.parent, folder.is_dir(), reads))

    monkeypatch.setattr("curation.engines.config.open_engine", lambda config: Looking())
    command = ("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2, "--dry-run")
    before = sorted(world.rglob("*"))
    code, _, err = headtail(*command, "-o", world / "not" / "there" / "run", "--engine", "ray", "--address", "a:1")
    assert (code, err) == (0, "")
    assert asked == [(world, True, [str(world / "pool.parquet")])]
    assert sorted(world.rglob("*")) == before


def test_a_dry_run_on_a_cluster_has_to_know_where_the_run_will_be(world, headtail):
    command = ("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2, "--dry-run")
    code, out, err = headtail(*command, "--engine", "ray", "--address", "127.0.0.1:1")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "give --output DIR, in a folder that all nodes share" in err


def test_without_a_run_folder_there_is_only_a_dry_run(world, headtail):
    code, out, err = headtail("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2)
    assert (code, out, err) == (2, "", "headtail: no run folder: give --output DIR\n")
