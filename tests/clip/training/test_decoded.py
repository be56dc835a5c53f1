import os
import threading
from collections import namedtuple
from dataclasses import asdict

import numpy as np
import pyarrow.parquet as pq
import pytest

from clip.training.colours import PAIRS, make_colour_run, number_of, picture_of, text_of
from conftest import TEXTS
from curation.clip.tokenizers import tokenizer_of
from curation.clip.training import decoded as module
from curation.clip.training.decoded import DecodedPool, decode
from curation.engines import Cancelled
from curation.errors import BadRun, CurationError, UnreadableFile
from curation.pool.decode import rgb
from curation.runs.folder import lock

BROKEN = {11, 71, 131, 191}
MISSING = {7, 47, 87, 127, 167, 207}
TOO_LONG = {100}


def only_folder(folder):
    (own,) = folder.iterdir()
    return own


def test_every_item_is_the_picture_and_the_text_of_its_pair(run, pool, preprocess):
    numbers = [number_of(uid) for uid in pool.pairs["uid"].to_pylist()]
    assert sorted(numbers) == sorted(set(range(PAIRS)) - BROKEN - MISSING - TOO_LONG)
    expected = np.stack([preprocess.pixels(rgb(picture_of(n))) for n in numbers])
    assert np.array_equal(pool.pixels(np.arange(len(pool))), expected)
    assert pool.pairs["text"].to_pylist() == [text_of(n) for n in numbers]
    every = [uid for path in run.pair_files for uid in pq.read_table(path)["uid"].to_pylist()]
    assert [every[row] for row in pool.pair_row] == pool.pairs["uid"].to_pylist()


def test_items_stand_in_the_order_of_the_pool_though_pairs_stand_in_that_of_t_min(run, pool):
    numbers = [number_of(uid) for uid in pool.pairs["uid"].to_pylist()]
    assert numbers == sorted(numbers)
    t_min = [row for path in run.pair_files for row in pq.read_table(path)["t_min"].to_pylist()]
    assert t_min != sorted(t_min) and pool.pair_row.tolist() != sorted(pool.pair_row.tolist())


def test_any_items_are_gathered_in_the_order_in_which_they_are_asked_for(pool):
    items = np.random.default_rng(0).permutation(len(pool))[:50]
    every = pool.pixels(np.arange(len(pool)))
    assert np.array_equal(pool.pixels(items), every[items])
    assert pool.pixels(items).dtype == np.uint8
    assert pool.pixels(np.array([], dtype=np.int64)).shape == (0, 32, 32, 3)


def test_what_has_no_picture_is_counted_by_reason(pool):
    assert dict(pool.dropped) == {
        "no picture": len(MISSING),
        "picture cannot be decoded": len(BROKEN),
        "picture more than 100 times as long as wide": len(TOO_LONG),
    }
    assert len(pool) + sum(pool.dropped.values()) == PAIRS


def test_every_pair_is_told_once(run, preprocess, tmp_path):
    told = []
    decode(run, tmp_path, preprocess, on_rows=told.append)
    assert sum(told) == PAIRS
    told.clear()
    decode(run, tmp_path, preprocess, on_rows=told.append)
    assert told == [PAIRS]


def test_what_is_decoded_is_kept_and_only_the_rest_is_done(run, preprocess, tmp_path, monkeypatch):
    decode(run, tmp_path, preprocess)
    own = only_folder(tmp_path)
    before = (own / "00000.pixels").stat().st_ino
    pixels = (own / "00001.pixels").read_bytes()
    (own / "00001.json").unlink()
    (own / ".00001.pixels.0badcafe.tmp").write_bytes(b"left by a killed one")
    (own / ".tokens-12.npy.0badcafe.tmp").write_bytes(b"another training is writing it")
    decode(run, tmp_path, preprocess)
    assert (own / "00000.pixels").stat().st_ino == before
    assert (own / "00001.pixels").read_bytes() == pixels
    assert [path.name for path in own.glob(".*.tmp")] == [".tokens-12.npy.0badcafe.tmp"]


@pytest.mark.parametrize("name", ["00000.pixels", "00000.rows.npy", "00000.json"])
def test_a_file_that_was_cut_is_decoded_anew(run, preprocess, tmp_path, pool, name):
    decode(run, tmp_path, preprocess)
    os.truncate(only_folder(tmp_path) / name, 100)
    again = decode(run, tmp_path, preprocess)
    assert np.array_equal(again.pixels(np.arange(len(again))), pool.pixels(np.arange(len(pool))))


def test_a_decoding_that_was_stopped_goes_on(run, preprocess, tmp_path, pool):
    told = []
    with pytest.raises(Cancelled):
        decode(run, tmp_path, preprocess, workers=1, on_rows=told.append, cancel=lambda: sum(told) >= 160)
    assert (only_folder(tmp_path) / "00000.json").is_file()
    again = decode(run, tmp_path, preprocess)
    assert np.array_equal(again.pixels(np.arange(len(again))), pool.pixels(np.arange(len(pool))))


def test_a_pool_larger_than_the_free_disk_is_refused_before_it_starts(run, preprocess, tmp_path, monkeypatch):
    needed = PAIRS * 32 * 32 * 3  # only decoding tells which pairs have no picture
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: usage(needed - 1))
    with pytest.raises(
        CurationError, match=r"take 0\.00 GB at 32 x 32 pixels, and 0\.00 GB are free; make room"
    ) as error:
        decode(run, tmp_path, preprocess)
    assert "\n" not in str(error.value)
    assert not list(only_folder(tmp_path).glob("*.pixels"))
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: usage(needed))
    decode(run, tmp_path, preprocess)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: usage(0))
    decode(run, tmp_path, preprocess)  # nothing is left to decode


def test_of_two_that_decode_the_same_one_waits_for_the_other(run, preprocess, tmp_path, decoded, pool):
    own = tmp_path / only_folder(decoded).name
    own.mkdir()
    found = []
    with lock(own):
        waiting = threading.Thread(target=lambda: found.append(decode(run, tmp_path, preprocess)))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive() and not list(own.glob("*.pixels"))
        with pytest.raises(Cancelled):
            decode(run, tmp_path, preprocess, cancel=lambda: True)
    waiting.join(20)
    assert len(found[0]) == len(pool)


def test_a_run_without_pictures_is_refused_in_one_line(make_run, preprocess, tmp_path):
    texts = make_run(TEXTS)
    with pytest.raises(BadRun, match=r"none of its pairs has a picture to train on \(8 no picture\)"):
        decode(texts, tmp_path, preprocess)


def test_a_pool_that_is_gone_is_told(tmp_path, preprocess):
    run = make_colour_run(tmp_path / "colours")
    (tmp_path / "colours" / "pool.parquet").unlink()
    with pytest.raises(UnreadableFile, match=r"pool\.parquet: is not there any more"):
        decode(run, tmp_path / "decoded", preprocess)


def test_another_way_to_make_pictures_ready_has_a_folder_of_its_own(run, preprocess, tmp_path):
    decode(run, tmp_path, preprocess)
    other = module.Preprocess({**asdict(preprocess.cfg), "resize_mode": "squash"})
    decode(run, tmp_path, other)
    assert len(list(tmp_path.iterdir())) == 2
    mean = module.Preprocess({**asdict(preprocess.cfg), "mean": (0.5, 0.5, 0.5)})
    decode(run, tmp_path, mean)  # the mean is taken off later
    assert len(list(tmp_path.iterdir())) == 2


def test_the_vocabulary_and_the_tokens_are_those_of_the_texts_and_kept(run, pool, preprocess):
    merges = pool.merges(600)
    cfg = {"text_cfg": {"context_length": 16, "vocab_size": 600}}
    tokenizer = tokenizer_of(cfg, "", merges)
    tokens = pool.tokens(tokenizer, "600 16")
    assert (tokens.dtype, tokens.shape) == (np.int32, (len(pool), 16))
    assert np.array_equal(tokens, tokenizer(pool.pairs["text"].to_pylist()).numpy())

    def never(texts):
        raise AssertionError("they are kept")

    again = DecodedPool(run, pool.folder)
    assert again.merges(600) == merges
    assert np.array_equal(again.tokens(never, "600 16"), tokens)
    other = tokenizer_of({"text_cfg": {"context_length": 8}}, "", merges)
    assert pool.tokens(other, "600 8").shape == (len(pool), 8)
