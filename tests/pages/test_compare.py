import json
import re

import pytest

from conftest import TEXTS, write_pool
from curation import queries
from curation.metadata import from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.diff import diff, entries_only_in, run_set
from curation.runs.plan import create_run
from inline import INLINE


def delta(page, name):
    (found,) = (metric for metric in page.app.metric if metric.label == name)
    return found.proto.delta


def walls(page):
    """The uids of the cards on each side that has any."""
    found = [one.proto for one in page.app.get("bidi_component") if one.proto.component_name == "headtail_gallery"]
    return {proto.id[-1]: [dict(card["facts"])["uid"] for card in json.loads(proto.json)["cards"]] for proto in found}


@pytest.fixture
def two_runs(make_run):
    """A and B over pools that share some pairs; the later one is the one that is opened first."""
    b = make_run([*TEXTS[2:], "a unicorn", "unicorn"], name="b", t=3.0, distinct_pairs=True)
    return make_run(TEXTS, name="a", t=2.0), b


def choose_b(page, run):
    page.app.selectbox(key="versus_choice").set_value(run.path).run()
    assert not page.app.exception


def test_two_thresholds_of_a_run_show_what_the_library_says(zipf_workspace, open_page):
    page = open_page("compare", t="100", t_b="20")
    found = diff(run_set(zipf_workspace, 100.0), run_set(zipf_workspace, 20.0))

    assert page.numbers["Pairs in A"] == f"{found.pairs_a:,}"
    assert page.numbers["Pairs in B"] == f"{found.pairs_b:,}"
    assert (delta(page, "Pairs in A"), delta(page, "Pairs in B")) == (f"{found.pairs.only_a:,}", "0")
    for side, t, only in (("A", 100.0, found.covered.lost), ("B", 20.0, found.covered.gained)):
        covered = queries.size(zipf_workspace, t).entries_covered
        assert page.numbers[f"Entries covered in {side}"] == f"{covered:,}"
        assert delta(page, f"Entries covered in {side}") == f"{only:,}"
    assert page.numbers["KL(A || B), nats"] == f"{found.kl_a_b:.4g}"
    assert delta(page, "KL(A || B), nats") == f"{found.kl_b_a:.4g}"


def test_b_begins_at_half_the_size_of_a_and_stays_there(zipf_workspace, open_page):
    page = open_page("compare")
    t_b = queries.half_size_t(zipf_workspace, 100.0)
    assert page.app.number_input(key="versus_t").value == t_b
    assert page.numbers["Pairs in B"] == f"{queries.size(zipf_workspace, t_b).kept:,}"

    page.set_t(400.0)
    assert page.app.number_input(key="versus_t").value == t_b
    assert page.numbers["Pairs in A"] == f"{queries.size(zipf_workspace, 400.0).kept:,}"


def test_the_pairs_that_only_one_threshold_has_are_those_in_between(zipf_workspace, open_page):
    page = open_page("compare", t="20", t_b="100")
    wanted = queries.samples(zipf_workspace, 100.0, which="kept", since=20.0, limit=8)["uid"].to_pylist()
    assert walls(page) == {"B": wanted}
    assert "Every pair of this set is in the other one too." in page.captions


def test_swapping_turns_everything_round(zipf_workspace, open_page):
    page = open_page("compare", t="100", t_b="20")
    before = page.numbers
    page.app.button(key="versus_swap").click().run()

    assert not page.app.exception
    assert page.app.number_input(key="t_number").value == 20.0
    assert page.app.number_input(key="versus_t").value == 100.0
    assert (page.numbers["Pairs in A"], page.numbers["Pairs in B"]) == (before["Pairs in B"], before["Pairs in A"])


def test_two_runs_are_compared_by_entries_and_pair_by_pair(two_runs, open_page):
    a, b = two_runs
    page = open_page("compare", run="a", t="2")
    choose_b(page, b)
    found = diff(run_set(a, 2.0), run_set(b, 3.0), examples=100)

    assert (delta(page, "Pairs in A"), delta(page, "Pairs in B")) == (str(found.pairs.only_a), str(found.pairs.only_b))
    assert delta(page, "Entries covered in B") == f"{found.covered.gained}"
    gained = entries_only_in(found.entries, "b")["entry"].to_pylist()
    assert page.table("entries gained")["entry"].tolist() == gained
    assert gained == ["unicorn"]
    shown = page.table("made of")
    assert dict(zip(shown["what"], shown["B"], strict=True))["distinct_pairs"] == "yes"
    assert dict(zip(shown["what"], zip(shown["A"], shown["B"], strict=True), strict=True))["t"] == ("2", "3")
    assert set(shown["what"]) == set(found.origin)

    page.app.button(key="versus_swap").click().run()
    assert (delta(page, "Pairs in A"), delta(page, "Pairs in B")) == (str(found.pairs.only_b), str(found.pairs.only_a))
    assert page.app.selectbox(key="run_choice").value == b.path
    assert page.table("entries lost")["entry"].tolist() == ["unicorn"]


def test_big_runs_are_compared_pair_by_pair_only_when_asked(two_runs, open_page, monkeypatch):
    a, b = two_runs
    monkeypatch.setattr("curation.ui.versus.AT_ONCE", 10)
    page = open_page("compare", run="a")
    choose_b(page, b)
    assert delta(page, "Pairs in A") == ""
    assert not walls(page)
    assert page.app.get("plotly_chart")

    page.app.button(key="compare_pairs").click().run()
    found = diff(run_set(a), run_set(b))
    assert delta(page, "Pairs in A") == f"{found.pairs.only_a}"
    assert not [button for button in page.app.button if button.key == "compare_pairs"]


def test_the_chart_holds_every_entry_that_a_kept_pair_has(zipf_workspace, open_page):
    page = open_page("compare", t="100", t_b="20")
    cells, _, points = page.figure["data"]
    told = [re.search(r"entries: ([\d,]+)$", text) for row in cells["text"] for text in row if text]
    found = diff(run_set(zipf_workspace, 100.0), run_set(zipf_workspace, 20.0)).entries.to_pylist()
    kept = [row for row in found if row["kept_a"] or row["kept_b"]]
    assert sum(int(one[1].replace(",", "")) for one in told) == len(kept)
    assert len(points["customdata"]) == min(40, sum(row["kept_a"] != row["kept_b"] for row in kept))


def test_the_same_set_twice_is_said_to_be_the_same(zipf_workspace, open_page):
    page = open_page("compare", t="100", t_b="100")
    assert [info.value for info in page.app.info] == [
        "A and B are the same set. Give B another t, or choose another run for it."
    ]
    assert not page.app.get("plotly_chart")


def test_runs_that_share_no_uid_say_so(tmp_path, make_run, open_page):
    a = make_run(name="a", t=2.0)
    write_pool(tmp_path / "pool.parquet", TEXTS, first=1000)
    create_run(tmp_path / "b", [str(tmp_path / "pool.parquet")], from_entries(["dog"], "test"), CurateConfig(t=2.0))
    b = curate.run(tmp_path / "b", INLINE)
    page = open_page("compare", run=a.path.name)
    choose_b(page, b)
    assert any(text.startswith("A and B share not a single uid.") for text in page.texts)


def test_an_address_with_an_unknown_run_says_so(zipf_workspace, open_page):
    page = open_page("compare", **{"with": "nowhere"})
    assert "There is no finished run 'nowhere' in the workspace." in page.texts
    assert page.app.selectbox(key="versus_choice").value == zipf_workspace.path
