import gzip
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import queries
from curation.metadata import by_language, from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from inline import INLINE


@pytest.mark.parametrize("t", [100.0, 1.0, 33.3, 250.5, 4000.0, 1e6])
def test_the_numbers_are_those_of_the_library_on_and_off_the_grid(zipf_workspace, open_page, t):
    page = open_page(t=str(t))

    at, size = page.live["at"], queries.size(zipf_workspace, t)
    shown = ("t", "kept", "expected", "sigma", "tail_share", "kept_tail_share", "entries_covered", "entries_at_cap")
    assert {name: at[name] for name in (*shown, "exact")} == {name: getattr(size, name) for name in (*shown, "exact")}
    assert at["row"] == zipf_workspace.curves.row(t)
    count = zipf_workspace.curves.ranked_entry_count
    assert (at["head"], at["head_matches"]) == ((count >= t).sum(), count[count >= t].sum())


def test_between_the_points_of_the_grid_python_says_what_is_drawn(zipf_workspace, open_page):
    at = open_page(t="33.3").live["at"]

    kept, ranks = queries.entry_kept_at(zipf_workspace, 33.3), zipf_workspace.ranks
    assert at["row"] is None
    assert at["entry_kept"] == kept[ranks.rank - 1].tolist()
    sums = np.cumsum(kept)
    assert at["kept_share"] == pytest.approx(65_535 * sums[ranks.summed - 1] / sums[-1], abs=0.5)
    assert "entry_kept" not in open_page(t="100").live["at"]


def test_what_is_packed_for_the_run_is_sent_the_same_at_every_t(zipf_workspace, open_page):
    page = open_page()

    def packed():
        return [c.proto.bytes for c in page.app.get("bidi_component") if c.proto.WhichOneof("data") == "bytes"]

    (before,) = packed()
    page.set_t(33.3)

    assert packed() == [before]
    assert before[:16].decode() == page.live["version"]


def test_the_thresholds_to_go_to_are_marked(zipf_workspace, open_page):
    page = open_page()
    wanted = queries.threshold_for_tail_share(zipf_workspace, 0.06)

    assert page.live["marks"] == [
        {
            "t": wanted.t,
            "label": f"{100 * wanted.tail_share:.1f} % tail",
            "name": f"t = {wanted.t:,.15g}, where {100 * wanted.tail_share:.1f} % of the matches are in the tail",
        },
        {"t": 100.0, "label": "own t", "name": "t = 100, the run's own"},
    ]


def test_a_run_starts_at_its_own_t(zipf_workspace, open_page):
    page = open_page()

    assert page.app.number_input(key="t_number").value == 100.0
    assert page.live["at"]["t"] == 100.0
    assert dict(page.app.query_params) == {"run": "run", "t": "100"}


def test_the_number_moves_chart_and_address(zipf_workspace, open_page):
    page = open_page()
    page.open("below", "Size at every t")

    page.set_t(33.3)

    assert page.live["at"]["kept"] == queries.size(zipf_workspace, 33.3).kept
    assert page.app.query_params["t"] == "33.3"
    assert "33.3" in next(trace["name"] for trace in page.figure["data"] if trace["name"].startswith("t ="))


def test_t_survives_a_change_of_page(zipf_workspace, open_page):
    page = open_page()
    page.set_t(33.3)

    page.go("samples")
    assert page.app.number_input(key="t_number").value == 33.3
    page.go("distribution")
    assert page.app.number_input(key="t_number").value == 33.3


def test_find_t_for_a_size(zipf_workspace, open_page):
    page = open_page()
    page.open("finding_t")
    wanted = queries.threshold_for_size(zipf_workspace, 1500)

    page.app.number_input(key="find_size").set_value(1500)
    page.app.form_submit_button[0].click().run()

    assert page.app.number_input(key="t_number").value == wanted.t
    assert page.live["at"]["kept"] == 1500
    assert page.live["marks"][-1] == {
        "t": wanted.t,
        "label": "1.5k pairs",
        "name": f"t = {wanted.t:,.15g}, which was found to keep 1,500 pairs",
    }
    assert f"t = {wanted.t:,.15g} keeps 1,500 pairs" in page.captions


def test_find_t_for_a_tail_share_shows_the_one_achieved(zipf_workspace, open_page):
    page = open_page()
    page.open("finding_t")
    wanted = queries.threshold_for_tail_share(zipf_workspace, 0.30)

    page.app.number_input(key="find_tail").set_value(30.0)
    page.app.form_submit_button[1].click().run()

    assert page.app.number_input(key="t_number").value == wanted.t
    assert f"tail share {100 * wanted.tail_share:.1f} %" in page.captions
    assert page.live["at"]["tail_share"] == wanted.tail_share
    assert page.live["marks"][-1]["label"] == f"{100 * wanted.tail_share:.1f} % found"


def test_a_size_that_no_t_gives_is_answered_in_one_line(zipf_workspace, open_page):
    page = open_page()
    page.open("finding_t")

    page.app.number_input(key="find_size").set_value(1_000_000)
    page.app.form_submit_button[0].click().run()

    assert not page.app.exception
    assert any("size 1,000,000: this pool gives from" in text for text in page.texts)
    assert page.app.number_input(key="t_number").value == 100.0


def test_the_charts_say_which_population_they_show(zipf_workspace, open_page):
    page = open_page()
    assert not page.app.get("plotly_chart")
    page.open("below", "Size at every t")
    kept = queries.size(zipf_workspace, 100.0).kept

    assert page.app.get("plotly_chart")[0].key == "by_t"
    assert page.captions.count("all 4,000 pairs of the pool") == 2
    assert f"the green dots the {kept:,} kept at t = 100" in page.captions


def test_the_funnel_shows_every_step_and_what_it_dropped(make_run, open_page):
    run = make_run(["a dog", "IMG_0001.jpg", None, "a hot dog", "cat"], t=1.0)

    rows = open_page(t="1").component("funnel")["rows"]

    kept = queries.size(run, 1.0).kept
    assert [(row["step"], row["in"], row["out"], row["dropped"]) for row in rows] == [
        ("Read", "5", "4", ["1 text is null"]),
        ("Match", "4", "3", ["1 no entry matches"]),
        ("Balance", "3", str(kept), [f"{3 - kept} balanced away"] if kept < 3 else ["nothing dropped"]),
    ]
    assert [row["bar_in"] for row in rows] == [100.0, 80.0, 60.0]


def test_a_pool_that_matches_nothing_has_a_page(make_run, open_page):
    make_run(["x", "y"], t=2.0)

    at = open_page().live["at"]

    assert [at[name] for name in ("kept", "kept_tail_share", "entries_covered", "entries_at_cap", "head")] == [0] * 5


def test_damage_of_the_pool_and_notes_are_told(workspace, open_page):
    (workspace / "pool").mkdir()
    whole = gzip.compress(b'{"text": "a dog"}\n' * 3)
    (workspace / "pool" / "a.jsonl.gz").write_bytes(whole + gzip.compress(os.urandom(4000))[:-200])
    create_run(workspace / "run", [str(workspace / "pool")], from_entries(["dog"], source="test"), CurateConfig(t=2.0))
    run = curate.run(workspace / "run", INLINE)
    (line,) = run.info["damage"]

    page = open_page("distribution")

    assert not page.app.exception
    assert line in page.texts


def test_a_run_with_languages_has_a_row_for_each(workspace, open_page):
    rows = {"text": ["a dog", "a dog", "热狗", "ein Hund", "un chien"], "language": ["en", "en", "zh", "de", None]}
    pq.write_table(pa.table(rows), workspace / "pool.parquet")
    metadata = by_language({code: from_entries([word], source="test") for code, word in (("en", "dog"), ("zh", "狗"))})
    config = CurateConfig(t=1.0, identify="never")
    create_run(workspace / "run", [str(workspace / "pool.parquet")], metadata, config)
    run = curate.run(workspace / "run", INLINE)

    page = open_page("distribution")

    assert page.live["titles"]["rank"] == "entries of en by rank"
    assert page.live["titles"]["matches"] == "of the pool's matches of en"
    (table,) = page.app.dataframe
    wanted = [
        [one.language, one.pairs, one.matched, one.t, one.kept]
        for one in queries.by_language(run, 1.0)
        if one.t is not None
    ]
    assert table.value.to_numpy().tolist() == wanted
    assert [row[:3] for row in wanted] == [["en", 2, 2], ["zh", 1, 1]]
