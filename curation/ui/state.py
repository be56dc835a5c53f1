"""What all pages share: the run that is looked at, and t. Both stand in the address bar: ?run=<folder>&t=<number>.

The address names a run by its folder inside the workspace and can name no other path. Runs from elsewhere are opened by
hand or by `headtail app RUN`. Every run has a t of its own, which starts at the one it was made with.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st

from curation.balancing import check_t
from curation.errors import CurationError
from curation.runs.folder import Run, list_runs
from curation.runs.workspace import workspace
from curation.ui import cached


def runs() -> list[Run]:
    """The runs that can be chosen: those opened in this session from elsewhere, then those of the workspace."""
    found = {run.path: run for run in list_runs(workspace())}
    elsewhere = []
    for path in _opened():
        try:
            if path not in found:
                elsewhere.append(cached.open_run(path))
        except CurationError:  # it vanished since
            continue
    return [*elsewhere, *found.values()]


def open_elsewhere(path: Path) -> None:
    """Open the run in a folder anywhere; raises BadRun."""
    path = path.expanduser().resolve()
    cached.open_run(path)
    if path.parent != workspace() and path not in _opened():
        _opened().insert(0, path)
    choose(path)


def choose(path: Path) -> None:
    """Look at another run."""
    st.session_state["chosen_run"] = path


def forget(path: Path) -> None:
    """Do not look at a run any more, if it is the one that is looked at."""
    if chosen() == path:
        del st.session_state["chosen_run"]


def chosen() -> Path | None:
    """The folder of the run that is looked at; None before one is chosen."""
    return st.session_state.get("chosen_run")


def current_run() -> Run:
    """The run that is looked at; raises BadRun."""
    return cached.open_run(st.session_state["chosen_run"])


def t(run: Run) -> float:
    """The threshold that is looked at."""
    return float(_thresholds().get(run.path, run.t))


def set_t(run: Run, t: float) -> None:
    """Look at another threshold; raises BadArgument for t < 1."""
    _thresholds()[run.path] = check_t(t)


def read_address(runs: list[Run]) -> str | None:
    """Take over what the address bar says, where it changed; returns the name of a run that it asks for in vain."""
    unknown = None
    written = st.session_state.get("address", {})
    asked = {
        name: st.query_params[name]
        for name in ("run", "t")
        if name in st.query_params and st.query_params[name] != written.get(name)
    }
    if name := asked.get("run"):
        found = [run.path for run in runs if run.path.name == name and run.path.parent == workspace()]
        if found:
            choose(found[0])
        else:
            unknown = name
    path = chosen()
    if "t" in asked and path is not None:
        with suppress(ValueError, CurationError):  # someone's typing error: the run's own t is as good an answer
            _thresholds()[path] = check_t(float(asked["t"]))
    return unknown


def write_address(run: Run) -> None:
    """Let the address bar say which run and t are looked at."""
    address = {"run": run.path.name} if run.path.parent == workspace() else {}
    if run.state == "done":
        address["t"] = f"{t(run):.15g}"
    for name in ("run", "t"):
        if name in address and st.query_params.get(name) != address[name]:
            st.query_params[name] = address[name]
        elif name not in address and name in st.query_params:
            del st.query_params[name]
    st.session_state["address"] = address


def take_link(name: str, options: Sequence[str], linked: Mapping[str, str]) -> None:
    """Before a select box with the key <name>_from is drawn: let it hold what a link that was just followed asks for.

    options: of the box; linked: the option that ?<name>=... asks for, by what stands in the address
    """
    box, followed = f"{name}_from", f"{name}_asked"
    asked = st.query_params.get(name)
    if asked is not None and asked in linked and asked != st.session_state.get(followed):
        st.session_state[box] = linked[asked]
    elif st.session_state.get(box) not in options:
        st.session_state[box] = options[0]
    st.session_state[followed] = asked


def first_run(runs: list[Run]) -> Path | None:
    """The run to begin with: the one that the app was started for, or else the newest that is done."""
    if started_for := os.environ.get("HEADTAIL_RUN"):
        return Path(started_for).resolve()
    done = [run for run in runs if run.state == "done"]
    return next((run.path for run in [*done, *runs]), None)


def _opened() -> list[Path]:
    return st.session_state.setdefault("opened_runs", [])


def _thresholds() -> dict[Path, float]:
    return st.session_state.setdefault("thresholds", {})
