"""The commands as people call them: in a process of their own, or (for speed) through `main`."""

import json
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from conftest import write_pool
from curation import queries
from curation.runs.folder import open_run


def test_the_whole_journey(world, headtail):
    code, out, err = headtail(
        "curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", "2", "-o", world / "run"
    )
    run = open_run(world / "run")
    kept = queries.size(run, 2.0).kept
    assert (code, err) == (0, "")
    assert f"t = 2: {kept} pairs kept of 8" in out
    assert "2 no entry matches" in out

    code, out, _ = headtail("size", world / "run", "-t", "3", "--json")
    assert json.loads(out)["kept"] == queries.size(run, 3.0).kept

    code, out, _ = headtail("threshold", world / "run", "--size", 5, "--json")
    assert json.loads(out)["kept"] == 5

    code, out, _ = headtail("why", world / "run", "pair-000001")
    assert out.startswith("a hot dog\nt = 2: kept; t_min = ")
    assert "hot dog      1  1.0000" in out

    code, out, _ = headtail("why", world / "run", "pair-000004", "--json")
    assert json.loads(out) | {"t_min": None, "kept": False, "entries": []} == json.loads(out)

    code, out, _ = headtail("runs", world)
    assert out.startswith("done ")
    assert f"{kept} kept at t = 2" in out

    code, out, _ = headtail("export", world / "run", "-t", "2", "--format", "parquet", "-o", world / "out")
    assert out.startswith(f"{kept} pairs at t = 2")
    assert len(pq.read_table(world / "out")) == kept


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["size", "{w}"], 1, "not a run folder (no run.json)"),
        (["size", "{r}", "-t", "0.5"], 2, "t = 0.5"),
        (["threshold", "{r}"], 2, "give either --size N or --tail-share P"),
        (["threshold", "{r}", "--tail-share", "7"], 2, "from 0 to 1"),
        (["why", "{r}", "nobody"], 2, "no such pair"),
        (["export", "{r}", "-o", "{w}"], 1, "exists already"),
        (["export", "{r}", "-o", "{w}/x", "--format", "floppy"], 2, "floppy"),
        (["metadata", "build", "--wordnet", "{w}", "-o", "{w}/m.json"], 2, "no data.noun"),
        (["metadata", "show", "{w}/nothing.json"], 2, "no such file"),
        (["export", "{r}", "-o", "{w}/x", "--format", "webdataset"], 2, "they are not in the pool of this run"),
        (["export", "{r}", "-o", "{w}/x", "--format", "uids"], 2, "uids of 32 lower-case hexadecimal digits"),
        (["export", "{r}", "-o", "{w}/x", "--shard-rows", "0"], 2, "shard rows 0: give a number from 1 up"),
        (["verify", "{w}"], 1, "not a run folder"),
        (["diff", "{r}", "{w}"], 1, "neither a run folder"),
        (["diff", "{r}", "{r}", "--t-b", "0"], 2, "t = 0"),
        (["app", "{w}/nothing"], 1, "not a run folder"),
        (["frobnicate"], 2, "frobnicate"),
        (["curate", "--resume", "-o", "{r}", "--workers", "-1"], 2, "workers -1: give a number from 0 up"),
        (["app", "{r}", "--port", "70000"], 2, "--port"),
    ],
)
def test_other_commands_refuse_in_one_line_too(world, run_folder, headtail, arguments, code, message):
    got, out, err = headtail(*(part.format(w=world, r=run_folder) for part in arguments))
    assert (got, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1


def test_text_from_data_cannot_drive_the_terminal(world, headtail):
    write_pool(world / "evil.parquet", ["dog \x1b[2J\x07 \u202e dog"])
    headtail("curate", world / "evil.parquet", "--metadata", world / "entries.json", "-t", 2, "-o", world / "evil")
    _, out, _ = headtail("why", world / "evil", "pair-000000")
    assert "dog  [2J    dog" in out
    assert "\x1b" not in out


def headtail_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "curation", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_process_exits_as_main_says_and_without_a_traceback(world):
    done = headtail_process(
        "curate", world / "missing.parquet", "--metadata", world / "entries.json", "-o", world / "run"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error(world):
    (world / "many.json").write_text(json.dumps([f"entry {n}.5" for n in range(5000)]))
    command = [sys.executable, "-m", "curation", "metadata", "show", str(world / "many.json"), "--dead", "5000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait()


def test_help_names_every_command_and_its_option_defaults_come_from_the_configuration():
    started = time.monotonic()
    text = headtail_process("--help").stdout
    assert time.monotonic() - started < 10
    names = ("app", "curate", "diff", "export", "metadata", "runs", "size", "threshold", "verify", "why")
    assert all(f" {name} " in text for name in names)
    assert "[default: uid]" in headtail_process("curate", "--help").stdout
