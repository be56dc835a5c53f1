"""Class names in a run: hand-computed numbers, spellings, and names near them."""

import math

import numpy as np
import pytest

from conftest import TEXTS
from curation import queries
from curation.class_lists import ClassList, imagenet_names, parse_names
from curation.divergence import align
from curation.errors import BadArgument
from curation.metadata import by_language, from_entries
from curation.queries import labels, near_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from inline import INLINE


def rows(fit) -> dict[str, dict]:
    return {row["name"]: row for row in fit.names.to_pylist()}


def test_each_name_has_its_entry_counts_rank_and_state(zipf_run):
    fit = labels(zipf_run, parse_names("w0\nw45\nw7\nno such"), 100.0)
    found = rows(fit)
    kept = dict(
        zip(zipf_run.curves.ranked_entry_id.tolist(), queries.entry_kept_at(zipf_run, 100.0).tolist(), strict=True)
    )
    assert found["w0"] == {
        "name": "w0", "weight": 0.25, "entry": "w0", "count": 4000, "kept": kept[0], "prob": 0.025, "rank": 1,
        "state": "head",
    }  # fmt: skip
    assert (found["w7"]["count"], found["w7"]["kept"], found["w7"]["rank"]) == (500, kept[7], 8)
    assert found["w45"] | {"entry": "w45", "count": 0, "prob": None, "rank": None} == found["w45"]
    assert (found["w45"]["state"], found["no such"]["state"]) == ("matches nothing", "not in the metadata")
    assert found["no such"]["entry"] is None
    assert (fit.found, fit.matching, fit.covered, fit.entries) == (3, 2, 2, 3)
    assert fit.weight_matching == fit.weight_covered == 0.5


@pytest.mark.parametrize(("t", "state"), [(499.0, "head"), (500.0, "head"), (501.0, "tail")])
def test_a_name_in_exactly_t_texts_belongs_to_the_head(zipf_run, t, state):
    assert rows(labels(zipf_run, parse_names("w7"), t))["w7"]["state"] == state


def test_kl_is_what_its_formula_gives_by_hand(make_run):
    # counts: dog 4, hot dog 1, cat 2, a 4, photo 2; unicorn and U.S. match nothing. 13 matches on 5 entries
    run = make_run(TEXTS, t=1000.0)
    assert run.info["totals"]["matches"] == 13
    fit = labels(run, ClassList(("dog", "cat", "unicorn", "zebra"), (2.0, 1.0, 1.0, 6.0)), 1000.0)
    # T over dog, cat and unicorn; P over those five and unicorn, half a text more for each of the six
    p = {"dog": 4.5 / 16, "cat": 2.5 / 16, "unicorn": 0.5 / 16}
    t = {"dog": 0.5, "cat": 0.25, "unicorn": 0.25}
    mass = sum(p.values())
    assert fit.before.kl == pytest.approx(sum(t[e] * math.log(t[e] / p[e]) for e in p), rel=1e-12)
    assert fit.before.mass == pytest.approx(mass, rel=1e-12)
    assert fit.before.within == pytest.approx(sum(t[e] * math.log(t[e] * mass / p[e]) for e in p), rel=1e-12)
    assert fit.after == fit.before  # t = 1000 keeps all that matches
    assert fit.verdict == "aligned as before"
    assert fit.weight_matching == pytest.approx(0.3)


def test_after_balancing_p_is_of_the_kept_pairs_over_the_same_entries(zipf_run):
    fit = labels(zipf_run, parse_names("w0\nw30\nw45"), 10.0)
    kept = queries.entry_kept_at(zipf_run, 10.0)
    at = {entry_id: at for at, entry_id in enumerate(zipf_run.curves.ranked_entry_id.tolist())}
    count = np.array([kept[at[0]], kept[at[30]], 0])
    assert fit.after == align(np.ones(3), count, len(at) + 1, int(kept.sum()))
    assert fit.verdict == "better aligned"
    assert labels(zipf_run, parse_names("w0"), 10.0).verdict == "worse aligned"


def test_names_of_one_entry_add_up(make_run):
    fit = labels(make_run(), parse_names("dog\nDog\ncat"), 2.0)
    assert (fit.found, fit.entries) == (3, 2)
    weighted = labels(make_run(name="again"), parse_names("dog, 2\ncat"), 2.0)
    assert (fit.before, fit.after) == (weighted.before, weighted.after)


def test_without_a_name_that_is_an_entry_there_is_no_kl(make_run):
    fit = labels(make_run(), parse_names("zebra"), 2.0)
    assert (fit.found, fit.verdict) == (0, None)
    assert math.isnan(fit.before.kl)
    assert fit.before.mass == 0.0


def test_the_best_spelling_is_the_one_in_the_most_texts(make_run):
    run = make_run(
        ["Crane", "crane", "crane", "fire truck", "kite"], ["Crane", "crane", "fire truck", "kite", "Dodo"], t=2.0
    )
    names = parse_names("Crane\nfire_truck\nkite (bird of prey)\ndodo\nCRANE")
    best, as_written = (rows(labels(run, names, 2.0, spelling=how)) for how in ("best", "as written"))
    assert [row["entry"] for row in best.values()] == ["crane", "fire truck", "kite", "Dodo", "crane"]
    assert [row["entry"] for row in as_written.values()] == ["Crane", None, None, None, None]
    assert best["dodo"]["state"] == "matches nothing"


def test_near_names_match_and_come_in_the_order_of_their_nearness(make_run):
    entries = ["dogs", "Dogs", "trench", "shark", "white", "white shark", "hotdog", "teach", "tenths"]
    run = make_run(["dogs Dogs dogs", "dogs", "trench", "shark white shark", "hotdog"], entries, t=2.0)
    near = near_entries(run, ["dog", "tench", "great white shark", "hot dog", "nothing like it", "x"])
    assert near["dog"] == ["dogs"]  # "Dogs" is the same but for its case
    assert near["tench"] == ["trench"]  # "teach" and "tenths" match nothing
    assert near["great white shark"] == ["white shark", "shark"]
    assert near["hot dog"] == ["hotdog"]
    assert (near["nothing like it"], near["x"]) == ([], [])
    assert near_entries(run, ["great white shark"], limit=1) == {"great white shark": ["white shark"]}


def test_names_near_none_and_names_of_any_kind_can_be_asked_for(make_run):
    run = make_run()
    assert near_entries(run, []) == {}
    odd = ["", " ", "nul \x00", "'; DROP TABLE pairs; --", "$1 ? {x}", "é" * 200]
    assert list(near_entries(run, odd)) == odd


def test_a_name_of_several_languages_goes_by_the_t_of_its_own(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = ["dog"] * 8 + ["cat"] * 2 + ["Hund"] * 4
    table = {"text": texts, "language": ["en"] * 10 + ["de"] * 4}
    pq.write_table(pa.table(table), tmp_path / "pool.parquet")
    metadata = by_language({"en": from_entries(["dog", "cat"], "x"), "de": from_entries(["Hund", "dog"], "x")})
    create_run(tmp_path / "run", [str(tmp_path / "pool.parquet")], metadata, CurateConfig(t=4.0))
    run = curate.run(tmp_path / "run", INLINE)
    found = rows(labels(run, parse_names("dog\nHund"), 4.0))
    assert (found["dog"]["count"], found["dog"]["prob"]) == (8, 0.5)
    assert found["Hund"]["prob"] == min(1.0, run.scale.language_t(1, 4.0) / 4)


def test_imagenet_has_some_names_in_the_sample_world(make_run):
    run = make_run(["a golden retriever", "a Golden Retriever"], ["Golden Retriever", "golden retriever"], t=2.0)
    fit = labels(run, imagenet_names(), 2.0)
    assert (fit.found, fit.matching) == (1, 1)


def test_t_below_1_is_refused(zipf_run):
    with pytest.raises(BadArgument, match="give 1 or more"):
        labels(zipf_run, parse_names("w0"), 0.5)
