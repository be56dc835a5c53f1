"""What a checkpoint sees in pictures, on a page: cards, all similarities, and what it was trained on."""

import hashlib
import json
import math
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from curation import figures
from curation.class_lists import ClassList
from curation.clip.classify import Classified, Seen
from curation.clip.questions import About
from curation.clip.training_data import Nearest, trained_arm, trained_run, trained_t
from curation.errors import CurationError
from curation.ui import cached
from curation.ui.charts import show_figure
from curation.ui.components import component
from curation.ui.tables import show_downloads, show_table
from curation.ui.text import counted, label, notice, number

_predictions = component("predictions")

MOST_SHOWN = 60
"""So many pictures, and so many labels, the chart of similarities shows."""


def show_cards(
    seen: Sequence[Seen],
    previewed: Sequence[bytes | str],
    found: Classified,
    k: int,
    threshold: float | None,
    near: Nearest | None,
) -> None:
    """A card for each picture: itself, the labels that come first, and why there are none."""
    none = found.none_of_these(threshold).tolist()
    captions = _captions_of(seen, near)
    cards = [
        {
            "image": _address(preview) if one.reason is None else None,
            "name": label(one.name, 80),
            "reason": None if one.reason is None else label(one.reason, 200),
            "none": f"none of these: nearest {found.best[at]:.3f}" if none[at] else None,
            "guesses": [
                [label(guess.label, 80), guess.probability, f"{guess.probability:.1%}", f"cosine {guess.cosine:.3f}"]
                for guess in guesses
            ],
            "captions": captions[at],
        }
        for at, (one, preview, guesses) in enumerate(zip(seen, previewed, found.top(k), strict=True))
    ]
    version = hashlib.sha256(json.dumps(cards).encode()).hexdigest()
    _predictions(data={"cards": cards, "version": version}, key="predictions")
    show_downloads(found.table(k, threshold), "predictions", key="predictions_table")


def say_cosines(found: Classified) -> None:
    """Where a threshold could be: how near the pictures come."""
    best = found.best[np.isfinite(found.best)]
    refused = sum(reason is not None for reason in found.reasons)
    told = f"{counted(len(found.names), 'picture')} against {counted(len(found.classnames), 'label')}"
    if refused:
        told += f", {number(refused)} of them could not be read"
    if best.size:
        told += f". The nearest labels are at cosines from {best.min():.3f} to {best.max():.3f}."
    st.caption(told)


def show_similarities(found: Classified) -> None:
    """All pictures against all labels, as a chart, and as a table to take along."""
    st.subheader("All similarities", anchor=False)
    rows = [at for at, reason in enumerate(found.reasons) if reason is None]
    if not rows:
        st.info("None of the pictures could be read.", icon=":material/info:")
        return
    # of many labels those that come nearest to one of the pictures
    order = np.argsort(-found.cosine[rows].max(axis=0), kind="stable")
    columns = np.sort(order[:MOST_SHOWN])
    shown = rows[:MOST_SHOWN]
    figure = figures.similarities(
        [found.names[at] for at in shown],
        [found.classnames[at] for at in columns.tolist()],
        found.cosine[shown][:, columns],
        found.probability[shown][:, columns],
    )
    show_figure(figure, "similarities", "The cosine of each picture with each label")
    cut = len(rows) > MOST_SHOWN or len(found.classnames) > MOST_SHOWN
    about = f"At most {number(MOST_SHOWN)} of each are drawn; all of them in" if cut else "All of them in"
    show_downloads(found.table(len(found.classnames)), "similarities", key="similarities_table", about=about)


def show_training(about: About, labels: ClassList) -> None:
    """How often each label stands in the captions that the checkpoint was trained on, before and after balancing."""
    try:
        run = trained_run(about.trained_on)
    except CurationError as error:
        notice(str(error), icon="info")
        return
    if run is None or about.trained_on is None:
        return
    st.subheader("In its training data", anchor=False)
    t = trained_t(about.trained_on)
    balanced = t is not None and math.isfinite(t)
    fit = cached.labels(run, labels, t if t is not None and balanced else run.t, "best")
    columns = {"name": "Label", "entry": "Entry", "count": "Texts of the pool", "kept": "Of these kept"}
    if not balanced:
        del columns["kept"]
    show_table(fit.names, "labels in the training data", key="label_counts", columns=columns)
    st.text(f"Trained on the run “{label(run.name)}”, {label(trained_arm(about.trained_on))}.")
    st.caption(
        "A label is looked up among the entries of the metadata; one that is no entry is in no count. "
        + (f"Kept: at t = {number(t or 0)}, at which it was trained." if balanced else "It saw no balanced set.")
    )


def _captions_of(seen: Sequence[Seen], near: Nearest | None) -> list[list[Any]]:
    """For each picture its captions with their cosines, as the card shows them."""
    if near is None:
        return [[] for _ in seen]
    waiting = iter(near.found)
    found = [[] if one.image_features is None else next(waiting) for one in seen]
    return [[[label(text, 200), f"{cosine:.3f}"] for text, cosine in captions] for captions in found]


def _address(preview: bytes | str) -> str | None:
    return f"data:image/jpeg;base64,{b64encode(preview).decode()}" if isinstance(preview, bytes) else None
