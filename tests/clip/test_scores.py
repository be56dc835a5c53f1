import numpy as np
import pytest

from curation.clip import scores
from curation.clip.scores import accuracies, label_ranks, recalls, wilson


def values(found):
    return {score.metric: score.value for score in found}


def test_the_interval_of_wilson_solves_its_equation():
    for share, n in ((0.3, 40), (0.999, 7), (0.5, 2242)):
        for end in wilson(share, n):
            assert abs(share - end) == pytest.approx(scores.Z * np.sqrt(end * (1 - end) / n), rel=1e-9)
    assert wilson(0.0, 10) == (0.0, pytest.approx(0.277533, abs=1e-6))
    assert wilson(1.0, 10)[1] == 1.0


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_the_interval_holds_the_truth_95_times_of_100(share):
    hits = np.random.default_rng(0).binomial(500, share, 4000)
    held = sum(low <= share <= high for low, high in (wilson(h / 500, 500) for h in hits))
    # binomial counts are coarse, so the coverage itself lies within 1.5 % of 95 %; 5 sigma of 4,000 tries are 1.7 %
    assert held / 4000 == pytest.approx(0.95, abs=0.032)


def test_the_interval_of_the_mean_per_class_holds_the_truth_where_classes_are_of_all_sizes():
    draws = np.random.default_rng(1)
    sizes = np.array([2, 5, 10, 40, 200])
    label = np.repeat(np.arange(5), sizes)
    tries = [accuracies((draws.random(label.size) > 0.7).astype(int), label, 5)[-1] for _ in range(2000)]
    held = np.mean([score.low <= 0.7 <= score.high for score in tries])
    assert 0.95 - 0.03 < held < 0.99


def test_the_rank_is_how_many_other_classes_score_as_much():
    logits = np.array([[3.0, 1, 2], [3, 1, 2], [3, 1, 2], [1, 1, 1]])
    assert label_ranks(logits, np.array([0, 1, 2, 0])).tolist() == [0, 2, 1, 2]


def test_accuracies_are_those_that_are_counted_by_hand():
    rank = np.array([0, 0, 3, 0, 7, 9])
    label = np.array([0, 0, 0, 0, 4, 5])
    found = accuracies(rank, label, 11)
    assert values(found) == {"top-1": 0.5, "top-5": pytest.approx(4 / 6), "mean per class": pytest.approx(0.75 / 3)}
    assert [score.n for score in found] == [6, 6, 6]
    assert (found[2].low, found[2].high) == wilson(0.25, 9 / (1 / 4 + 1 + 1))
    assert [score.metric for score in accuracies(rank, label, 5)] == ["top-1", "mean per class"]


def test_the_mean_over_classes_of_equal_size_is_top_1_with_its_interval():
    top, mean = accuracies(np.array([0, 1, 0, 2]), np.array([0, 0, 1, 1]), 2)
    assert (mean.value, mean.low, mean.high) == (top.value, top.low, top.high)


def slow_recall(queries, items, pairs, k):
    """Share of queries with one of theirs among the k best, ties taken for the worst."""
    right = 0
    for q in range(len(queries)):
        own = {item for query, item in pairs if query == q}
        ordered = sorted(range(len(items)), key=lambda item: (-(queries[q] @ items[item]), item in own))
        right += any(item in own for item in ordered[:k])
    return right / len(queries)


@pytest.mark.parametrize("cells", [scores._CELLS, 100])
def test_recalls_are_those_of_sorting_everything(monkeypatch, cells):
    monkeypatch.setattr(scores, "_CELLS", cells)  # in one piece and in pieces
    draws = np.random.default_rng(2)
    images, texts = draws.integers(-2, 3, (30, 3)).astype(np.float32), draws.integers(-2, 3, (70, 3)).astype(np.float32)
    pairs = [(text % 30, text) for text in range(70)] + [(3, 40), (5, 40)]
    found = values(recalls(images, texts, np.array(pairs)))
    for k in (1, 5, 10):
        assert found[f"image to text R@{k}"] == pytest.approx(slow_recall(images, texts, pairs, k))
        turned = [(text, image) for image, text in pairs]
        assert found[f"text to image R@{k}"] == pytest.approx(slow_recall(texts, images, turned, k))


def test_any_caption_of_an_image_counts_and_any_image_of_a_shared_caption():
    images = np.eye(3, dtype=np.float32)
    texts = np.array([[0, 1, 0], [1, 0, 0], [0.1, 0, 0.2]], np.float32)
    # image 0 has the captions 0 and 1, and shares caption 2 with image 2
    found = values(recalls(images, texts, np.array([[0, 0], [0, 1], [1, 0], [0, 2], [2, 2]])))
    assert found["image to text R@1"] == 1.0
    assert found["text to image R@1"] == 1.0


def test_a_model_that_says_the_same_of_everything_is_never_right():
    same = np.ones((12, 4), np.float32)
    found = recalls(same, same, np.stack([np.arange(12)] * 2, axis=1))
    assert set(values(found).values()) == {0.0}
    assert label_ranks(np.ones((2, 3)), np.array([0, 2])).tolist() == [2, 2]


def test_there_is_no_recall_at_as_many_as_there_are():
    found = recalls(np.eye(5, dtype=np.float32), np.eye(5, dtype=np.float32), np.stack([np.arange(5)] * 2, axis=1))
    assert [score.metric for score in found] == ["image to text R@1", "text to image R@1"]


def test_captions_of_an_image_are_not_taken_for_independent_answers():
    images, texts = np.eye(4, dtype=np.float32), np.repeat(np.eye(4, dtype=np.float32), 3, axis=0)
    found = recalls(images, texts, np.array([[text // 3, text] for text in range(12)]))
    to_image = next(score for score in found if score.metric == "text to image R@1")
    assert (to_image.n, to_image.low) == (12, wilson(1.0, 4)[0])
