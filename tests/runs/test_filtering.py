"""Filters before matching, through whole runs."""

import io
import json
import shutil
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation import files, queries
from curation.engines import Cancelled
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.digests import file_digests
from curation.runs.folder import Run, open_run, write_info
from curation.runs.plan import create_run
from curation.runs.verify import verify_run
from inline import INLINE, LOCAL

ENTRIES = ["dog", "cat"]


def run_over(tmp_path, tables, *, name="run", engine=INLINE, entries=ENTRIES, row_group_size=1000, **config) -> Run:
    """A run over one Parquet file for each table."""
    for at, table in enumerate(tables):
        (tmp_path / f"{name}-pool").mkdir(exist_ok=True)
        pq.write_table(pa.table(table), tmp_path / f"{name}-pool" / f"{at}.parquet", row_group_size=row_group_size)
    metadata = from_entries(entries, source="test")
    create_run(tmp_path / name, [str(tmp_path / f"{name}-pool")], metadata, CurateConfig(t=5.0, **config))
    return curate.run(tmp_path / name, engine)


def rows(run: Run) -> list[dict]:
    return sorted((row for path in run.pair_files for row in pq.read_table(path).to_pylist()), key=lambda r: r["uid"])


def texts(run: Run) -> list[str]:
    return [row["text"] for row in rows(run)]


def dropped(run: Run) -> dict[str, int]:
    """The steps of filters, with how many pairs each dropped; all steps must join and add up."""
    steps = run.info["funnel"]
    for before, step in pairwise(steps):
        assert before["out"] == step["in"]
    assert all(step["in"] == step["out"] + sum(step["dropped"].values()) for step in steps)
    found = {step["step"]: step["in"] - step["out"] for step in steps if step["step"].startswith("filter: ")}
    return {name.removeprefix("filter: "): count for name, count in found.items()}


def uids(count: int, first: int = 0) -> list[str]:
    return [f"p{first + at:06d}" for at in range(count)]


def big_pool(seed: int = 0) -> list[dict]:
    """2,000 pairs in two files, in which every filter of texts, urls and sizes finds something."""
    generator = np.random.default_rng(seed)
    words = np.array(["dog", "cat", "a", "mat", "on", "the", "IMG", "rare1", "rare2"])
    chance = [0.2, 0.2, 0.15, 0.15, 0.1, 0.1, 0.06, 0.03, 0.01]
    made = []
    for part in range(2):
        lengths = generator.integers(0, 7, 1000)
        made.append(
            {
                "uid": uids(1000, part * 1000),
                "text": [" ".join(generator.choice(words, length, p=chance)) if length else None for length in lengths],
                "url": [f"u{n}" for n in generator.integers(0, 300, 1000)],
                "width": pa.array([int(n) if n > 100 else None for n in generator.integers(90, 900, 1000)], pa.int32()),
                "height": generator.integers(100, 900, 1000),
            }
        )
    return made


EVERYTHING = {
    "min_short_side": 150, "max_aspect": 3.0, "min_words": 2, "max_words": 5, "min_characters": 4,
    "max_characters": 30, "text_lacks": "IMG", "distinct_pairs": True, "max_texts_per_image": 5,
    "max_images_per_text": 4, "frequent_words": 7,
}  # fmt: skip


def expected_reasons(tables) -> list[str | None]:
    """What EVERYTHING says of each usable pair of `big_pool`, slowly."""
    pairs = [
        dict(zip(table, row, strict=True))
        for table in tables
        for row in zip(*map(list, map(values, table.values())), strict=True)
    ]
    pairs = [pair for pair in pairs if pair["text"] is not None]
    known = {word for word, _ in Counter(word for pair in pairs for word in pair["text"].split()).most_common(7)}
    for pair in pairs:
        pair["reason"] = alone(pair)
    seen = set()
    for pair in left(pairs):
        if (pair["url"], pair["text"]) in seen:
            pair["reason"] = "same pair"
        seen.add((pair["url"], pair["text"]))
    for what, other, most, name in (("url", "text", 5, "texts per image"), ("text", "url", 4, "images per text")):
        others: dict[str, set] = {}
        for pair in left(pairs):
            others.setdefault(pair[what], set()).add(pair[other])
        for pair in left(pairs):
            if len(others[pair[what]]) > most:
                pair["reason"] = name
    for pair in left(pairs):
        if set(pair["text"].split()) - known:
            pair["reason"] = "rare words"
    return [pair["reason"] for pair in pairs]


def values(column) -> list:
    return column.to_pylist() if isinstance(column, pa.Array) else list(column)


def left(pairs: list[dict]) -> list[dict]:
    return [pair for pair in pairs if pair["reason"] is None]


def alone(pair: dict) -> str | None:
    words = len(pair["text"].split())
    if pair["width"] is not None:
        short, long = sorted((pair["width"], pair["height"]))
        if short < 150:
            return "short side"
        if long >= 3 * short:
            return "aspect ratio"
    for bad, name in (
        (words < 2, "too few words"),
        (words > 5, "too many words"),
        (len(pair["text"]) < 4, "too few characters"),
        (len(pair["text"]) > 30, "too many characters"),
        ("IMG" in pair["text"], "text must lack"),
    ):
        if bad:
            return name
    return None


def test_without_filters_nothing_of_filtering_is_there(tmp_path):
    run = run_over(tmp_path, big_pool())
    assert [step["step"] for step in run.info["funnel"]] == ["read", "match", "balance"]
    assert not (run.path / "filtered").exists()
    assert "filter" not in run.info["timings"]


@pytest.mark.parametrize("engine", [INLINE, LOCAL])
@pytest.mark.parametrize("unit_rows", [100, 250_000])
def test_every_pair_is_kept_or_dropped_as_plain_code_says(tmp_path, monkeypatch, engine, unit_rows):
    monkeypatch.setattr(plan, "UNIT_ROWS", unit_rows)
    tables = big_pool()
    run = run_over(tmp_path, tables, engine=engine, row_group_size=70, **EVERYTHING)
    expected = expected_reasons(tables)
    counts = Counter(reason for reason in expected if reason)
    assert dropped(run) == {name: counts[name] for name in run.config.active_filters}
    assert min(counts.values()) > 0 and len(counts) >= 9
    usable = [text for table in tables for text in table["text"] if text is not None]
    assert texts(run) == [text for text, reason in zip(usable, expected, strict=True) if reason is None]
    read = run.info["funnel"][0]
    assert read["in"] == 2000 == read["out"] + read["dropped"]["text is null"]
    assert run.info["totals"]["pairs"] == expected.count(None)
    assert verify_run(run, sample=None).findings == []


def test_the_sizes_that_are_not_known_stand_in_the_funnel(tmp_path):
    run = run_over(tmp_path, big_pool(), min_short_side=150)
    unknown = sum(table["width"].null_count for table in big_pool())
    nulls = sum(
        text is None and width is None
        for table in big_pool()
        for text, width in zip(table["text"], table["width"].to_pylist(), strict=True)
    )
    assert run.info["funnel"][1]["notes"] == {"size of the image is not known": unknown - nulls}
    assert queries.funnel(run, queries.size(run, run.t))[1].notes == run.info["funnel"][1]["notes"]


def picture(seed: int, kind: str = "PNG", **options) -> bytes:
    grey = np.kron(np.random.default_rng(seed).integers(0, 256, (8, 9)), np.ones((16, 16))).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(grey).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("unit_rows", [1, 250_000])
def test_images_are_found_again_in_other_files_and_units_with_all_their_texts(tmp_path, monkeypatch, unit_rows):
    monkeypatch.setattr(plan, "UNIT_ROWS", unit_rows)
    again = [picture(0), picture(2, "JPEG", quality=70), picture(3), None, b"<svg/>", picture(0)]
    tables = [
        {"uid": uids(3), "text": ["dog 1", "dog 2", "dog 3"], "image": [picture(0), picture(1), picture(2)]},
        {"uid": uids(6, 3), "text": [f"cat {n}" for n in range(6)], "image": again},
    ]
    same = run_over(tmp_path, tables, row_group_size=2, distinct_images=True)
    assert dropped(same) == {"same image": 2}
    assert texts(same) == ["dog 1", "dog 2", "dog 3", "cat 1", "cat 2", "cat 3", "cat 4"]
    assert same.info["funnel"][1]["notes"] == {"image is not in the pool": 1}
    near = run_over(tmp_path, tables, name="near", row_group_size=2, engine=LOCAL, near_images=True)
    assert dropped(near) == {"similar image": 3}
    assert texts(near) == ["dog 1", "dog 2", "dog 3", "cat 2", "cat 3", "cat 4"]
    assert near.info["funnel"][1]["notes"] == {"image is not in the pool": 1, "image cannot be decoded": 1}
    assert verify_run(near, sample=None).findings == []


def test_texts_of_one_row_are_texts_of_one_image(tmp_path):
    lists = [["a dog", "a cat"], ["the dog"], ["a dog"]]
    tables = [{"text": lists, "image": [picture(0), picture(0), picture(1)]}]
    run = make_filtered(tmp_path, tables, distinct_images=True)
    assert run == ["a cat", "a dog", "a dog"]


def make_filtered(tmp_path, tables, **config) -> list[str]:
    """The texts that the filter phase leaves, where rows hold several texts and so no run adds up to rows yet."""
    from curation.runs.arrays import MappedArrays
    from curation.runs.env import environment
    from curation.runs.filtering import filter_pool
    from curation.runs.plan import units
    from curation.runs.progress import Reporter
    from curation.runs.working import Work

    pq.write_table(pa.table(tables[0]), tmp_path / "lists.parquet")
    run = create_run(
        tmp_path / "lists", [str(tmp_path / "lists.parquet")], from_entries(ENTRIES, source="t"), CurateConfig(**config)
    )
    entries = pa.table({"entry": ENTRIES})
    env = environment(run, entries, MappedArrays(run.path / "work" / "arrays"))
    report = Reporter(run.path, 1, "rows", lambda progress: None)
    filter_pool(run, env.reading, Work(INLINE, units(run), [3], report, lambda: False))
    return sorted(
        text
        for unit in units(run)
        for batch in env.reading.pairs(unit, None)
        for text in batch.pairs["text"].to_pylist()
    )


def test_a_text_is_drawn_among_those_that_filters_leave(tmp_path):
    tables = [{"uid": uids(2), "text": ["x", "a dog"], "url": ["u", "u"]}]
    run = run_over(tmp_path, tables, texts="one", min_words=2)
    assert texts(run) == ["a dog"]
    assert dropped(run) == {"too few words": 1}


class Stop:
    """Cancels when a phase has done so many rows."""

    def __init__(self, phase: str, done: int) -> None:
        self.phase, self.done, self.last = phase, done, None

    def see(self, progress) -> None:
        self.last = progress

    def __call__(self) -> bool:
        return self.last is not None and self.last.phase == self.phase and self.last.done >= self.done


@pytest.mark.parametrize(
    ("phase", "done"), [("filter", 300), ("filter", 2000), ("compare", 0), ("compare", 500), ("balance", 0)]
)
def test_a_cancelled_run_goes_on_and_comes_to_the_same(tmp_path, monkeypatch, phase, done):
    monkeypatch.setattr(plan, "UNIT_ROWS", 200)
    whole = run_over(tmp_path, big_pool(), name="whole", row_group_size=100, **EVERYTHING)
    pool = str(tmp_path / "whole-pool")
    create_run(tmp_path / "run", [pool], from_entries(ENTRIES, source="test"), CurateConfig(t=5.0, **EVERYTHING))
    stop = Stop(phase, done)
    with pytest.raises(Cancelled):
        curate.run(tmp_path / "run", INLINE, on_progress=stop.see, cancel=stop)
    assert open_run(tmp_path / "run").state == "cancelled"
    run = curate.run(tmp_path / "run", INLINE)
    assert rows(run) == rows(whole)
    assert run.info["funnel"] == whole.info["funnel"]
    assert not (run.path / "work").exists()


def test_keys_that_were_damaged_are_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "UNIT_ROWS", 200)
    whole = run_over(tmp_path, big_pool(), name="whole", row_group_size=100, **EVERYTHING)
    pool = str(tmp_path / "whole-pool")
    create_run(tmp_path / "run", [pool], from_entries(ENTRIES, source="test"), CurateConfig(t=5.0, **EVERYTHING))
    stop = Stop("filter", 2000)
    with pytest.raises(Cancelled):
        curate.run(tmp_path / "run", INLINE, on_progress=stop.see, cancel=stop)
    part = tmp_path / "run" / "work" / "filter" / "00003.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    assert rows(curate.run(tmp_path / "run", INLINE)) == rows(whole)


def test_verify_finds_decisions_that_were_changed(tmp_path):
    run = run_over(tmp_path, big_pool(), **EVERYTHING)
    shutil.copytree(run.path, tmp_path / "copy")
    path = tmp_path / "copy" / "filtered" / "00000.parquet"
    reasons = pq.read_table(path)["reason"].to_numpy().copy()
    reasons[np.flatnonzero(reasons == 0)[0]] = 1
    pq.write_table(pa.table({"reason": reasons}), path)
    copy = open_run(tmp_path / "copy")
    findings = verify_run(copy, sample=None).findings
    assert "filtered/00000.parquet: does not fit its receipt" in findings
    assert any(
        line.startswith("pairs/00000.parquet: uid") and line.endswith("does not belong there") for line in findings
    )
    write = path.with_suffix(".json")
    files.write_json(write, json.loads(write.read_text()) | {"sha256": files.sha256(path)})
    write_info(copy.path, copy.info | {"digests": file_digests(copy.path, len(copy.pair_files))})
    assert not any("receipt" in line for line in verify_run(open_run(copy.path), sample=None).findings)


def test_decisions_for_another_number_of_pairs_are_refused(tmp_path):
    run = run_over(tmp_path, big_pool(), min_words=2)
    path = run.path / "filtered" / "00000.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    assert any("the pool gives another number" in line for line in verify_run(run, sample=None).findings)


def test_progress_of_filters_comes_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "UNIT_ROWS", 500)
    pool = write_pool(tmp_path / "pool.parquet", zipf_texts(2000), 500)
    config = CurateConfig(t=9.0, min_words=2, distinct_texts=True)
    create_run(tmp_path / "run", [str(pool)], from_entries(ZIPF_ENTRIES, source="test"), config)
    seen = []
    curate.run(tmp_path / "run", INLINE, on_progress=seen.append)
    last = {progress.phase: (progress.done, progress.total) for progress in seen}
    assert last == dict.fromkeys(("filter", "compare", "match", "balance", "curves"), (2000, 2000))


@pytest.mark.parametrize("config", [{"frequent_words": 3}, {"max_images_per_text": 1}, {"min_words": 1}])
def test_a_pool_of_empty_texts_and_one_that_loses_every_pair(tmp_path, config):
    run = run_over(tmp_path, [{"uid": uids(3), "url": ["a", "b", "c"], "text": ["", "", None]}], **config)
    assert sum(dropped(run).values()) + run.info["totals"]["pairs"] == 2


def test_other_formats_are_filtered_alike_and_beside_parquet(tmp_path):
    lines = [("a dog", "u1"), ("dog", "u2"), ("the cat", "u3")]
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "a.csv").write_text("text,url\n" + "".join(f"{text},{url}\n" for text, url in lines))
    write_pool(tmp_path / "pool" / "b.parquet", ["the cat", "cat", "a dog and a cat"])
    config = CurateConfig(t=5.0, min_words=2, distinct_texts=True, frequent_words=4)
    create_run(tmp_path / "run", [str(tmp_path / "pool")], from_entries(ENTRIES, source="test"), config)
    run = curate.run(tmp_path / "run", INLINE)
    assert sorted(texts(run)) == ["a dog", "the cat"]
    assert dropped(run) == {"too few words": 2, "same text": 1, "rare words": 1}
    assert verify_run(run, sample=None).findings == []
