"""counts -> who is kept (arXiv:2309.16671, section 3.3 and Algorithm 1, part 2).

An entry e with c_e matched texts keeps each of them with probability p_e = t / max(c_e, t); a pair stays when at least
one of its entries keeps it. With u_e uniform in [0, 1), u_e < p_e is the same as u_e * c_e < t, so a pair is in the
curated set at t iff t_min < t, where t_min is the smallest u_e * c_e of its entries.
"""

import math

import numpy as np
import pyarrow as pa

from curation.errors import BadArgument
from curation.uniform import list_lengths


def t_min(matched_entry_ids: pa.ListArray, u: np.ndarray, entry_count: np.ndarray) -> np.ndarray:
    """Smallest threshold above which balancing keeps each pair.

    A pair is in the curated set at threshold t iff t_min < t (Algorithm 1, part 2).

    matched_entry_ids: (N,) list<int32>, unique per text
    u:                 (nnz,) float64 in [0, 1), one per (pair, entry)
    entry_count:       (M,) int64
    returns            (N,) float64; +inf for a text that matched nothing

    >>> lists = pa.array([[0, 1], [], [1]], pa.list_(pa.int32()))
    >>> t_min(lists, np.array([0.5, 0.25, 0.75]), np.array([1, 4]))
    array([0.5, inf, 3. ])
    """
    products = u * entry_count[matched_entry_ids.flatten().to_numpy()]
    return _per_list(np.minimum, products, list_lengths(matched_entry_ids), empty=np.inf)


def entry_prob(entry_count: np.ndarray, t: float) -> np.ndarray:
    """p_e = t / max(c_e, t): the probability that an entry keeps one of its texts.

    entry_count: (M,) int64; returns (M,) float64 in (0, 1]; raises BadArgument for t < 1

    >>> entry_prob(np.array([5, 20, 80]), t=20)
    array([1.  , 1.  , 0.25])
    """
    return check_t(t) / np.maximum(entry_count, t)


def keep_prob(matched_entry_ids: pa.ListArray, entry_count: np.ndarray, t: float) -> np.ndarray:
    """pi = 1 - prod(1 - p_e) over a pair's entries: the probability that balancing keeps the pair.

    returns (N,) float64; 0 for a text that matched nothing

    >>> keep_prob(pa.array([[0, 1], []], pa.list_(pa.int32())), np.array([40, 80]), t=20)
    array([0.625, 0.   ])
    """
    return pair_prob(matched_entry_ids, entry_prob(entry_count, t))


def pair_prob(matched_entry_ids: pa.ListArray, entry_prob: np.ndarray) -> np.ndarray:
    """pi of each pair, as `keep_prob`, where the probability of each entry is known.

    entry_prob: (M,) float64 in [0, 1]; returns (N,) float64; 0 for a text that matched nothing
    """
    misses = 1.0 - entry_prob[matched_entry_ids.flatten().to_numpy()]
    return 1.0 - _per_list(np.multiply, misses, list_lengths(matched_entry_ids), empty=1.0)


def expected_size(keep_prob: np.ndarray) -> tuple[float, float]:
    """How many pairs balancing keeps on average, and the standard deviation: sum(pi), sqrt(sum(pi (1 - pi))).

    Holds for pairs with different uids: pairs that share one share their fate.

    >>> expected_size(np.array([1.0, 0.5, 0.5, 0.0]))
    (2.0, 0.7071067811865476)
    """
    return float(keep_prob.sum()), float(np.sqrt((keep_prob * (1.0 - keep_prob)).sum()))


def t_to_p(entry_count: np.ndarray, t: float) -> float:
    """The tail share of a pool: the share of all matches that fall on entries with count < t.

    entry_count: (M,) int64; entries that matched nothing do not count; raises BadArgument if nothing matched at all

    >>> t_to_p(np.array([0, 10, 30, 60]), t=31)
    0.4
    """
    counts = _matched_counts(entry_count)
    return int(counts[counts < check_t(t)].sum()) / int(counts.sum())


def p_to_t(entry_count: np.ndarray, p: float) -> float:
    """The threshold whose tail share comes nearest to p (the smaller one of two equally near).

    The tail share moves in steps, one for each distinct count, so that `t_to_p` of the result is seldom exactly p: show
    it next to what was asked for. Thresholds tried: 1, and each distinct count + 1, which just puts that count into the
    tail.

    entry_count: (M,) int64; entries that matched nothing do not count
    p:           0 <= p <= 1
    returns      t >= 1
    raises       BadArgument for another p, or if nothing matched at all

    >>> p_to_t(np.array([0, 10, 30, 60]), p=0.38)
    31.0
    """
    if not 0.0 <= p <= 1.0:
        raise BadArgument(f"tail share {p:g}: give a number from 0 to 1, such as 0.06")
    thresholds, shares = tail_shares(entry_count)
    return float(thresholds[np.argmin(np.abs(shares - p))])


def tail_shares(entry_count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every tail share that a threshold can reach, and the smallest whole threshold that reaches it.

    entry_count: (M,) int64; entries that matched nothing do not count; raises BadArgument if nothing matched at all
    returns      thresholds (S,) float64 and shares (S,) float64 from 0 to 1, both ascending

    >>> tail_shares(np.array([0, 10, 30, 60]))
    (array([ 1., 11., 31., 61.]), array([0. , 0.1, 0.4, 1. ]))
    """
    count, times = np.unique(_matched_counts(entry_count), return_counts=True)
    matches = np.concatenate([[0], np.cumsum(count * times)])
    return np.concatenate([[1.0], count + 1.0]), matches / matches[-1]


def t_for_size(lower: float, upper: float) -> float:
    """The roundest threshold t with lower < t <= upper: the number in that range with the fewest digits.

    With lower the N-th smallest t_min and upper the next one, exactly N pairs have t_min < t. Never below 1, the
    smallest threshold: where upper is, the curated set is what t = 1 keeps.

    >>> t_for_size(19.93, 20.41), t_for_size(0.2, 0.7), t_for_size(812.3391, 812.3455)
    (20.0, 1.0, 812.34)
    """
    for digits in range(-18, 17):  # from whole quintillions down
        step = 10 ** abs(digits)
        candidate = float(math.floor(upper / step) * step if digits < 0 else math.floor(upper * step) / step)
        if max(lower, 1.0 - 2.0**-53) < candidate <= upper:
            return candidate
    return max(1.0, upper)


def check_t(t: float) -> float:
    """t itself, or BadArgument: below 1 no entry would keep a whole text, and at 0 the rule is 0 / 0."""
    if not 1.0 <= t < np.inf:
        raise BadArgument(f"t = {t:g}: the threshold is the number of texts an entry may keep; give 1 or more")
    return float(t)


def _matched_counts(entry_count: np.ndarray) -> np.ndarray:
    counts = entry_count[entry_count > 0]
    if counts.size == 0:
        raise BadArgument(
            "nothing matched: no text of the pool holds an entry of the metadata, so there is no tail share"
        )
    return counts


def _per_list(reduce: np.ufunc, values: np.ndarray, lengths: np.ndarray, empty: float) -> np.ndarray:
    """(N,) float64: `reduce` over each list's stretch of `values`; `empty` for an empty list."""
    reduced = np.full(lengths.size, empty, np.float64)
    filled = lengths > 0
    if filled.any():
        # reduceat wants the starts of non-empty stretches only
        starts = np.concatenate([[0], np.cumsum(lengths[filled])[:-1]])
        reduced[filled] = reduce.reduceat(values, starts)
    return reduced
