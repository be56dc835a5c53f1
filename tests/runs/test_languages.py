"""Runs whose metadata knows languages, against the paper's steps taken one by one."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import reference
from curation import queries
from curation.balancing import expected_size, keep_prob, p_to_t, t_to_p
from curation.errors import BadArgument, BadRun, MissingExtra
from curation.metadata import by_language, from_entries
from curation.online import curated_stream
from curation.pool.pairs import PAIR_SCHEMA, Scanned
from curation.runs import curate, plan, routing
from curation.runs.config import CurateConfig
from curation.runs.export.write import export
from curation.runs.plan import create_run
from curation.runs.verify import verify_run
from curation.uniform import entry_hashes, uniform
from inline import INLINE, LOCAL

LISTS = {
    "en": [f"w{k}" for k in range(30)] + ["chat"],
    "fr": [f"w{k}" for k in range(0, 30, 3)] + ["chat"],
    "zh": ["狗", "热狗", "猫", "马", "w1"],
}
METADATA = by_language({code: from_entries(entries, source=code) for code, entries in LISTS.items()})
CODES = METADATA.language.to_pylist()


def rows(n: int = 1200) -> list[dict[str, str | None]]:
    """Texts in turns: three in English, one each in French, Chinese, Italian (no metadata) and in nobody knows what."""
    made = []
    for at in range(1, n + 1):
        language = ["en-US", "en", "en", "fra", "zh-Hans", "it", None][at % 7]
        if language == "zh-Hans":
            text = "".join(word for word, each in (("狗", 1), ("热狗", 3), ("小猫", 5), ("w1x", 7)) if at % each == 0)
        else:
            text = " ".join([f"w{k}" for k in range(30) if at % (k + 1) == 0] + ["chat"] * (at % 11 == 0))
        made.append({"uid": f"pair-{at:06d}", "text": text, "language": language})
    return made


def matched_by_hand(row) -> list[int]:
    code = {"en-US": "en", "en": "en", "fra": "fr", "zh-Hans": "zh"}.get(row["language"])
    mine = [(entry_id, entry) for entry_id, entry in enumerate(METADATA.entry.to_pylist()) if CODES[entry_id] == code]
    if code == "zh":
        return [entry_id for entry_id, entry in mine if entry in row["text"]]
    return [mine[k][0] for k in reference.matched_entry_ids(row["text"], [entry for _, entry in mine])]


@pytest.fixture
def make_run(tmp_path):
    def make(pool_rows=None, *, name="run", engine=INLINE, row_group_size=1000, **config):
        pool = tmp_path / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(pool_rows or rows()), pool, row_group_size=row_group_size)
        settings = CurateConfig(**({"t": 20.0, "identify": "never"} | config))
        create_run(tmp_path / name, [str(pool)], METADATA, settings)
        return curate.run(tmp_path / name, engine)

    return make


def pairs(run) -> pa.Table:
    return pa.concat_tables(pq.read_table(path) for path in run.pair_files).sort_by("uid")


def test_pairs_are_kept_as_algorithm_1_does_it_for_each_language_with_its_own_t(make_run):
    run = make_run()
    matched = [matched_by_hand(row) for row in rows()]
    assert pairs(run)["matched_entry_ids"].to_pylist() == matched
    count = np.array(reference.entry_counts(matched, len(METADATA)))
    assert run.entries["count"].to_pylist() == count.tolist()
    assert run.entries["language"].to_pylist() == CODES

    lists = pa.array(matched, pa.list_(pa.int32()))
    u = uniform(pa.array([row["uid"] for row in rows()]), lists, entry_hashes(METADATA.entry, 0), 0)
    of_language = {code: count[[own == code for own in CODES]] for code in LISTS}
    t_min = pairs(run)["t_min"].to_numpy()
    for t in (1, 2, 5, 20, 21, 87, 300, 600):
        p = t_to_p(of_language["en"], t)
        t_of = {"en": t} | {code: p_to_t(of_language[code], p) for code in ("fr", "zh")}
        at, kept = 0, []
        for entry_ids in matched:
            fires = [u[at + k] < t_of[CODES[e]] / max(count[e], t_of[CODES[e]]) for k, e in enumerate(entry_ids)]
            kept.append(any(fires))
            at += len(entry_ids)
        assert (t_min < t).tolist() == kept
        assert queries.size(run, t).kept == sum(kept)


def test_sizes_are_told_for_each_language_and_the_funnel_names_those_without_metadata(make_run):
    run = make_run()
    languages = pairs(run)["language"].to_pylist()
    assert Counter(languages) == {"en": 515, "fr": 172, "zh": 171, "it": 171, None: 171}
    found = {one.language: one for one in queries.by_language(run, 20.0)}
    assert {code: one.pairs for code, one in found.items()} == {"en": 515, "fr": 172, "zh": 171, "it": 171, "und": 171}
    assert found["it"].t is found["und"].t is None
    assert sum(one.kept for one in found.values()) == run.info["totals"]["kept"] == queries.size(run, 20.0).kept
    assert run.info["totals"]["by_language"]["fr"] == {
        "pairs": 172,
        "matched": found["fr"].matched,
        "t": run.scale.language_t(1, 20.0),
        "kept": found["fr"].kept,
    }
    _, language, match, _ = run.info["funnel"]
    assert language == {
        "step": "language",
        "in": 1200,
        "out": 858,
        "dropped": {"language has no metadata: it": 171, "language not identified": 171},
    }
    assert match["in"] == 858


def test_the_curves_say_what_the_closed_forms_say_with_each_languages_t(make_run):
    run = make_run()
    table = pairs(run)
    lists, count = table["matched_entry_ids"].combine_chunks(), run.entry_count
    number = {code: k for k, code in enumerate(run.scale.codes)}
    for t in (1.0, 20.0, run.curves.grid[100], run.curves.grid[-1]):
        pi = np.zeros(len(table))
        t_of = np.array([run.scale.language_t(number[code], t) for code in CODES])
        for code in LISTS:
            mine = np.array([language == code for language in table["language"].to_pylist()])
            pi[mine] = keep_prob(lists.filter(pa.array(mine)), count, run.scale.language_t(number[code], t))
        row, (mean, sigma) = run.curves.row(t), expected_size(pi)
        assert run.curves.expected[row] == pytest.approx(mean, rel=1e-12)
        # rounding of 1 - pi near 0 and 1, under a root
        assert run.curves.sigma[row] == pytest.approx(sigma, rel=1e-9, abs=1e-6)
        size = queries.size(run, t)
        assert size.entries_at_cap == int((count >= t_of).sum())
        assert size.tail_share == run.curves.tail_share[row] == count[count < t_of].sum() / count.sum()
        kept = np.bincount(lists.filter(pa.array(table["t_min"].to_numpy() < t)).flatten(), minlength=count.size)
        assert run.curves.kept_tail_share[row] == kept[count < t_of].sum() / kept.sum()
    assert queries.size(run, run.curves.grid[-1]).kept == run.info["totals"]["matched"]


@pytest.mark.parametrize("size", [300, 557, 700])
def test_exactly_so_many_pairs_can_be_asked_for(make_run, size):
    assert make_run(t=None, size=size).info["totals"]["kept"] == size


def test_a_tail_share_is_that_of_the_reference_language(make_run):
    run = make_run(t=None, tail_share=0.3)
    english = run.entry_count[[code == "en" for code in CODES]]
    assert run.t == p_to_t(english, 0.3) == queries.threshold_for_tail_share(run, 0.3).t
    french = make_run(t=None, tail_share=0.3, reference_language="fr", name="french")
    assert french.t == p_to_t(french.entry_count[[code == "fr" for code in CODES]], 0.3)


def test_why_compares_with_the_threshold_of_the_pairs_language(make_run):
    run = make_run()
    for row in rows()[:60]:
        why = queries.why(run, row["uid"], 20.0)
        assert why.kept == any(entry.keeps for entry in why.entries)
        for entry in why.entries:
            assert entry.keeps == (entry.product < why.language_t)
            assert entry.prob == why.language_t / max(entry.count, why.language_t)
    assert (queries.why(run, "pair-000003", 20.0).language, queries.why(run, "pair-000003", 20.0).language_t) == (
        "fr",
        8.0,
    )
    assert queries.why(run, "pair-000005", 20.0).language is None


@pytest.mark.parametrize("engine", [INLINE, LOCAL])
def test_fates_do_not_depend_on_units_workers_or_on_a_stop_between_the_passes(make_run, monkeypatch, engine):
    fates = pairs(make_run())["t_min"].to_pylist()
    monkeypatch.setattr(plan, "UNIT_ROWS", 200)
    split = make_run(name="split", row_group_size=90, engine=engine)
    assert len(split.pair_files) > 3
    assert pairs(split)["t_min"].to_pylist() == fates


def test_languages_that_the_pool_does_not_say_are_identified_once_and_kept_for_the_second_pass(make_run, monkeypatch):
    asked = []

    def identify(texts):
        asked.append(len(texts))
        return pa.array(["fr"] * len(texts), pa.string())

    monkeypatch.setattr(routing, "identify", identify)
    run = make_run(identify="missing")
    assert asked == [171]
    assert Counter(pairs(run)["language"].to_pylist())["fr"] == 172 + 171
    make_run(identify="always", reference_language="fr", name="always")
    assert asked == [171, 1200]


def test_the_export_says_the_language_of_each_pair(make_run, tmp_path):
    run = make_run()
    manifest = export(run, 20.0, tmp_path / "out", "parquet")
    exported = pq.read_table(tmp_path / "out" / manifest["files"][0]["path"])
    assert set(exported["language"].to_pylist()) == {"en", "fr", "zh"}
    assert manifest["pairs"] == run.info["totals"]["kept"]


def test_a_run_without_languages_has_no_column_or_step_for_them(tmp_path):
    pool = tmp_path / "pool.parquet"
    pq.write_table(pa.Table.from_pylist(rows(50)), pool)
    create_run(tmp_path / "run", [str(pool)], from_entries(LISTS["en"], source="test"), CurateConfig(t=2.0))
    run = curate.run(tmp_path / "run", INLINE)
    assert pairs(run).column_names == ["uid", "text", "url", "image", "matched_entry_ids", "t_min"]
    assert run.entries.column_names == ["entry_id", "entry", "source", "count"]
    assert [step["step"] for step in run.info["funnel"]] == ["read", "match", "balance"]
    assert "by_language" not in run.info["totals"]
    assert queries.by_language(run, 2.0) == []


def test_a_reference_language_without_metadata_is_refused_before_anything_is_written(make_run, tmp_path):
    with pytest.raises(BadArgument, match="reference language 'de': metadata has en, fr, zh"):
        make_run(reference_language="de")
    assert not (tmp_path / "run").exists()


def test_identification_without_its_extra_is_refused_before_anything_is_written(make_run, tmp_path, monkeypatch):
    monkeypatch.setattr("curation.languages.identification.find_spec", lambda name: None)
    with pytest.raises(MissingExtra):
        make_run(identify="missing")
    assert not (tmp_path / "run").exists()
    assert make_run().state == "done"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"identify": "often"}, "identify 'often': give one of missing, always, never"),
        ({"texts": "two"}, "texts 'two': give one of every, one"),
    ],
)
def test_a_choice_that_there_is_not_is_refused(config, message):
    with pytest.raises(BadArgument, match=message):
        CurateConfig(**config)


def test_another_number_of_texts_than_the_first_pass_saw_is_refused(tmp_path):
    pair = pa.RecordBatch.from_pylist([{"uid": "a", "text": "b", "row": 0}], PAIR_SCHEMA)
    batches = [Scanned(pair, Counter()), Scanned(pair, Counter())]
    for kept in (["en"], ["en", "fr", "zh"]):
        routing.write_languages(tmp_path / "languages.parquet", [pa.array(kept)])
        with pytest.raises(BadRun, match=f"{len(kept)} languages for another number of texts"):
            list(routing.remembered_languages(batches, tmp_path / "languages.parquet"))
    routing.write_languages(tmp_path / "languages.parquet", [pa.array(["en"]), pa.array([None], pa.string())])
    found = list(routing.remembered_languages(batches, tmp_path / "languages.parquet"))
    assert [batch.pairs["language"].to_pylist() for batch in found] == [["en"], [None]]


def test_one_text_an_image_is_drawn_in_both_passes_and_the_others_are_counted(make_run, monkeypatch):
    def scan_with_two_texts_an_image(path, row_groups, columns):
        for batch in original(path, row_groups, columns):
            row = pa.array(np.arange(len(batch.pairs)) // 2)
            at = PAIR_SCHEMA.get_field_index("row")
            yield Scanned(batch.pairs.set_column(at, PAIR_SCHEMA.field("row"), row), batch.dropped)

    from curation.runs import reading

    original = reading.scan
    monkeypatch.setattr(reading, "scan", scan_with_two_texts_an_image)
    run = make_run(texts="one")
    assert run.info["funnel"][0] == {
        "step": "read",
        "in": 1200,
        "out": 600,
        "dropped": {"another text of the image was drawn": 600},
    }
    assert len(pairs(run)) == 600


def test_a_run_with_languages_is_verified(make_run):
    report = verify_run(make_run(), sample=None)
    assert (report.findings, report.rows) == ([], 1200)


def test_epoch_0_of_online_balancing_is_the_curated_set_also_with_a_t_for_each_language(make_run):
    run = make_run()
    stream = [pair["uid"] for pair in curated_stream(run, 20.0, epoch=0)]
    kept = pairs(run).filter(pc.less(pairs(run)["t_min"], 20.0))
    assert len(kept) > 100
    assert sorted(stream) == kept["uid"].to_pylist()
