import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clip.training.colours import NAMES, PAIRS, number_of, text_of
from curation.clip.training.arms import rows_of
from curation.clip.training.config import ARMS
from curation.errors import BadArgument, MissingExtra
from curation.languages import identification
from curation.online import curated_stream


def numbers(pool, rows):
    return [number_of(pool.pairs["uid"][int(row)].as_py()) for row in rows]


def colour_in(n):
    return next((name for name in NAMES if name in text_of(n).replace(",", " ").split()), None)


def t_min_of(run):
    rows = [row for path in run.pair_files for row in pq.read_table(path).to_pylist()]
    return {number_of(row["uid"]): row["t_min"] for row in rows}


def test_raw_is_every_pair_with_a_picture(pool):
    assert rows_of(pool, "raw", 16.0)(3).tolist() == list(range(len(pool)))


def test_english_is_what_is_written_in_english(pool):
    pytest.importorskip("py3langid")
    found = set(numbers(pool, rows_of(pool, "english", 16.0)(0)))
    sentences = {n for n in numbers(pool, range(len(pool))) if not text_of(n).startswith("IMG")}
    assert found & sentences == {n for n in sentences if text_of(n).startswith("this")}


def test_english_is_what_the_run_says_where_it_says_something():
    pairs = pa.table({"text": ["ein Hund", "a dog", "a cat", "IMG_1"], "language": ["en", "fr", "en", None]})
    assert rows_of(SimpleNamespace(pairs=pairs), "english", 16.0)(0).tolist() == [0, 2]


def test_english_without_the_means_to_tell_is_refused(pool, monkeypatch):
    identification._model.cache_clear()
    monkeypatch.setattr(identification, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="py3langid, which is not installed"):
        rows_of(pool, "english", 16.0)


def test_matched_is_what_names_an_entry(pool):
    every = numbers(pool, range(len(pool)))
    assert numbers(pool, rows_of(pool, "matched", 16.0)(0)) == [n for n in every if colour_in(n)]


@pytest.mark.parametrize("t", [1.0, 16.0, 1000.0])
def test_balanced_is_what_the_run_keeps(run, pool, t):
    kept = {n for n, t_min in t_min_of(run).items() if t_min < t}
    assert numbers(pool, rows_of(pool, "balanced", t)(5)) == [n for n in numbers(pool, range(len(pool))) if n in kept]


def test_online_begins_with_the_set_of_the_run_and_draws_others_of_about_its_size(run, pool):
    rows = rows_of(pool, "online", 16.0)
    assert rows(0).tolist() == rows_of(pool, "balanced", 16.0)(0).tolist()
    sets = [frozenset(rows(epoch).tolist()) for epoch in range(30)]
    assert len(set(sets)) == 30
    assert rows(7).tolist() == sorted(sets[7]) == rows(7).tolist()
    # every text names one colour at most, so it is drawn with min(1, t / count)
    count = Counter(colour_in(n) for n in range(PAIRS))
    named = [colour_in(n) for n in numbers(pool, range(len(pool)))]
    chance = np.array([0.0 if name is None else min(1.0, 16.0 / count[name]) for name in named])
    sizes = [len(one) for one in sets[1:]]
    sigma = math.sqrt(float((chance * (1 - chance)).sum()) / len(sizes))
    assert abs(np.mean(sizes) - chance.sum()) < 5 * sigma


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_online_is_the_stream_of_the_library(run, pool, epoch):
    with_picture = set(pool.pairs["uid"].to_pylist())
    streamed = {pair["uid"] for pair in curated_stream(run, 16.0, epoch=epoch)}
    rows = rows_of(pool, "online", 16.0)(epoch)
    assert {pool.pairs["uid"][int(row)].as_py() for row in rows} == streamed & with_picture


def test_an_unknown_arm_is_refused(pool):
    with pytest.raises(BadArgument, match=f"arm 'best': give one of {', '.join(ARMS)}"):
        rows_of(pool, "best", 16.0)
