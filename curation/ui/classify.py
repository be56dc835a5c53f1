"""Pictures against labels on a page: templates, thresholds, and what the process with the models answers, kept."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import streamlit as st

from curation.class_lists import ClassList
from curation.clip import templates as prompt_templates
from curation.clip.classify import Classified, Picture, Seen
from curation.clip.serving import About, Source
from curation.clip.templates import Templates
from curation.clip.training_data import Nearest, trained_run
from curation.errors import CurationError
from curation.ui.classify_pictures import digest
from curation.ui.model_worker import ModelWorker
from curation.ui.text import counted, notice, number

OWN = "own"
MANY_TEXTS = 10_000


def choose_templates() -> Templates | None:
    """Draw the choice of prompt templates; None while one's own are still to come or are refused."""
    names = {**prompt_templates.NAMES, OWN: "templates of your own"}
    name = st.selectbox(
        "Prompt templates", list(names), format_func=lambda name: f"{name}: {names[name]}", key="templates",
        persist_state="session",
        help="Each label is put into every template; the mean of what the model makes of these texts stands for it.",
    )  # fmt: skip
    if name != OWN:
        return prompt_templates.named_templates(name)
    text = st.text_area(
        "One a line, {} where the label goes", key="own_templates", height=120, persist_state="session",
        placeholder="a photo of a {}.\na drawing of a {}.",
        help='Or JSON with templates of its own for each label: {"crane": ["a {}, the bird", "a tall wading bird"]}',
    )  # fmt: skip
    if not text:
        return None
    try:
        return prompt_templates.parse_templates(text)
    except CurationError as error:
        notice(str(error))
        return None


def choose_shown() -> tuple[int, float | None]:
    """Draw the choice of how many labels are shown, and below which cosine it is none of these."""
    left, right = st.columns(2, gap="small")
    k = left.number_input("Labels shown", 1, 20, 5, key="top_k", persist_state="session")
    threshold = right.number_input(
        "None of these below", -1.0, 1.0, None, 0.01, key="threshold", persist_state="session", placeholder="no cosine",
        help="A cosine: a picture whose nearest label is further away counts as none of these. Not a probability: "
        "that is a share among your labels, so one of them always has the largest.",
    )  # fmt: skip
    return k, threshold


def classify(
    worker: ModelWorker,
    source: Source,
    about: About,
    pictures: Sequence[Picture],
    labels: ClassList,
    templates: Templates,
) -> tuple[list[Seen], Classified]:
    """What the checkpoint sees; a picture that it saw before is not looked at again. Raises CurationError."""
    seen = _see(worker, source, about, pictures)
    asked = about.digest, [digest(picture) for picture in pictures], [one.name for one in seen], labels.names
    key = hashlib.sha256(json.dumps([*asked, templates]).encode()).hexdigest()
    if st.session_state.get("classified", (None,))[0] != key:
        texts = sum(map(len, prompt_templates.prompts(labels.names, templates)))
        told = (
            "Comparing ..." if texts < MANY_TEXTS else f"Encoding {number(texts)} texts, once for this checkpoint ..."
        )
        with st.spinner(told, show_time=True):
            st.session_state["classified"] = key, worker.classify(source, seen, labels.names, templates)
    found: Classified = st.session_state["classified"][1]
    return seen, found


def _see(worker: ModelWorker, source: Source, about: About, pictures: Sequence[Picture]) -> list[Seen]:
    known: dict[tuple[str, str, str], Seen] = st.session_state.get("pictures_seen", {})
    keys = [(about.digest, digest(picture), picture.name) for picture in pictures]
    missing = {key: picture for key, picture in zip(keys, pictures, strict=True) if key not in known}
    if missing:
        with st.spinner("Looking at the pictures ...", show_time=True):
            known |= zip(missing, worker.see(source, list(missing.values())), strict=True)
    st.session_state["pictures_seen"] = {key: known[key] for key in keys}  # those of this moment only
    return [known[key] for key in keys]


def choose_nearest(worker: ModelWorker, source: Source, about: About, seen: Sequence[Seen]) -> Nearest | None:
    """Draw the choice to see the nearest training captions, where the training data is known; raises CurationError."""
    if trained_run(about.trained_on) is None:
        return None
    if not st.toggle("Nearest training captions", key="nearest", persist_state="session"):
        return None
    features = [one.image_features for one in seen if one.image_features is not None]
    if not features:
        return None
    image_features = np.stack(features)
    key = about.digest, hashlib.sha256(image_features.tobytes()).hexdigest()
    if st.session_state.get("nearest_found", (None,))[0] != key:
        with st.spinner("Encoding captions it was trained on, once for this checkpoint ...", show_time=True):
            st.session_state["nearest_found"] = key, worker.nearest(source, image_features)
    found: Nearest = st.session_state["nearest_found"][1]
    st.caption(
        f"Compared with {counted(found.looked_at, 'caption')}, each once, of its {number(found.pairs)} training pairs"
        + (", drawn at random." if found.drawn else ".")
    )
    return found
