import json

import pytest

from curation import queries
from curation.class_lists import parse_names
from curation.runs.folder import open_run


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
