"""Pictures against labels on a page: templates, thresholds, and what the process with the models answers, kept."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import streamlit as st

from curation.class_lists import ClassList
from curation.clip import templates as prompt_templates
from curation.clip.classify import Classified, Picture, Seen
from curation.clip.questions import About, Source
from curation.clip.templates import Templates
from curation.clip.training_data import Nearest, trained_run
from curation.clip.zero_shot import CLASSES_AT_ONCE
from curation.errors import CurationError
from curation.ui.classify_pictures import digest
from curation.ui.model_worker import ModelWorker
from curation.ui.text import counted, notice, number

OWN = "own"
MANY_TEXTS = 2_560

BYTES_TOGETHER = 64_000_000
"""Pictures that cross to the process with the models together have about so many bytes."""

Key = tuple[str, str, str]
"""What a picture was seen as: digest of the checkpoint, sha256 of its bytes, its name."""


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
        "None below", -1.0, 1.0, None, 0.01, key="threshold", persist_state="session", placeholder="off",
        help="A cosine: a picture whose nearest label is further away counts as none of these. Not a probability: "
        "that is a share among your labels, so one of them always has the largest.",
    )  # fmt: skip
    return k, threshold


def classify(
    worker: ModelWorker,
    source: Source,
    about: About,
    pictures: Sequence[Picture],
    previewed: Sequence[bytes | str],
    labels: ClassList,
    templates: Templates,
) -> tuple[list[Seen], Classified]:
    """What the checkpoint sees; a picture that it saw before is not looked at again. Raises CurationError.

    previewed: of each picture as `previews` gives it: one that was refused there never comes to the models
    """
    seen = _see(worker, source, about, pictures, previewed)
    asked = about.digest, [digest(picture) for picture in pictures], [one.name for one in seen], labels.names
    key = hashlib.sha256(json.dumps([*asked, templates]).encode()).hexdigest()
    if st.session_state.get("classified", (None,))[0] != key:
        _embed(worker, source, labels, templates)
        with st.spinner("Comparing ...", show_time=True):
            st.session_state["classified"] = key, worker.classify(source, seen, labels.names, templates)
    found: Classified = st.session_state["classified"][1]
    return seen, found


def _embed(worker: ModelWorker, source: Source, labels: ClassList, templates: Templates) -> None:
    """Many texts are encoded in pieces: one sees how far it is, others get answers in between, and it can be left."""
    texts = [len(of_class) for of_class in prompt_templates.prompts(labels.names, templates)]
    if sum(texts) <= MANY_TEXTS:
        return
    bar = st.progress(0.0)
    for at in range(0, len(texts), CLASSES_AT_ONCE):
        done, whole = sum(texts[:at]), sum(texts)
        bar.progress(done / whole, f"{number(done)} of {number(whole)} texts encoded, once for this checkpoint")
        worker.embed(source, labels.names[at : at + CLASSES_AT_ONCE], templates)
    bar.empty()


def _see(
    worker: ModelWorker, source: Source, about: About, pictures: Sequence[Picture], previewed: Sequence[bytes | str]
) -> list[Seen]:
    known: dict[Key, Seen] = st.session_state.get("pictures_seen", {})
    keys = [(about.digest, digest(picture), picture.name) for picture in pictures]
    refused = {
        key: Seen(name=key[2], reason=why) for key, why in zip(keys, previewed, strict=True) if isinstance(why, str)
    }
    missing = {
        key: picture for key, picture in zip(keys, pictures, strict=True) if key not in known and key not in refused
    }
    if missing:
        with st.spinner("Looking at the pictures ...", show_time=True):
            for keys_together in _together(missing):
                some = [missing[key] for key in keys_together]
                known |= zip(keys_together, worker.see(source, some), strict=True)
    st.session_state["pictures_seen"] = {key: known[key] for key in keys if key in known}  # those of this moment only
    return [refused.get(key) or known[key] for key in keys]


def _together(pictures: dict[Key, Picture]) -> list[list[Key]]:
    """The keys of pictures in groups of about `BYTES_TOGETHER`."""
    groups: list[list[Key]] = []
    held = BYTES_TOGETHER
    for key, picture in pictures.items():
        if held + len(picture.data) > BYTES_TOGETHER:
            groups.append([])
            held = 0
        groups[-1].append(key)
        held += len(picture.data)
    return groups


def choose_nearest(worker: ModelWorker, source: Source, about: About, seen: Sequence[Seen]) -> Nearest | None:
    """Draw the choice to see the nearest training captions, where the training data is there; raises CurationError."""
    try:
        run = trained_run(about.trained_on)
    except CurationError:  # `classify_results.show_training` says so
        return None
    if run is None:
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
