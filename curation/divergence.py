"""How far apart two distributions over entries are."""

from dataclasses import dataclass

import numpy as np

SMOOTHING = 0.5


def kl(count_a: np.ndarray, count_b: np.ndarray) -> float:
    """KL(A || B) in nats between two counts of the same entries, smoothed.

        P(e) = (c_e + 1/2) / (sum of c + E / 2)        KL(A || B) = sum over e of P_A(e) ln(P_A(e) / P_B(e))

    over the E entries that are above 0 in A or in B; those at 0 in both say nothing and are left out. Half a count for
    every entry (Krichevsky and Trofimov, 1981) keeps an entry that only A has from making the divergence infinite.

    count_a, count_b: (M,) int64, not negative
    returns           >= 0; 0 for equal distributions, and where both are all 0

    >>> round(kl(np.array([30, 10, 0]), np.array([10, 30, 0])), 4), kl(np.array([0]), np.array([0]))
    (0.5202, 0.0)
    """
    present = (count_a > 0) | (count_b > 0)
    if not present.any():
        return 0.0
    p, q = (_smoothed(count[present]) for count in (count_a, count_b))
    return max(0.0, float((p * np.log(p / q)).sum()))


@dataclass(frozen=True)
class Alignment:
    """How far a task lies from a pool, in nats: kl = within - ln(mass).

    kl:     KL(T || P): what the paper reports (arXiv:2309.16671, appendix)
    within: the same with P among the task's entries alone: how unevenly the pool treats them
    mass:   P of the task's entries together: how much of the pool speaks of them, in (0, 1]
    """

    kl: float
    within: float
    mass: float


def align(weight: np.ndarray, count: np.ndarray, entries: int, matches: int) -> Alignment:
    """KL(T || P) between the classes of a task and the counts of a pool, smoothed as in `kl`.

        T(e) = weight of the classes named by e, normalised      P(e) = (c_e + 1/2) / (matches + entries / 2)

    P is over all entries that the pool matches and those of the task, not over the task's alone: else a pool that
    hardly knows the task could look well aligned. Half a count for every entry keeps an entry that matches nothing from
    making the divergence infinite; take the same entries before and after balancing, and the two can be compared.

    weight:  (K,) float64 above 0, of the K entries that the task's classes are found as
    count:   (K,) int64 their counts
    entries: how many entries P is over, these K among them; matches: the sum of their counts
    returns  0 for a P that is T; NaN where K is 0, for then there is no T

    >>> found = align(np.array([1.0, 1.0]), np.array([9, 1]), entries=3, matches=20)
    >>> round(found.kl, 4), round(found.within, 4), round(found.mass, 4)
    (1.0465, 0.3764, 0.5116)
    """
    if not weight.size:
        return Alignment(float("nan"), float("nan"), 0.0)
    t = weight / weight.sum()
    p = (count + SMOOTHING) / (matches + entries * SMOOTHING)
    mass = float(p.sum())
    within = max(0.0, float((t * np.log(t * mass / p)).sum()))
    return Alignment(within - float(np.log(mass)), within, mass)


def _smoothed(count: np.ndarray) -> np.ndarray:
    share = count + SMOOTHING
    return share / share.sum()
