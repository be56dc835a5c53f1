"""Folders of ladders as their jobs leave them, made by hand: no model, pictures are known by a seeded coin."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation import files
from curation.clip.ladder.config import LadderConfig, Rung
from curation.clip.ladder.folder import Ladder, create_ladder
from curation.clip.ladder.summary import groups
from curation.runs.folder import Run
from trainings import make_training

KNOWN = {"raw": 0.35, "english": 0.38, "matched": 0.45, "balanced": 0.6, "online": 0.62}
"""Share of the pictures of middle classes that each arm knows; more in the head, less in the tail."""
LESS = {"head": -0.25, "middle": 0.0, "tail": 0.2}


def make_ladder(
    path: Path,
    run: Run,
    config: LadderConfig,
    classes: Sequence[tuple[str, int]],
    *,
    pictures: int = 20,
    done: int | None = None,
    state: str = "done",
    name: str = "ladder",
) -> Ladder:
    """A ladder in a state, with the first `done` of its trainings done, or all of them.

    classes: names with their counts in the pool
    """
    ladder = create_ladder(path, run, config, name=name)
    count = np.array([count for _, count in classes])
    group = groups(count)
    label = np.repeat(np.arange(len(classes)), pictures)
    trainings = config.trainings[:done]
    for rung, seed in trainings:
        where = ladder.folder_of(rung, seed)
        told = {**_common(config), "arm": rung.arm, "t": rung.t, "seed": seed}
        make_training(where, run, name=f"{rung.key} {seed}", **told)
        share = np.clip(_known(rung, config.t) - np.array([LESS[one] for one in group]), 0.02, 0.98)[label]
        coin = np.random.default_rng([seed, *rung.key.encode()]).random(label.size)
        files.write_array(where / "right.npy", coin < share)
    if trainings:
        columns = {"class": [name for name, _ in classes], "count": count, "kept": np.minimum(count, 50)}
        columns |= {"pictures": np.full(len(classes), pictures), "group": group.tolist()}
        files.write_parquet(path / "classes.parquet", pa.table(columns))
        files.write_array(path / "label.npy", label)
    ladder.set_state(state, None)
    return Ladder.open(path)


def _common(config: LadderConfig) -> dict[str, object]:
    train = config.train
    return {"samples": train.samples, "batch_size": train.batch_size, "evaluate": train.evaluate}


def _known(rung: Rung, usual_t: float) -> float:
    """The sweep has its top at the usual t, as an inverted parabola in log t."""
    away = 0.0 if rung.t is None else np.log10(rung.t / usual_t)
    return KNOWN[rung.arm] - 0.2 * away**2
