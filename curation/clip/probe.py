"""The linear probe: multinomial logistic regression on features that stay as they are.

    minimise over W, b:   sum over pictures of -log softmax(W x + b)[label]  +  l2 / 2 * ||W - start||**2

With start = 0 this is what scikit-learn's LogisticRegression(C=1 / l2) minimises for three or more classes. With the
text features of the class names as start (times the logit scale) the head says, before any step, what zero-shot does,
and l2 pulls towards that: ELEVATER's language-initialised head (Li et al. 2022, arXiv:2204.08790) made a
problem with one optimum, where it no longer matters when one stops.

It is solved by Newton's method, whose steps come from conjugate gradients (Nocedal and Wright 2006, section 7.1), in
float64, until the gradient is nothing but rounding.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

TOLERANCE = 1e-10
"""The gradient at the optimum, divided by the number of pictures. Each of these adds one of length 1 or so."""

MOST_STEPS = 200

GRID = 10.0 ** (np.arange(97) / 8 - 6)
"""Strengths of l2, eight a decade, of which the best on held-out pictures is taken (CLIP, appendix A.3)."""

FIRST_STEP = 16
HELD_OUT = 0.2


@dataclass(frozen=True)
class Head:
    """A linear classifier of C classes.

    weight: (C, D) float64; bias: (C,) float64
    """

    weight: np.ndarray
    bias: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, C) float64."""
        scores: np.ndarray = features.astype(np.float64) @ self.weight.T + self.bias
        return scores


def zero_head(classes: int, dimensions: int) -> Head:
    """The head that knows nothing."""
    return Head(np.zeros((classes, dimensions)), np.zeros(classes))


def text_head(class_embeddings: np.ndarray, logit_scale: float) -> Head:
    """The head that is the zero-shot classifier; class_embeddings: (C, D)."""
    return Head(logit_scale * class_embeddings.astype(np.float64), np.zeros(len(class_embeddings)))


def fit(features: np.ndarray, label: np.ndarray, l2: float, start: Head, near: Head | None = None) -> Head:
    """The head at the optimum.

    features: (N, D); label: (N,) int64 below C; l2: above 0; start: what l2 pulls towards
    near:     where to begin, such as the optimum at another l2; the optimum is the same
    raises    ArithmeticError if it is not reached
    """
    x = torch.from_numpy(np.column_stack([features.astype(np.float64), np.ones(len(features))]))  # (N, D + 1)
    from_start = _Problem(x, torch.from_numpy(label), x @ _joined(start).T, l2)
    found = _joined(start) + from_start.solve(_joined(near or start) - _joined(start))
    return Head(found[:, :-1].numpy(), found[:, -1].numpy())


class _Problem:
    """The objective over what is added to the start, as one (C, D + 1) matrix with the bias in the last column.

    Over the head itself, a strong l2 would multiply the rounding of a start that is large.

    offset: (N, C), what the start says; l2 leaves the bias alone
    """

    def __init__(self, x: torch.Tensor, label: torch.Tensor, offset: torch.Tensor, l2: float) -> None:
        self.x, self.label, self.offset = x, label, offset
        self.l2 = torch.full((x.shape[1],), l2, dtype=torch.float64)
        self.l2[-1] = 0.0

    def solve(self, added: torch.Tensor) -> torch.Tensor:
        loss, prob = self._at(added)
        for _ in range(MOST_STEPS):
            gradient = self._gradient(added, prob)
            if float(gradient.norm()) <= TOLERANCE * len(self.x):
                return added
            step = self._newton_step(gradient, prob)
            slope = float((gradient * step).sum())
            length = 1.0
            # near the optimum the loss falls by less than its rounding
            while (ahead := self._at(added + length * step))[0] > loss + 1e-4 * length * slope + 1e-14 * abs(loss):
                length /= 2
            added, (loss, prob) = added + length * step, ahead
        raise ArithmeticError(f"no optimum after {MOST_STEPS} steps: gradient {float(gradient.norm()):.3g}")

    def _at(self, added: torch.Tensor) -> tuple[float, torch.Tensor]:
        """The objective, and (N, C) the probabilities of the classes."""
        log_prob = torch.log_softmax(self.offset + self.x @ added.T, dim=1)
        loss = -log_prob.gather(1, self.label[:, None]).sum()
        return float(loss + (self.l2 * added**2).sum() / 2), log_prob.exp()

    def _gradient(self, added: torch.Tensor, prob: torch.Tensor) -> torch.Tensor:
        wrong = prob.clone()  # (N, C)
        wrong[torch.arange(len(wrong)), self.label] -= 1
        return wrong.T @ self.x + self.l2 * added

    def _newton_step(self, gradient: torch.Tensor, prob: torch.Tensor) -> torch.Tensor:
        """About -H^-1 gradient, the closer the nearer the optimum; H is never written down."""

        def curved(along: torch.Tensor) -> torch.Tensor:  # H @ along
            moved = self.x @ along.T  # (N, C)
            moved = prob * (moved - (prob * moved).sum(dim=1, keepdim=True))
            return moved.T @ self.x + self.l2 * along

        diagonal = (prob * (1 - prob)).T @ self.x**2 + self.l2
        diagonal = diagonal.clamp(min=1e-12 * float(diagonal.max()))
        size = float(gradient.norm())
        wanted = size * min(0.1, (size / len(self.x)) ** 0.5)
        step, left = torch.zeros_like(gradient), -gradient
        eased = left / diagonal
        along, product = eased, float((left * eased).sum())
        for _ in range(gradient.numel()):
            if float(left.norm()) <= wanted:
                break
            bent = curved(along)
            share = product / float((along * bent).sum())
            step, left = step + share * along, left - share * bent
            eased = left / diagonal
            product, before = float((left * eased).sum()), product
            along = eased + product / before * along
        return step


def draw(digests: list[bytes], label: np.ndarray, shots: int | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures to learn from, and which of these are held out to choose l2.

    The order of a class's pictures is that of the 64-bit BLAKE2b of (seed as 8 bytes, digest of the picture): so the
    draw does not depend on files or on other classes, and 5 shots are among the 20. A class with less has all drawn; of
    those drawn a fifth is held out, rounded, but one at least and never the only one.

    digests: (N,) `item_digest`; label: (N,) int64; shots: pictures a class, None for all
    returns  two ascending arrays of numbers, one to fit on, one held out
    """
    key = np.array([_drawn_at(seed, digest) for digest in digests], np.uint64)
    order = np.lexsort((key, label))
    _, first, n_c = np.unique(label[order], return_index=True, return_counts=True)
    place = np.arange(order.size) - np.repeat(first, n_c)  # in the order of its class
    drawn = np.repeat(n_c if shots is None else n_c.clip(max=shots), n_c)
    held_out = np.where(drawn < 2, 0, np.maximum(1, np.rint(HELD_OUT * drawn)))
    return (
        np.sort(order[place < drawn - held_out]),
        np.sort(order[(place >= drawn - held_out) & (place < drawn)]),
    )


def _drawn_at(seed: int, digest: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(seed.to_bytes(8, "little") + digest, digest_size=8).digest(), "little")


def choose_l2(
    features: np.ndarray,
    label: np.ndarray,
    fitted: np.ndarray,
    held_out: np.ndarray,
    start: Head,
    before_each: Callable[[], None] = lambda: None,
) -> float:
    """The l2 of `GRID` whose head does best on held-out pictures, found in at most 15 fits.

    The search of CLIP's appendix A.3: every second decade first, then half as far to both sides of the best, until its
    neighbours on the grid were tried. Best is the highest accuracy, then the lowest loss.

    features: (N, D); label: (N,) int64; fitted, held_out: numbers of pictures
    before_each: called before each fit; may raise
    """
    heads: dict[int, Head] = {}
    scores: dict[int, tuple[float, float]] = {}

    def look(at: int) -> None:
        if at in heads or not 0 <= at < GRID.size:
            return
        before_each()
        near = heads[min(heads, key=lambda other: abs(other - at))] if heads else None
        heads[at] = fit(features[fitted], label[fitted], float(GRID[at]), start, near)
        scores[at] = _held_out_score(heads[at], features[held_out], label[held_out])

    for at in range(GRID.size - 1, -1, -FIRST_STEP):  # from the strongest, where a fit is easy, to the weakest
        look(at)
    step = FIRST_STEP // 2
    while step:
        best = max(scores, key=lambda at: scores[at])
        look(best + step)
        look(best - step)
        step //= 2
    return float(GRID[max(scores, key=lambda at: scores[at])])


def _held_out_score(head: Head, features: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """(accuracy, minus the loss): the greater the better."""
    log_prob = torch.log_softmax(torch.from_numpy(head.logits(features)), dim=1).numpy()
    return float((log_prob.argmax(axis=1) == label).mean()), float(log_prob[np.arange(len(label)), label].mean())


def _joined(head: Head) -> torch.Tensor:
    return torch.from_numpy(np.column_stack([head.weight, head.bias]))
