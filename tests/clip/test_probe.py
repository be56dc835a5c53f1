import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from curation.clip.features import item_digest
from curation.clip.probe import GRID, TOLERANCE, Head, choose_l2, draw, fit, text_head, zero_head


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pictures(n: int, dimensions: int, classes: int, spread: float = 2.0, seed: int = 0):
    """Features of length 1 around a centre for each class, and labels."""
    draws = np.random.default_rng(seed)
    centres = draws.normal(size=(classes, dimensions))
    label = np.arange(n) % classes
    features = centres[label] + spread * draws.normal(size=(n, dimensions))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32), label


def objective(head: Head, features, label, l2, start: Head):
    """The loss and its gradient by the weights, written down as the formula says."""
    scores = features.astype(np.float64) @ head.weight.T + head.bias
    scores -= scores.max(axis=1, keepdims=True)
    prob = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.log(prob[np.arange(len(label)), label]).sum() + l2 / 2 * ((head.weight - start.weight) ** 2).sum()
    wrong = prob - np.eye(len(head.bias))[label]
    return loss, wrong.T @ features + l2 * (head.weight - start.weight), wrong.sum(axis=0)


def centred(bias):
    return bias - bias.mean()  # softmax does not tell a shift of all


@pytest.mark.parametrize("l2", [1e-3, 0.1, 1.0, 10.0, 1e4])
@pytest.mark.parametrize(("n", "dimensions", "classes"), [(90, 12, 5), (240, 32, 40)])
def test_the_probe_is_the_optimum_of_scikit_learn(n, dimensions, classes, l2):
    features, label = pictures(n, dimensions, classes)
    start = zero_head(classes, dimensions)
    ours = fit(features, label, l2, start)
    theirs = LogisticRegression(C=1 / l2, tol=1e-9, max_iter=100_000).fit(features.astype(np.float64), label)
    other = Head(theirs.coef_, theirs.intercept_)
    loss, by_weight, by_bias = objective(ours, features, label, l2, start)
    assert np.sqrt((by_weight**2).sum() + (by_bias**2).sum()) <= 2 * TOLERANCE * n
    other_loss, other_by_weight, other_by_bias = objective(other, features, label, l2, start)
    # the objective is l2-strongly convex in the weights with the best bias for each: |W - W*| <= |gradient| / l2
    slack = 2 * (np.linalg.norm(by_weight) + np.linalg.norm(other_by_weight) + np.linalg.norm(other_by_bias)) / l2
    assert np.linalg.norm(ours.weight - other.weight) <= slack
    assert loss <= other_loss + 1e-9 * n
    assert slack < 0.05 * np.linalg.norm(ours.weight)  # so the line above says something


def test_two_classes_are_scikit_learns_at_twice_the_l2():
    # one weight for the difference of both: w = W1 - W0, and ||W||**2 = ||w||**2 / 2
    features, label = pictures(60, 8, 2)
    ours = fit(features, label, 1.0, zero_head(2, 8))
    theirs = LogisticRegression(C=2.0, tol=1e-10, max_iter=100_000).fit(features.astype(np.float64), label)
    np.testing.assert_allclose(ours.weight[1] - ours.weight[0], theirs.coef_[0], atol=1e-6)


@pytest.mark.parametrize("l2", [0.05, 5.0])
def test_near_a_head_it_is_the_optimum_that_a_general_solver_finds(l2):
    features, label = pictures(60, 6, 4)
    start = text_head(np.random.default_rng(1).normal(size=(4, 6)), 3.0)
    ours = fit(features, label, l2, start)

    def flat(values):
        head = Head(values[:24].reshape(4, 6), values[24:])
        loss, by_weight, by_bias = objective(head, features, label, l2, start)
        return loss, np.concatenate([by_weight.ravel(), by_bias])

    found = minimize(flat, np.zeros(28), jac=True, method="BFGS", options={"gtol": 1e-8, "maxiter": 10_000})
    np.testing.assert_allclose(ours.weight.ravel(), found.x[:24], atol=1e-5)
    np.testing.assert_allclose(centred(ours.bias), centred(found.x[24:]), atol=1e-5)


def test_every_strength_of_the_grid_comes_to_its_optimum_from_either_start():
    features, label = pictures(60, 16, 6, spread=0.5)  # separable: the optimum of a weak l2 is far away
    text = text_head(features[:6], 100.0)
    for l2 in GRID.tolist():
        for start in (zero_head(6, 16), text):
            head = fit(features, label, l2, start)
            _, by_weight, by_bias = objective(head, features, label, l2, start)
            rounding = l2 * np.finfo(float).eps * np.linalg.norm(head.weight)  # of head - start, here but not there
            assert np.hypot(np.linalg.norm(by_weight), np.linalg.norm(by_bias)) <= 2 * TOLERANCE * 60 + rounding, l2


def test_the_grid_is_97_strengths_eight_a_decade():
    assert (GRID.size, GRID[0], GRID[-1]) == (97, pytest.approx(1e-6), pytest.approx(1e6))
    np.testing.assert_allclose(GRID[8:] / GRID[:-8], 10.0)


def test_where_one_begins_makes_no_difference():
    features, label = pictures(80, 10, 4)
    start = zero_head(4, 10)
    far = Head(np.random.default_rng(3).normal(size=(4, 10)) * 20, np.arange(4.0))
    np.testing.assert_allclose(
        fit(features, label, 0.1, start, far).weight, fit(features, label, 0.1, start).weight, atol=1e-6
    )


def test_a_strong_pull_leaves_the_head_what_it_was_before_any_step():
    features, label = pictures(40, 8, 4)
    class_embeddings = np.random.default_rng(2).normal(size=(4, 8)).astype(np.float32)
    start = text_head(class_embeddings, 100.0)
    np.testing.assert_allclose(start.logits(features), 100.0 * features @ class_embeddings.T, rtol=1e-4, atol=1e-4)
    assert np.abs(fit(features, label, 1e12, start).weight - start.weight).max() < 1e-9


def test_a_class_without_a_picture_stays_in_the_head():
    features, label = pictures(30, 8, 3)
    head = fit(features, label, 1.0, zero_head(5, 8))
    assert head.weight.shape == (5, 8)
    assert not np.isin(head.logits(features).argmax(axis=1), (3, 4)).any()


def test_the_search_finds_the_strength_that_trying_all_97_finds():
    features, label = pictures(200, 16, 8, spread=1.5)
    fitted, held_out = np.arange(80), np.arange(80, 200)
    fits = []
    found = choose_l2(features, label, fitted, held_out, zero_head(8, 16), lambda: fits.append(1))
    assert len(fits) <= 15

    def score(l2):
        head = fit(features[fitted], label[fitted], l2, zero_head(8, 16))
        scores = head.logits(features[held_out])
        log_prob = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        right = scores.argmax(axis=1) == label[held_out]
        return right.mean(), log_prob[np.arange(120), label[held_out]].mean()

    accuracy, _ = max(map(score, GRID.tolist()))
    assert score(found)[0] >= accuracy - 1 / 120


def test_whoever_wants_to_stop_is_asked_before_each_fit():
    features, label = pictures(30, 4, 3)

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        choose_l2(features, label, np.arange(15), np.arange(15, 30), zero_head(3, 4), stop)


DIGESTS = [item_digest(f"picture {n}") for n in range(40)]
LABEL = np.array([0] * 25 + [1] * 12 + [2] * 2 + [5])


def test_a_draw_takes_so_many_of_each_class_and_holds_a_fifth_out():
    fitted, held_out = draw(DIGESTS, LABEL, 10, 0)
    assert np.bincount(LABEL[fitted]).tolist() == [8, 8, 1, 0, 0, 1]
    assert np.bincount(LABEL[held_out], minlength=6).tolist() == [2, 2, 1, 0, 0, 0]
    assert not np.isin(fitted, held_out).any()
    fitted, held_out = draw(DIGESTS, LABEL, None, 0)
    assert sorted([*fitted.tolist(), *held_out.tolist()]) == list(range(40))
    assert np.bincount(LABEL[held_out]).tolist() == [5, 2, 1]


def test_fewer_shots_are_among_more_and_the_order_of_files_plays_no_part():
    five, twenty = (set(np.concatenate(draw(DIGESTS, LABEL, shots, 1)).tolist()) for shots in (5, 20))
    assert five < twenty
    turned = draw(DIGESTS[::-1], LABEL[::-1], 5, 1)
    assert {39 - n for n in np.concatenate(turned).tolist()} == five
    assert five != set(np.concatenate(draw(DIGESTS, LABEL, 5, 2)).tolist())


def test_the_draw_of_a_seed_stays_what_it_is():
    assert draw(DIGESTS, LABEL, 3, 0)[0].tolist() == [11, 19, 31, 35, 37, 39]
