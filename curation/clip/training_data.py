"""What a checkpoint was trained on, as far as its run tells: how often each label, and which captions come nearest."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.clip.features import FeatureStore, item_digest
from curation.errors import BadRun
from curation.queries.captions import drawn_captions
from curation.runs.folder import Run, open_finished_run

if TYPE_CHECKING:
    from curation.clip.checkpoint import Checkpoint

MOST_CAPTIONS = 20_000

VIEW = "text"


@dataclass(frozen=True)
class Nearest:
    """The captions nearest to each picture.

    found:     for each picture its captions with their cosines, the nearest first
    looked_at: distinct captions that were compared; pairs: the training pairs that these are from
    drawn:     whether there are more distinct captions, of which these were drawn
    """

    found: list[list[tuple[str, float]]]
    looked_at: int
    pairs: int
    drawn: bool


def trained_run(trained_on: dict[str, Any] | None) -> Run | None:
    """The run that a checkpoint was trained on, if it says so; raises BadRun where it is gone or another one now."""
    if not trained_on or not trained_on.get("run"):
        return None
    path = Path(str(trained_on["run"]))
    if not (path / "run.json").is_file():
        raise BadRun(f"{path}: the run that this checkpoint was trained on is not there any more")
    run = open_finished_run(path)
    if trained_on.get("plan_digest") not in (None, run.info["plan_digest"]):
        raise BadRun(f"{path}: is another run than the one that this checkpoint was trained on")
    return run


def trained_t(trained_on: dict[str, Any]) -> float | None:
    """The threshold below which t_min of the training pairs is: inf for those that match, None for the whole pool.

    >>> [trained_t({"arm": arm, "t": 20.0}) for arm in ("balanced", "online", "matched", "raw")]
    [20.0, 20.0, inf, None]
    """
    arm, t = trained_on.get("arm"), trained_on.get("t")
    if arm in ("raw", "english"):
        return None
    return float(t) if t is not None and arm != "matched" else math.inf


def nearest_captions(
    checkpoint: "Checkpoint",
    run: Run,
    t: float | None,
    image_features: np.ndarray,
    store: FeatureStore,
    *,
    k: int = 3,
    most: int = MOST_CAPTIONS,
) -> Nearest:
    """The training captions whose features have the highest cosine with each picture's.

    t:              of the training set: its pairs have t_min < t; None for the whole pool
    image_features: (N, D) float32, of length 1
    most:           of more distinct captions so many are drawn and looked at
    """
    captions = drawn_captions(run, t, most + 1)  # one more tells that there are more
    texts: Sequence[str] = captions.texts.to_pylist()[:most]

    def make(missing: np.ndarray) -> np.ndarray:
        return checkpoint.encode_texts([texts[number] for number in missing.tolist()])

    text_features = store.features_of(checkpoint.digest, VIEW, [item_digest(text) for text in texts], make)
    if not len(texts):
        return Nearest([[] for _ in image_features], 0, captions.pairs, drawn=False)
    cosine = image_features @ text_features.T  # (N, captions)
    order = np.argsort(-cosine, axis=1, kind="stable")[:, :k]
    found = [[(texts[at], float(cosine[row, at])) for at in nearest] for row, nearest in enumerate(order.tolist())]
    return Nearest(found, len(texts), captions.pairs, drawn=len(captions.texts) > most)
