"""Which evaluation set a training or a ladder is measured on, and whether what it shows is made up."""

from pathlib import Path

import pyarrow.parquet as pq
import streamlit as st

from curation.errors import BadArgument
from curation.runs.folder import Run

BESIDE, PATH, NONE = "eval.parquet beside the pool", "On this machine ...", "None: no curve of accuracy"


def choose_evaluation(run: Run, key: str, *, needed: bool) -> str | None:
    """Draw the choice; returns where the set is, or None for none. Raises BadArgument where it is not there."""
    beside = _beside(run)
    options = [*([BESIDE] if beside else []), PATH, *([] if needed else [NONE])]
    if st.session_state.get(f"{key}_from") not in options:
        st.session_state[f"{key}_from"] = options[0]
    chosen = st.selectbox(
        "Evaluation set", options, key=f"{key}_from", persist_state="session",
        help="Pictures with labels that are not in the pool: a Parquet file, a folder with a folder a class, or tars.",
    )  # fmt: skip
    if chosen == BESIDE:
        return str(beside)
    if chosen == NONE:
        return None
    given = st.text_input(
        "Path of the evaluation set", key=f"{key}_path", placeholder="/data/eval.parquet", persist_state="session"
    )
    path = Path((given or "").strip()).expanduser()
    if not given or not given.strip():
        raise BadArgument("give the path of an evaluation set")
    if "\0" in given or not path.exists():
        raise BadArgument(f"{path}: no evaluation set here; give a Parquet file or a folder, as docs/evaluate.md tells")
    return str(path.resolve())


def is_synthetic(evaluate: str | None) -> bool:
    """Whether an evaluation set says of itself that it was made up, as that of the sample world does."""
    try:
        found = pq.read_schema(evaluate).metadata or {} if evaluate else {}
    except (OSError, ValueError):
        return False
    return bool(found.get(b"synthetic") == b"true")


def _beside(run: Run) -> Path | None:
    """The evaluation set that came with the pool."""
    folders = {Path(file.path).parent for file in run.inputs}
    places = [folder / "eval.parquet" for one in sorted(folders) for folder in (one, one.parent)]
    return next((place for place in places if place.is_file()), None)
