import numpy as np
import pytest

from clip.models import write_small_checkpoint
from curation.clip.checkpoint import load_checkpoint
from curation.clip.features import FeatureStore
from curation.clip.training_data import nearest_captions, trained_run, trained_t
from curation.errors import BadRun
from curation.queries.captions import drawn_captions


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_checkpoint(str(write_small_checkpoint(tmp_path_factory.mktemp("clip") / "small")))


def kept_texts(run, t):
    import pyarrow.parquet as pq

    rows = [row for path in run.pair_files for row in pq.read_table(path).to_pylist()]
    return [row["text"] for row in rows if t is None or row["t_min"] < t]


@pytest.mark.parametrize("t", [100.0, float("inf"), None])
def test_captions_are_those_of_the_pairs_kept_each_once(zipf_run, t):
    texts = kept_texts(zipf_run, t)
    found = drawn_captions(zipf_run, t, 10_000)
    assert sorted(found.texts.to_pylist()) == sorted(set(texts))
    assert found.pairs == len(texts)
    assert drawn_captions(zipf_run, t, 7).texts.to_pylist() == found.texts.to_pylist()[:7]


def test_nearest_captions_are_those_that_going_through_all_of_them_finds(checkpoint, zipf_run, tmp_path):
    features = np.random.default_rng(0).normal(size=(3, 32)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    found = nearest_captions(checkpoint, zipf_run, 100.0, features, FeatureStore(tmp_path), k=2)

    texts = sorted(set(kept_texts(zipf_run, 100.0)))
    cosine = features @ checkpoint.encode_texts(texts).T
    assert (found.looked_at, found.pairs, found.drawn) == (len(texts), len(kept_texts(zipf_run, 100.0)), False)
    for row, captions in enumerate(found.found):
        assert [value for _, value in captions] == pytest.approx(np.sort(cosine[row])[::-1][:2].tolist(), abs=1e-5)
        assert all(cosine[row][texts.index(text)] == pytest.approx(value, abs=1e-5) for text, value in captions)


def test_of_many_captions_some_are_looked_at_and_their_features_are_kept(checkpoint, zipf_run, tmp_path):
    one = np.ones((1, 32), np.float32) / np.sqrt(32)
    found = nearest_captions(checkpoint, zipf_run, None, one, FeatureStore(tmp_path), most=50)
    assert (found.looked_at, found.pairs, found.drawn) == (50, 4000, True)
    assert len(list(tmp_path.rglob("*.npy"))) == 1


def test_the_run_behind_a_checkpoint_is_found_or_said_not_to_be_at_hand(zipf_run, make_run, monkeypatch, tmp_path):
    digest = zipf_run.info["plan_digest"]
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path / "nothing"))
    assert trained_run(None) is None and trained_run({"arm": "raw"}) is None
    found = trained_run({"run": str(zipf_run.path), "plan_digest": digest})
    assert found is not None and found.path == zipf_run.path
    with pytest.raises(BadRun, match="My run: the run that this checkpoint was trained on is not at hand"):
        trained_run({"run_name": "My run", "plan_digest": digest})
    with pytest.raises(BadRun, match="is not at hand"):
        trained_run({"run": str(make_run().path), "plan_digest": digest})

    monkeypatch.setenv("HEADTAIL_RUNS", str(zipf_run.path.parent))
    found = trained_run({"run_name": "My run", "plan_digest": digest})
    assert found is not None and found.path == zipf_run.path


def test_the_arm_says_which_pairs():
    assert trained_t({"t": 30.0, "arm": "balanced"}) == 30.0
    assert trained_t({"t": 30.0, "arm": "matched"}) == float("inf")
    assert trained_t({"t": 30.0, "arm": "english"}) is None
