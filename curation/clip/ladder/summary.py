"""What came of a ladder: accuracy by rung, with intervals, for head, middle and tail classes; and class by class.

    se^2 = V_pictures / P + V_seeds / S        interval: mean -+ 1.96 se

V_pictures is the variance over the P pictures of how often each was known, V_seeds that over the S seeds of the
accuracy. With one seed the second term is unknown and left out: the interval then speaks of other pictures and not of
other trainings. A gain is that over the arm `matched` with the same seeds on the same pictures, and so is its interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curation.clip.ladder.config import Rung
from curation.clip.ladder.folder import Ladder

GROUPS = ("all", "head", "middle", "tail")
BASE = Rung("matched")
Z = 1.96
MANY_PASSES = 12.0
"""So often a pair may come before a small model learns it by heart, see docs/ladder.md."""


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


def interval(values: np.ndarray) -> Interval:
    """Of the mean of (S, P) values, over seeds and pictures; see above."""
    of_picture, of_seed = values.mean(axis=0), values.mean(axis=1)
    variance = of_picture.var(ddof=1) / of_picture.size if of_picture.size > 1 else 0.0
    if of_seed.size > 1:
        variance += of_seed.var(ddof=1) / of_seed.size
    mean, away = float(values.mean()), Z * float(np.sqrt(variance))
    return Interval(mean, mean - away, mean + away)


def groups(count: np.ndarray) -> np.ndarray:
    """(C,) of "head", "middle" and "tail": thirds of the classes by their counts; equal counts stay together.

    count: (C,) int64, texts of the pool with the name of each class

    >>> groups(np.array([900, 5, 5, 5, 40, 0])).tolist()
    ['head', 'middle', 'middle', 'middle', 'head', 'tail']
    """
    descending = np.sort(count)[::-1]
    last_of_head, last_of_middle = (descending[max(0, count.size * part // 3 - 1)] for part in (1, 2))
    return np.where(count >= last_of_head, "head", np.where(count >= last_of_middle, "middle", "tail"))


def accuracies(ladder: Ladder) -> pa.Table:
    """A row for each rung that is done with at least one seed, and each group of classes.

    arm, rung; t float64 (null where the arm has none); group, classes, pictures; seeds int64; items: pairs that it
    trains on; passes float64: how often each of them came; accuracy, low, high; gain, gain_low, gain_high over matched
    (null where that is not done with a seed in common)
    """
    label, classes = ladder.label, ladder.classes
    rows = []
    if label is not None and classes is not None:
        group = np.array(classes["group"].to_pylist())
        base = _right(ladder, BASE)
        for rung in ladder.config.rungs:
            if right := _right(ladder, rung):
                rows += [_row(ladder, rung, right, base, name, group, label) for name in GROUPS]
    return pa.Table.from_pylist([row for row in rows if row["pictures"]], ACCURACIES)


ACCURACIES = pa.schema(
    [("arm", pa.string()), ("rung", pa.string()), ("t", pa.float64()), ("group", pa.string())]
    + [(name, pa.int64()) for name in ("classes", "pictures", "seeds", "items")]
    + [(name, pa.float64()) for name in ("passes", "accuracy", "low", "high", "gain", "gain_low", "gain_high")]
)


def by_class(ladder: Ladder) -> pa.Table:
    """A row for each class and each rung that is done: class, group, count, kept, pictures; arm, rung, t; accuracy."""
    label, classes = ladder.label, ladder.classes
    tables = []
    if label is not None and classes is not None:
        pictures = np.bincount(label, minlength=len(classes))
        for rung in ladder.config.rungs:
            if right := _right(ladder, rung):
                often = np.mean(list(right.values()), axis=0)
                known = np.bincount(label, weights=often, minlength=len(classes)) / np.maximum(pictures, 1)
                of_rung = {"arm": rung.arm, "rung": rung.key, "t": rung.t}
                columns = {name: pa.array([value] * len(classes)) for name, value in of_rung.items()}
                columns["t"] = columns["t"].cast(pa.float64())
                tables.append(pa.table({**dict(zip(classes.column_names, classes, strict=True)), **columns,
                                        "accuracy": known}))  # fmt: skip
    return pa.concat_tables(tables) if tables else pa.table({})


def sentence(accuracies: pa.Table) -> str:
    """What balancing did to accuracy, whichever way it went, from the rows of `accuracies`.

    Over all classes, at the t that was best for them; then for head, middle and tail where their interval leaves out 0.
    """
    rows = [row for row in accuracies.to_pylist() if row["arm"] == "balanced" and row["gain"] is not None]
    over_all = [row for row in rows if row["group"] == "all"]
    if not over_all:
        return "What balancing does can be said once both matched and balanced are trained."
    best = max(over_all, key=lambda row: row["gain"])
    low, high = 100 * best["gain_low"], 100 * best["gain_high"]
    told = f"95 % interval {low:+.1f} to {high:+.1f}, {best['seeds']} seed{'s' if best['seeds'] > 1 else ''}"
    chosen = f", the best of {len(over_all)} t that were tried" if len(over_all) > 1 else ""
    at = f"Balanced at t = {best['t']:,.15g}{chosen}"
    if low <= 0 <= high:
        verdict = f"{at}: no difference from matched was found ({100 * best['gain']:+.1f} points; {told})."
    else:
        better = "better" if best["gain"] > 0 else "worse"
        verdict = f"{at}, is {abs(100 * best['gain']):.1f} points {better} than matched at equal samples seen ({told})."
    return " ".join([verdict, *filter(None, (_of_group(row) for row in rows if row["rung"] == best["rung"]))])


def _of_group(row: dict[str, Any]) -> str:
    """Half a sentence on a group that gained or lost."""
    low, high = 100 * row["gain_low"], 100 * row["gain_high"]
    if row["group"] == "all" or low <= 0 <= high:
        return ""
    which = "gain" if low > 0 else "lose"
    return (
        f"{row['group'].capitalize()} classes {which} {abs(100 * row['gain']):.1f} points ({low:+.1f} to {high:+.1f})."
    )


def too_few(items: int, samples: int) -> bool:
    """Whether a budget goes through so few pairs so often that the model learns them by heart."""
    return samples > MANY_PASSES * items


def _right(ladder: Ladder, rung: Rung) -> dict[int, np.ndarray]:
    """(P,) float64 by seed."""
    found = {seed: ladder.right(rung, seed) for seed in ladder.config.seeds}
    return {seed: right.astype(np.float64) for seed, right in found.items() if right is not None}


def _row(
    ladder: Ladder,
    rung: Rung,
    right: dict[int, np.ndarray],
    base: dict[int, np.ndarray],
    name: str,
    group: np.ndarray,
    label: np.ndarray,
) -> dict[str, object]:
    of_group = np.full(len(group), True) if name == "all" else group == name
    ours = of_group[label]
    row: dict[str, object] = {
        "arm": rung.arm, "rung": rung.key, "t": rung.t, "group": name,
        "classes": int(of_group.sum()), "pictures": int(ours.sum()), "seeds": len(right),
    }  # fmt: skip
    if not ours.any():
        return row
    seeds = sorted(right)
    accuracy = interval(_stacked(right, seeds, ours))
    training = ladder.training(rung, seeds[0])
    items = training.totals.get("items") if training is not None else None
    row |= {"items": items, "passes": ladder.config.train.samples / items if items else None}
    row |= {"accuracy": accuracy.mean, "low": accuracy.low, "high": accuracy.high}
    if common := sorted(set(right) & set(base)):
        gain = interval(_stacked(right, common, ours) - _stacked(base, common, ours))
        row |= {"gain": gain.mean, "gain_low": gain.low, "gain_high": gain.high}
    return row


def _stacked(right: dict[int, np.ndarray], seeds: Sequence[int], ours: np.ndarray) -> np.ndarray:
    return np.stack([right[seed][ours] for seed in seeds])
