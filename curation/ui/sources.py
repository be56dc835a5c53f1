"""Where a new run takes its pool and its metadata from: this machine, an upload, or what is at hand."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from curation import files
from curation.errors import BadArgument, CurationError
from curation.metadata_files import saved_metadata
from curation.pool import remote
from curation.runs.folder import Run
from curation.runs.uploads import METADATA_SUFFIXES, POOL_SUFFIXES, keep_upload
from curation.runs.workspace import SAMPLE_DATA, metadata_folder, uploads_folder
from curation.ui import state
from curation.ui.text import label
from curation.ui.told import attempt, show_told

FROM = {"path": "On this machine", "upload": "Upload a small file"}
PATH, UPLOAD = "On this machine ...", "Upload a small file ..."


def choose_pool() -> list[str]:
    """Draw the choice; returns files, folders, patterns and addresses.

    raises BadArgument where nothing is given yet, and for an address with a secret in it
    """
    came_from = st.segmented_control(
        "Pool", FROM, format_func=FROM.__getitem__, default="path", required=True, key="pool_from",
        persist_state="session",
    )  # fmt: skip
    if came_from == "upload":
        return [str(_upload("pool", "A pool of any format", POOL_SUFFIXES))]
    lines = st.text_area(
        "Files, folders or patterns, one a line", key="pool", height=90, persist_state="session",
        placeholder="/data/pool/*.parquet", help="On the machine on which the app runs. Formats: docs/pools.md.",
    )  # fmt: skip
    pool = [line.strip() for line in (lines or "").splitlines() if line.strip()]
    if not pool:
        raise BadArgument("give the pool: files, folders or patterns, or upload a small file")
    for place in filter(files.is_uri, pool):
        remote.check_address(place)  # before anything of it is written down for others to see
    return pool


def choose_metadata() -> Path:
    """Draw the choice; returns the file or folder. Raises BadArgument where nothing is given yet."""
    at_hand = _at_hand()
    options = [*at_hand, PATH, UPLOAD]
    saved = {path.name: name for name, path in at_hand.items() if path.parent == metadata_folder()}
    state.take_link("metadata", options, saved)
    chosen = st.selectbox(
        "Metadata", options, format_func=lambda name: label(name, 120), key="metadata_from", persist_state="session",
        help="The entries that texts are matched against.",
    )  # fmt: skip
    if chosen in at_hand:
        return at_hand[chosen]
    if chosen == UPLOAD:
        return _upload("metadata", "Metadata", METADATA_SUFFIXES)
    path = st.text_input(
        "File, or folder with a file a language", key="metadata_path", placeholder="/data/metadata.parquet",
        persist_state="session",
    )  # fmt: skip
    if not path:
        raise BadArgument("give the metadata: a file on this machine, or upload a small one")
    return Path(path)


def saved_names() -> dict[str, Path]:
    """The metadata that was saved in the workspace, the latest first, by its title; each name is another one."""
    found: dict[str, Path] = {}
    for saved in saved_metadata(metadata_folder()):
        name = label(saved.title, 90)
        found[f"{name} ({saved.path.stem})" if name in found else name] = saved.path
    return found


def _at_hand() -> dict[str, Path]:
    """Metadata that needs no search, by what it is called."""
    found = {f"Saved: {name}": path for name, path in saved_names().items()}
    if (run := _current_run()) is not None and (run.path / "entries.parquet").is_file():
        found[f"Of the run that is looked at: {run.name}"] = run.path / "entries.parquet"
    if (SAMPLE_DATA / "metadata.parquet").is_file():
        found["Of the sample data"] = SAMPLE_DATA / "metadata.parquet"
    return found


def _current_run() -> Run | None:
    try:
        return state.current_run()
    except (CurationError, KeyError):
        return None


def _upload(what: str, title: str, suffixes: tuple[str, ...]) -> Path:
    """A file that is handed over is kept at once, and leaves the memory of the server."""
    number = st.session_state.setdefault(f"{what}_uploads", 0)
    key = f"{what}_upload_{number}"
    st.file_uploader(
        title, key=key, on_change=_keep, args=(what, key, suffixes), help=f"Ends in one of {' '.join(suffixes)}"
    )
    show_told(f"{what}_upload")
    kept: tuple[str, Path] | None = st.session_state.get(f"{what}_upload")
    if kept is None or not kept[1].is_file():
        raise BadArgument(f"upload the {what}, or give a place on this machine")
    st.text(f"Uploaded: {label(kept[0], 120)}")
    return kept[1]


def _keep(what: str, key: str, suffixes: tuple[str, ...]) -> None:
    file = st.session_state[key]
    if isinstance(file, UploadedFile):  # not one that the server has lost since, as at a restart
        attempt(f"{what}_upload", _keep_bytes, what, file.name, file.getvalue(), suffixes)
        st.session_state[f"{what}_uploads"] += 1  # another uploader takes its place, and the server forgets the bytes


def _keep_bytes(what: str, title: str, data: bytes, suffixes: tuple[str, ...]) -> None:
    st.session_state[f"{what}_upload"] = (title, keep_upload(uploads_folder(), title, data, suffixes))
