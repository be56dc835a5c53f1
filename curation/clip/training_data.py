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
from curation.runs.folder import Run, list_runs, open_finished_run, open_run
from curation.runs.workspace import workspace

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
    """The run that a checkpoint was trained on: where it says, or else that of the workspace with the same plan.

    returns None for a checkpoint that says nothing of a run; raises BadRun where the run is not at hand
    """
    if not trained_on or not trained_on.get("plan_digest"):
        return None
    wanted, path = trained_on["plan_digest"], trained_on.get("run")
    here = [open_run(Path(path))] if path and (Path(path) / "run.json").is_file() else []
    for run in [*here, *list_runs(workspace())]:
        if run.state == "done" and run.info["plan_digest"] == wanted:
            return open_finished_run(run.path)
    name = str(trained_on.get("run_name") or path or wanted[:12])
    raise BadRun(f"{name}: the run that this checkpoint was trained on is not at hand, so nothing is said of its data")


def trained_arm(trained_on: dict[str, Any]) -> str:
    """Which pairs of its run a checkpoint was trained on, see `training.arms`."""
    return str(trained_on.get("arm", "balanced"))


def trained_t(trained_on: dict[str, Any]) -> float | None:
    """The threshold below which t_min of the training pairs is: inf for those that match, None for the whole pool.

    >>> [trained_t({"arm": arm, "t": 20.0}) for arm in ("balanced", "online", "matched", "raw")]
    [20.0, 20.0, inf, None]
    """
    arm, t = trained_arm(trained_on), trained_on.get("t")
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
