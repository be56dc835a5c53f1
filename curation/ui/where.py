"""Where a run works, this machine or a cluster: asked before it is started, and where it is to go on elsewhere."""

import dataclasses
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st

from curation.engines.config import EngineConfig
from curation.errors import BadArgument, BadRun, CurationError, MissingExtra
from curation.runs import job
from curation.runs.folder import Run, is_locked
from curation.ui import fields
from curation.ui.text import notice
from curation.ui.told import attempt

ENGINES = {"local": "This machine", "ray": "A Ray cluster"}
OPTIONS = {option.name: option for option in dataclasses.fields(EngineConfig)}


def choose_engine(key: str = "where") -> EngineConfig:
    """Draw the choice; returns what it says.

    raises BadArgument while a cluster has no address, or a bad one; MissingExtra where Ray is not installed
    """
    st.session_state.setdefault(f"{key}_engine", OPTIONS["engine"].default)
    engine: Any = st.segmented_control(
        "Engine", ENGINES, format_func=ENGINES.__getitem__, required=True, key=f"{key}_engine",
        persist_state="session", help=OPTIONS["engine"].metadata["help"],
    )  # fmt: skip
    address = fields.draw(OPTIONS["address"], f"{key}_address") if engine == "ray" else None
    workers = fields.draw(OPTIONS["workers"], f"{key}_workers")
    if engine == "ray" and find_spec("ray") is None:
        raise MissingExtra("a Ray cluster needs Ray, which is not installed here: pip install 'headtail[ray]'")
    if engine == "ray" and not address:
        raise BadArgument("give the address of the Ray cluster: HOST:PORT of its head")
    return EngineConfig(engine=engine, address=address, workers=workers)


def prefill(config: EngineConfig, key: str = "where") -> None:
    """Let the choice say what a configuration says; only before it is drawn."""
    for name, option in OPTIONS.items():
        st.session_state[f"{key}_{name}"] = fields.shown(option, getattr(config, name))


def resume(path: Path) -> None:
    """Go on with a run where it was; the job says so in its folder, and of two the second ends at once."""
    job.start(path)


def ask_elsewhere(run: Run, key: str, told: str) -> bool:
    """Draw what lets a run go on elsewhere; whether somebody asked for it. told: where an error is told"""
    key = f"elsewhere_{key}"
    with st.popover("Elsewhere", icon=":material/lan:", key=key, on_change="rerun", type="tertiary") as opened:
        return _ask(run, key, told) if opened.open else False


def _ask(run: Run, key: str, told: str) -> bool:
    if f"{key}_engine" not in st.session_state:
        prefill(job.engine_of(run.path), key)
    chosen = None
    try:
        chosen = choose_engine(key)
    except CurationError as error:
        notice(str(error), icon="info")
    return st.button(
        "Go on there", key=f"{key}_go", type="primary", icon=":material/play_arrow:", disabled=chosen is None,
        on_click=attempt, args=(told, _resume_at, run.path, chosen),
    )  # fmt: skip


def _resume_at(path: Path, config: EngineConfig) -> None:
    if is_locked(path):  # somebody else was faster; where that job is to work is said already
        raise BadRun(f"{path}: another process works on this run; wait for it, or cancel it first")
    job.choose_engine(path, config)
    job.start(path)
