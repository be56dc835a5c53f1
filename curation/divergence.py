"""How far apart two distributions over entries are."""

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


def _smoothed(count: np.ndarray) -> np.ndarray:
    share = count + SMOOTHING
    return share / share.sum()
