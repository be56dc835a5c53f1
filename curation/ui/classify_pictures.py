"""Pictures that somebody hands over to be looked at: uploads, the camera, or a few samples."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from curation import files
from curation.clip.classify import Picture
from curation.pool.decoder import NOT_TRIED
from curation.pool.thumbnails import SIDE
from curation.runs.workspace import SAMPLE_DATA
from curation.ui import thumbnails
from curation.ui.text import number

MOST_PICTURES = 200

EVAL = SAMPLE_DATA / "eval.parquet"
SAMPLE_RANKS = (0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 21, 28, 37, 50, 70, 100)
"""The concepts of the sample pictures by their rank: from the head of the world down to its tail."""

MORE_RANKS = (6, 8, 14, 33)
"""Concepts that are no picture's, but stand among the labels."""


def choose_pictures() -> list[Picture]:
    """Draw the choice; the sample pictures as long as there are no others."""
    uploaded = st.file_uploader(
        "Pictures", "image/*", accept_multiple_files=True, key="pictures",
        help="JPEG, PNG, WebP or GIF, as many as you like. They stay on this machine, and are forgotten with the tab.",
    )  # fmt: skip
    given = list(uploaded or [])
    if st.toggle("Camera", key="camera", persist_state="session"):
        taken = st.camera_input("Take a picture", key="camera_picture", label_visibility="collapsed")
        given += [taken] if taken is not None else []
    if len(given) > MOST_PICTURES:
        st.caption(f"The first {number(MOST_PICTURES)} of {number(len(given))} pictures are looked at.")
    if given:
        return [Picture(one.name, one.getvalue()) for one in given[:MOST_PICTURES]]
    samples = sample_pictures()
    if samples:
        st.caption(
            f"Until then these are {number(len(samples))} samples: SYNTHETIC pictures of the emoji world, held out of "
            "its pool. Their names tell what they show."
        )
    return list(samples)


def previews(pictures: Sequence[Picture]) -> list[bytes | str]:
    """A small JPEG of our own for each picture, or why there is none; made in children, and once a session."""
    known: dict[str, bytes | str] = st.session_state.get("previews", {})
    keys = [digest(picture) for picture in pictures]
    missing = {
        key: picture.data for key, picture in zip(keys, pictures, strict=True) if known.get(key, NOT_TRIED) == NOT_TRIED
    }
    if missing:
        with st.spinner("Decoding the pictures ...", show_time=True):
            known |= zip(missing, thumbnails.decoder.thumbnails(list(missing.values()), SIDE), strict=True)
    st.session_state["previews"] = {key: known[key] for key in keys}  # those of this moment only
    return [known[key] for key in keys]


def digest(picture: Picture) -> str:
    """sha256 (hex) of its bytes."""
    return hashlib.sha256(picture.data).hexdigest()


def sample_labels() -> str:
    """Labels that fit the sample pictures, one a line; "" without sample data."""
    return "\n".join(_sample_names())


@st.cache_data(show_spinner=False)
def sample_pictures() -> list[Picture]:
    """Pictures that were held out of the sample world, one a concept; none where headtail came without them."""
    rows = _first_of_each(SAMPLE_RANKS)
    return [Picture(f"{row['label']}.webp", row["image"]) for row in rows]


@st.cache_data(show_spinner=False)
def _sample_names() -> list[str]:
    return [row["label"] for row in _first_of_each(sorted(SAMPLE_RANKS + MORE_RANKS))]


def _first_of_each(ranks: Sequence[int]) -> list[dict[str, Any]]:
    """The first row of the evaluation set for each of these concepts."""
    if not EVAL.is_file():
        return []
    rows: pa.Table = files.open_parquet(EVAL).read(["image", "label", "label_id"])
    ids = rows["label_id"].to_pylist()
    return rows.take([ids.index(rank) for rank in ranks]).to_pylist()
