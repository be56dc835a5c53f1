"""The commands as people call them: in a process of their own, or (for speed) through `main`."""

import json
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import TEXTS, write_pool
from curation import cli, queries
from curation.class_lists import parse_names
from curation.runs.folder import open_run
from wikipedia.dumps import PAGES, write_dump


@pytest.fixture
def headtail(capsys):
    """Run a command; its exit code, what it printed, and what it complained about."""

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            cli.main([*map(str, arguments)])
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def world(tmp_path):
    """A pool and metadata on disk."""
    write_pool(tmp_path / "pool.parquet", TEXTS)
    (tmp_path / "entries.json").write_text(json.dumps(["dog", "hot dog", "cat", "a", "photo", "U.S."]))
    return tmp_path


@pytest.fixture
def run_folder(world, headtail):
    code, _, _ = headtail(
        "curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2, "-o", world / "run"
    )
    assert code == 0
    return world / "run"


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
        (["curate", "--resume", "-o", "{r}", "--workers", "-1"], 2, "--workers"),
        (["app", "{r}", "--port", "70000"], 2, "--port"),
    ],
)
def test_other_commands_refuse_in_one_line_too(world, run_folder, headtail, arguments, code, message):
    got, out, err = headtail(*(part.format(w=world, r=run_folder) for part in arguments))
    assert (got, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1


def test_an_export_says_what_it_left_out(picture_run, tmp_path, headtail):
    code, out, err = headtail(
        "export", picture_run.path, "--format", "webdataset", "--shard-rows", 100, "-o", tmp_path / "out"
    )
    assert (code, err) == (0, "")
    assert "(no image)" in out
    assert len(list((tmp_path / "out").glob("*.tar"))) == 5
    code, out, _ = headtail("export", picture_run.path, "--no-images", "-t", 30, "-o", tmp_path / "plain", "--json")
    manifest = json.loads(out)
    assert (code, manifest["t"], "image" in manifest["columns"]) == (0, 30.0, False)


def test_a_cancelled_export_says_so_and_leaves_nothing(run_folder, tmp_path, headtail, monkeypatch):
    monkeypatch.setattr("curation.runs.job.stop_on_signal", lambda: nullcontext(lambda: True))
    out = tmp_path / "out"
    assert headtail("export", run_folder, "-o", out) == (1, "", f"headtail: {out}: cancelled; nothing was written\n")
    assert not list(tmp_path.glob("*out*"))


def test_verify_exits_0_without_a_finding_and_1_with_a_line_for_each(world, run_folder, headtail):
    headtail("export", run_folder, "-o", world / "out")
    assert headtail("verify", run_folder)[:2] == (
        0,
        f"{run_folder}: 1 files checked, 8 pairs of 1 of 1 units derived again: no finding(s)\n",
    )
    assert headtail("verify", world / "out")[0] == 0
    code, out, _ = headtail("verify", world / "out", "--json")
    assert json.loads(out)["findings"] == []
    (world / "out" / "00000.parquet").write_bytes(b"PAR1")
    (run_folder / "pairs" / "00000.parquet").rename(world / "away.parquet")
    code, out, err = headtail("verify", run_folder, "--all")
    assert (code, err) == (1, "")
    assert out.splitlines()[-1].endswith(f"{out.count(chr(10)) - 1} finding(s)")
    assert "pairs/00000.parquet: " in out
    (world / "away.parquet").rename(run_folder / "pairs" / "00000.parquet")
    run_folder.rename(world / "moved")
    code, out, err = headtail("verify", world / "out")
    assert (code, out, "say where it is by --run RUN" in err) == (1, "", True)
    code, out, _ = headtail("verify", world / "out", "--run", world / "moved", "--json")
    assert code == 1
    assert "00000.parquet: its bytes do not fit the sha256 of the manifest" in json.loads(out)["findings"]


def test_diff_tells_two_thresholds_apart(zipf_run, headtail):
    code, out, err = headtail("diff", zipf_run.path, zipf_run.path, "--t-b", 150, "--examples", 2)
    sizes = [queries.size(zipf_run, t).kept for t in (100.0, 150.0)]
    assert (code, err) == (0, "")
    assert f"{sizes[0]:,}  {sizes[1]:,}" in out
    assert "t: 100.0 | 150.0" in out
    assert f"pairs only in B: {sizes[1] - sizes[0]:,} (pair-" in out
    assert "KL(A || B) = 0.0" in out
    code, out, _ = headtail("diff", zipf_run.path, zipf_run.path, "--t-b", 150, "--json")
    answer = json.loads(out)
    assert (answer["pairs"]["only_a"], answer["pairs"]["only_b"]) == (0, sizes[1] - sizes[0])
    assert len(answer["changed"]) == 10


def test_a_finished_run_is_not_begun_again_without_being_asked(world, run_folder, headtail):
    code, _, err = headtail("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-o", run_folder)
    assert (code, "--resume" in err) == (1, True)
    code, out, _ = headtail("curate", "--resume", "-o", run_folder)
    assert code == 0
    assert "pairs kept" in out


def test_metadata_is_built_and_shown(world, headtail):
    dict_folder = world / "dict"
    dict_folder.mkdir()
    for name in ("data.noun", "data.verb", "data.adj", "data.adv"):
        (dict_folder / name).write_text(f"00001740 03 n 01 {name[5:]}_St._Louis 0 000 | x\n")
    code, out, _ = headtail("metadata", "build", "--wordnet", dict_folder, "-o", world / "wordnet.parquet")
    assert code == 0
    assert "104 entries" in out
    code, out, _ = headtail("metadata", "show", world / "wordnet.parquet", "--json")
    shown = json.loads(out)
    assert (shown["entries"], shown["by_source"], shown["dead"]) == (104, {"wordnet": 104}, 4)
    assert shown["dead_entries"][0] == {"entry": "noun st. louis", "reason": "'.' inside a word"}
    code, out, _ = headtail("metadata", "show", world / "wordnet.parquet")
    assert "dead, no text can match them: 4" in out
    assert "noun st. louis" in out


@pytest.fixture
def wikipedia(world):
    """A dump, and page views."""
    write_dump(world / "wiki.xml.bz2", PAGES)
    (world / "pageviews-20220101-000000").write_bytes(
        b"en Hot_dog 60 0\nen.m Hot_dog 30 0\nen Dog 69 0\nen File:X 99 0\n"
    )
    return world


def test_metadata_comes_from_a_dump_and_from_page_views(wikipedia, headtail):
    ngrams, titles = wikipedia / "ngrams.parquet", wikipedia / "pageviews-20220101-000000"
    assert headtail("metadata", "count", wikipedia / "wiki.xml.bz2", "-o", ngrams) == (
        0,
        f"{ngrams}: 8 words and 6 pairs of words, 13 tokens\n"
        "  2 articles of 4 pages (left out: 1 another namespace, 1 redirect)\n",
        "",
    )
    sources = ["--unigrams", ngrams, "--bigrams", ngrams, "--titles", titles, "--min-bigram-count", 1]
    code, out, err = headtail("metadata", "thresholds", *sources, "--min-count", 2, "--min-pmi", 2)
    assert (code, err) == (0, "")
    lines = out.split("\n")
    assert lines[:3] == ["unigrams: 8 in all, 8 considered", "count >=  entries", "       2        4  chosen"]
    assert "bigrams: 6 in all, 6 considered" in lines
    assert "     2        5  chosen" in lines[lines.index("bigrams: 6 in all, 6 considered") :]
    assert "    30        0  paper" in lines
    assert "      70        1  chosen, paper" in lines

    output = wikipedia / "wiki.parquet"
    code, out, err = headtail("metadata", "build", *sources, "--min-count", 2, "--max-bigrams", 2, "-o", output)
    assert (code, err) == (0, "")
    assert out.split("\n") == [
        f"{output}: 7 entries",
        "  unigrams  4",
        "  bigrams   2",
        "  titles    1",
        "  left out: 1 (another namespace)",
        "  dead, no text can match them: 0",
        "source    available  chosen  already there  new",
        "unigrams          8       4              0    4",
        "bigrams           6       2              0    2",
        "titles            2       1              0    1",
        "",
    ]
    assert pq.read_table(output).to_pydict() == {
        "entry": ["hot", "A", "Dogs", "dog", "are animals", "Dogs are", "Hot dog"],
        "source": ["unigrams"] * 4 + ["bigrams"] * 2 + ["titles"],
    }


def test_a_source_that_gives_nothing_says_how_far_it_is_from_the_threshold(wikipedia, headtail):
    ngrams = wikipedia / "ngrams.parquet"
    headtail("metadata", "count", wikipedia / "wiki.xml.bz2", "-o", ngrams)
    sources = ["--unigrams", ngrams, "--min-count", 1, "--bigrams", ngrams, "--min-bigram-count", 1]
    _, out, _ = headtail("metadata", "build", *sources, "-o", wikipedia / "m.txt")
    assert out.endswith("not one of the bigrams reaches the threshold: the highest is 3.700439718\n")
    _, out, _ = headtail("metadata", "build", *sources, "-o", wikipedia / "m.txt", "--json")
    assert json.loads(out)["sources"][1] == {
        "source": "bigrams", "available": 6, "best": 3.700439718, "chosen": 0, "already_there": 0, "new": 0
    }  # fmt: skip
    _, out, _ = headtail("metadata", "thresholds", *sources, "--json")
    assert json.loads(out)[1]["effects"][-1] == {"threshold": 30.0, "entries": 0, "note": "paper"}


def test_a_cancelled_count_says_how_to_go_on_and_goes_on(wikipedia, headtail, monkeypatch):
    dump, output = wikipedia / "wiki.xml.bz2", wikipedia / "ngrams.parquet"
    with monkeypatch.context() as at_once:
        at_once.setattr("curation.runs.job.stop_on_signal", lambda: nullcontext(lambda: True))
        assert headtail("metadata", "count", dump, "-o", output) == (
            1,
            "",
            f"headtail: {output}: cancelled; what is done is kept, go on with"
            f" 'headtail metadata count {dump} -o {output} --resume'\n",
        )
    code, out, _ = headtail("metadata", "count", dump, "-o", output, "--resume", "--json")
    assert (code, json.loads(out)["tokens"]) == (0, 13)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["count", "{w}/none.xml.bz2", "-o", "{w}/n.parquet"], 2, "none.xml.bz2: no such file; give a pages-articles"),
        (["count", "{w}/entries.json", "-o", "{w}/n.parquet"], 1, "entries.json: neither XML nor XML in bzip2 or gzip"),
        (["count", "{w}/empty.xml.bz2", "-o", "{w}/n.parquet"], 1, "empty.xml.bz2: not one article among 0 pages"),
        (["count", "{w}/cut.xml.bz2", "-o", "{w}/n.parquet"], 1, "cut.xml.bz2: cut short or damaged near byte"),
        (["count", "{w}/wiki.xml.bz2", "-o", "{w}/n.parquet", "--resume"], 1, "n.parquet: no count to go on with"),
        (["count", "{w}/wiki.xml.bz2", "-o", "{w}/n.parquet", "--budget", "0"], 2, "--budget"),
        (["build", "-o", "{w}/m.txt"], 2, "no source: give --wordnet DIR, --unigrams FILE"),
        (["build", "--unigrams", "{w}/none.parquet", "-o", "{w}/m.txt"], 2, "none.parquet: no such file"),
        (["build", "--titles", "{w}/none.gz", "-o", "{w}/m.txt"], 2, "none.gz: no such file; give hourly pageviews"),
        (["build", "--titles", "{w}/pageviews-20220101-000000", "--min-views", "0", "-o", "{w}/m.txt"], 2, "from 1 up"),
        (["thresholds"], 2, "no source: give --unigrams FILE"),
        (["thresholds", "--bigrams", "{w}/x.parquet", "--score", "npmi"], 2, "give --min-pmi or --max-bigrams"),
    ],
)
def test_bad_sources_get_one_clear_line(wikipedia, headtail, arguments, code, message):
    write_dump(wikipedia / "empty.xml.bz2", [])
    (wikipedia / "cut.xml.bz2").write_bytes((wikipedia / "wiki.xml.bz2").read_bytes()[:100])
    got, out, err = headtail("metadata", *(part.format(w=wikipedia) for part in arguments))
    assert (got, out) == (code, "")
    assert message in err
    assert err.startswith("headtail: ")
    assert err.count("\n") == 1


def test_text_from_data_cannot_drive_the_terminal(world, headtail):
    write_pool(world / "evil.parquet", ["dog \x1b[2J\x07 \u202e dog"])
    headtail("curate", world / "evil.parquet", "--metadata", world / "entries.json", "-t", 2, "-o", world / "evil")
    _, out, _ = headtail("why", world / "evil", "pair-000000")
    assert "dog  [2J    dog" in out
    assert "\x1b" not in out


def test_runs_of_an_empty_folder_say_how_to_make_one(tmp_path, headtail):
    assert "make one with 'headtail curate" in headtail("runs", tmp_path)[1]
    assert json.loads(headtail("runs", tmp_path, "--json")[1]) == []


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


def test_the_browser_is_opened_once_the_server_answers(headtail, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as nobody:
        silent = f"http://127.0.0.1:{nobody.server_port}"
    assert headtail("open-when-ready", silent, "--seconds", 0)[0] == 0
    assert opened == []
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert headtail("open-when-ready", url)[0] == 0
        thread.join()
    assert opened == [url]


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


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


def test_a_pool_is_shown_and_checked_before_anything_is_done_with_it(tmp_path, headtail):
    (tmp_path / "pool.jsonl").write_text('{"caption": "a dog", "URL": "http://x/1"}\n{\n{"caption": null}\n')
    code, out, _ = headtail("pool", "show", tmp_path / "pool.jsonl")
    assert code == 0
    assert "  text      is read from caption (guessed)\n  url       is read from URL (guessed)\na dog  {" in out
    shown = json.loads(headtail("pool", "show", tmp_path / "pool.jsonl", "--json")[1])
    assert (shown["columns"], shown["guessed"]) == ({"text": "caption", "url": "URL"}, ["text", "url"])
    code, out, _ = headtail("pool", "check", tmp_path / "pool.jsonl", "--json")
    assert (code, json.loads(out)) == (
        0,
        {
            "rows_in": 3, "kept": 1, "dropped": {"not JSON": 1, "text is null": 1}, "notes": {}, "damage": None,
            "error": None,
        },
    )  # fmt: skip
    write_pool(tmp_path / "a.parquet", ["a dog"])
    assert "a.parquet: 1 pairs of 1 rows" in headtail("pool", "check", f"file://{tmp_path}/a.parquet")[1]
    (tmp_path / "cut.csv").write_bytes(b"\xff\xfe")
    code, out, err = headtail("pool", "check", tmp_path / "cut.csv", "--json")
    found = json.loads(out)
    assert (code, err, found["rows_in"], found["kept"]) == (1, "", None, 0)
    assert "cut.csv" in found["error"]


def test_an_entry_is_told_with_its_texts_its_company_and_who_carried_it(run_folder, headtail):
    run = open_run(run_folder)
    code, out, err = headtail("entry", run_folder, "a", "-t", 1)
    carried = queries.carried(run, queries.entry_id(run, "a"), 1.0)
    assert (code, err) == (0, "")
    kept = queries.entry_facts(run, queries.entry_id(run, "a"), 1.0).kept
    assert out.startswith("a  (entries), rank 2\n")
    assert f"t = 1: {kept} of its 4 texts are kept; p = 0.25, so 1 by itself on average" in out
    assert f"of all of its 4 pairs: {carried.kept} kept, {carried.by_itself} by the entry itself" in out
    assert f"and {carried.by_others} by others alone, {carried.by_tail} of these by entries of the tail" in out
    assert "dog                       4      2     1" in out

    _, out, _ = headtail("entry", run_folder, "a", "-t", 1, "--first", 1, "--json")
    told = json.loads(out)
    assert told["facts"] | {"entry": "a", "count": 4, "rank": 2, "kept": kept, "variants": []} == told["facts"]
    assert told["company"]["entries"] == queries.company(run, 3, limit=1).entries.to_pylist()
    assert told["carried"]["by_others"] == carried.by_others

    _, out, _ = headtail("entry", run_folder, "U.S.")
    assert "matches nothing: '.' inside a word" in out
    assert headtail("entry", run_folder, "zebra")[0] == 2


def test_metadata_is_edited_from_files(world, headtail):
    (world / "add.txt").write_text("fox\nU.S.\n\ndog\n3.5\n")
    (world / "remove.json").write_text('["cat", "yeti"]')
    (world / "birds.txt").write_text("wren\ncat\n")
    arguments = ("--add", world / "add.txt", "--remove", world / "remove.json", "--merge", world / "birds.txt")
    code, out, err = headtail("metadata", "edit", world / "entries.json", *arguments, "-o", world / "new.parquet")
    assert (code, err) == (0, "")
    assert "new.parquet: 8 entries, 3 added, 1 removed" in out
    for told in ("1 (empty)", "2 (already there)", "1 (not in the metadata)", "1 (removed again)"):
        assert f"without effect: {told}" in out
    assert "dead, no text can match it: 3.5 ('.' inside a word)" in out
    table = pq.read_table(world / "new.parquet").to_pydict()
    assert table["entry"] == ["dog", "hot dog", "a", "photo", "U.S.", "wren", "fox", "3.5"]
    assert table["source"] == ["entries"] * 5 + ["birds", "edited", "edited"]

    _, out, _ = headtail("metadata", "edit", world / "entries.json", *arguments, "-o", world / "new.txt", "--json")
    assert json.loads(out) | {"entries": 8, "added": 3, "removed": 1} == json.loads(out)
    code, _, err = headtail("metadata", "edit", world / "entries.json", "-o", world / "x.txt")
    assert (code, err) == (2, "headtail: nothing to edit: give --add FILE, --remove FILE or --merge FILE\n")


def test_labels_tells_how_a_task_is_served(run_folder, tmp_path, headtail):
    (tmp_path / "names.txt").write_text("dog\ncat, 3\ndgo\nzebra\n")
    run = open_run(run_folder)
    fit = queries.labels(run, parse_names("dog\ncat, 3\ndgo\nzebra"), 2.0)

    code, out, _ = headtail("labels", run_folder, "--names", tmp_path / "names.txt", "--examples", 1)
    assert code == 0
    assert out.startswith("t = 2: of 4 names 2 are entries, 2 match (66.7% of T), 2 match a kept pair (66.7% of T)")
    assert f"KL(T || P) = {fit.before.kl:.4f} nats before, {fit.after.kl:.4f} after: {fit.verdict}" in out
    assert "without a match: 2, the first 1:" in out
    assert "zebra" not in out

    code, out, _ = headtail("labels", run_folder, "--names", tmp_path / "names.txt", "-t", 3, "--json")
    found, fit = json.loads(out), queries.labels(run, parse_names("dog\ncat, 3\ndgo\nzebra"), 3.0)
    assert (found["t"], found["found"], found["after"]["kl"], found["verdict"]) == (3.0, 2, fit.after.kl, fit.verdict)
    assert [row.pop("near") for row in found["names"]] == [[], [], queries.near_entries(run, ["dgo"])["dgo"], []]
    assert found["names"] == fit.names.to_pylist()

    code, out, _ = headtail("labels", run_folder, "--imagenet")
    assert "of 998 names" in out


@pytest.mark.parametrize("arguments", [[], ["--imagenet", "--names", "names.txt"]])
def test_labels_takes_one_list_of_names(run_folder, headtail, arguments):
    code, _, err = headtail("labels", run_folder, *arguments)
    assert (code, err) == (2, "headtail: give either --names FILE or --imagenet\n")


def test_a_dry_run_predicts_and_writes_nothing(world, headtail):
    command = ("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2, "--dry-run")
    before = sorted(world.rglob("*"))
    code, out, err = headtail(*command)
    assert (code, err) == (0, "")
    assert out.startswith("estimate, from 8 rows (100.00% of the pool) in 1 of 1 parts")
    found = json.loads(headtail(*command, "--json")[1])
    assert found["pairs"] == {"value": 8.0, "low": 8.0, "high": 8.0}
    assert sorted(world.rglob("*")) == before


def test_without_a_run_folder_there_is_only_a_dry_run(world, headtail):
    code, out, err = headtail("curate", world / "pool.parquet", "--metadata", world / "entries.json", "-t", 2)
    assert (code, out, err) == (2, "", "headtail: no run folder: give --output DIR\n")
