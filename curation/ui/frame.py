"""The frame around every page: which run is looked at, and what to see while it is not done."""

import shlex
from collections import Counter
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from curation.errors import CurationError
from curation.runs.folder import Run
from curation.runs.progress import read_progress
from curation.runs.workspace import SAMPLE_RUN, ensure_sample_run, workspace
from curation.ui import cached, state
from curation.ui.text import counted, label, notice, number
from curation.ui.views import show_views
from curation.ui.watching import PHASES

ICON, LOGO = (str(Path(__file__).with_name(name)) for name in ("icon.svg", "logo.svg"))

WITHOUT_RUN = ("Curate", "Train", "Classify")

STATES = {
    "planned": "This run is about to start.",
    "running": "This run is under way; the page appears when it is done.",
    "failed": "This run stopped with an error.",
    "cancelled": "This run was cancelled. What is done stays done; to go on:",
    "interrupted": "The process of this run is gone. What is done stays done; to go on:",
}


def navigation() -> StreamlitPage:
    """The page that is asked for, out of all there are."""
    # with an icon of our own: the browser would fetch that of a page from elsewhere
    st.set_page_config(page_title="Headtail", page_icon=ICON, layout="wide")
    st.logo(LOGO, size="large", icon_image=ICON)
    pages = [
        st.Page("pages/distribution.py", title="Distribution", icon=":material/bar_chart:", default=True),
        st.Page("pages/samples.py", title="Samples", icon=":material/photo_library:"),
        st.Page("pages/entries.py", title="Entries", icon=":material/tag:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/labels.py", title="Labels", icon=":material/sell:"),
        st.Page("pages/curate.py", title="Curate", icon=":material/play_circle:"),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/classify.py", title="Classify", icon=":material/image_search:"),
    ]
    return st.navigation(pages)


def needs_no_run(page: StreamlitPage) -> bool:
    """Whether a page is there also while the run that is looked at is not done, or there is none."""
    return page.title in WITHOUT_RUN


def enter() -> None:
    """The first statement of a page that needs no run."""
    if not st.session_state.pop("entered", False):
        # for the name pages/, a fresh server runs the page of a deep link by itself until it has seen a navigation
        navigation()
        st.rerun()


def current_run() -> Run:
    """The run that a page is about; the first statement of such a page."""
    enter()
    return state.current_run()


def finished_run() -> Run | None:
    """The run that is looked at, for a page that needs none; None where there is none, or it is not done."""
    enter()
    try:
        run = state.current_run() if state.chosen() else None
    except CurationError:
        return None
    return run if run is not None and run.state == "done" else None


def sidebar(page: StreamlitPage) -> Run | None:
    """Choose the run, or a saved view, and keep the address bar in step.

    raises CurationError where there is no run to look at, if the page needs one; else says so and returns None
    """
    problem, runs = None, state.runs()
    try:
        if _choose_first(runs):
            runs = state.runs()
    except CurationError as error:
        problem = error
    unknown = state.read_address(runs)
    with st.sidebar:
        _choose_run(runs)
        if unknown is not None:
            notice(f"There is no run {label(unknown)!r} in the workspace.", icon="link_off")
    try:
        if state.chosen() is None and problem is not None:
            raise problem
        run: Run | None = state.current_run()
    except CurationError as error:
        if not needs_no_run(page):
            raise
        with st.sidebar:
            notice(str(error), icon="info")
        run = None
    if run is not None:
        state.write_address(run)
        with st.sidebar:
            _about(run)
    with st.sidebar:
        show_views(page)
    st.session_state["entered"] = True
    return run


def _choose_first(runs: list[Run]) -> bool:
    """In a new session: the run that the app was started for, or the newest one, or that over the sample data.

    Returns whether there may be other runs now.
    """
    first = state.first_run(runs)
    sample = first is None or (runs and all(run.path.name == SAMPLE_RUN for run in runs))
    if sample:
        first = ensure_sample_run()
    new = state.chosen() is None
    if new and first is not None:
        state.open_elsewhere(first)
    return bool(sample or new)


def _choose_run(runs: list[Run]) -> None:
    names = run_names(runs)
    chosen = state.chosen()
    st.session_state["run_choice"] = chosen if chosen in names else None

    def take() -> None:
        if st.session_state["run_choice"] in names:
            state.choose(st.session_state["run_choice"])

    st.selectbox("Run", list(names), format_func=names.__getitem__, key="run_choice", on_change=take)
    with st.popover("Open a run folder", type="tertiary", icon=":material/folder_open:"):
        path = st.text_input("Path of a run folder", key="run_path", placeholder="/data/runs/my-run")
        if path and path != st.session_state.get("run_path_opened"):
            try:
                state.open_elsewhere(Path(path))
            except (CurationError, OSError, ValueError, RuntimeError) as error:
                notice(str(error))
            else:
                st.session_state["run_path_opened"] = path
                st.rerun()


def _about(run: Run) -> None:
    files = counted(len(run.inputs), "file")
    lines = [files if run.rows is None else f"{counted(run.rows, 'row')} in {files}"]
    if run.state == "done":
        entries = run.info["plan"]["metadata"]["entries"]
        lines += [f"{number(entries)} entries, seed {run.seed}", f"made with t = {number(run.t)}"]
    st.caption("  \n".join(lines))


def run_names(runs: list[Run]) -> dict[Path, str]:
    """A line for each run; every line is another one, for the select box knows them by it."""
    often = Counter(label(run.name) for run in runs)
    names: dict[Path, str] = {}
    for run in runs:
        name = label(run.name) or "(no name)"
        if often[label(run.name)] > 1:
            name += f" ({label(run.path.name)})"
        names[run.path] = name if run.state == "done" else f"{name} · {run.state}"
    return names


@st.fragment(run_every=1.0)
def unfinished(path: Path) -> None:
    """Where a run stands that is not done; the page follows by itself."""
    try:
        run = cached.open_run(path)
    except CurationError as error:
        notice(str(error))
        return
    now = run.state
    if now == "done":
        st.rerun()
    waiting = now in ("planned", "running")
    st.header("Not done yet" if waiting else "Not done", anchor=False)
    st.text(label(run.name))
    if waiting and (progress := _progress(run)) is not None:
        st.progress(*progress)
    st.text(STATES[now])
    if run.info.get("error"):
        notice(str(run.info["error"]))
    if path.parent == workspace():
        st.page_link(
            "pages/curate.py", label="Watch, cancel or resume it", icon=":material/play_circle:",
            query_params={"watch": path.name},
        )  # fmt: skip
    if not waiting:
        st.code(f"headtail curate --resume -o {label(shlex.quote(str(run.path)), 500)}", language=None)


def _progress(run: Run) -> tuple[float, str] | None:
    try:
        found = read_progress(run.path)
        if found is None:
            return 0.0, "Starting"
        phases = [name for name in PHASES if run.config.active_filters or name not in ("filter", "compare")]
        at, name = phases.index(found["phase"]), PHASES[found["phase"]]
        done, total = min(found["done"], found["total"]), max(found["total"], 1)
        line = f"{name}: {number(done)} of {number(total)} {'bytes' if found.get('of') == 'bytes' else 'pairs'}"
        if found["eta_s"] is not None and done < total:
            line += f", about {found['eta_s']:,.0f} s left in step {at + 1} of {len(phases)}"
        return (at + done / total) / len(phases), line
    except (CurationError, KeyError, TypeError, ValueError):
        return None
