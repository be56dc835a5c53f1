import json
from contextlib import nullcontext

import pyarrow.parquet as pq
import pytest

from wikipedia.dumps import PAGES, write_dump


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
