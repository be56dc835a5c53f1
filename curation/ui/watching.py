"""Watch a run under way: where it stands, how fast it is, and the funnel as it fills up. ?watch=<its folder>"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import streamlit as st

from curation.errors import CurationError
from curation.runs import job
from curation.runs.folder import Run, State
from curation.runs.progress import Progress
from curation.runs.standing import in_words, share, standing
from curation.runs.tasks import Task, list_tasks
from curation.runs.workspace import tasks_folder, workspace
from curation.ui import cached
from curation.ui.engine_status import show_engine
from curation.ui.funnel import show_funnel
from curation.ui.text import counted, label, notice, number
from curation.ui.told import attempt, show_told
from curation.ui.where import ask_elsewhere, resume

PHASES = {
    "filter": "Reading what filters ask for",
    "compare": "Comparing pairs",
    "match": "Matching texts to entries",
    "balance": "Drawing what each entry keeps",
    "curves": "Working out every t",
}

TELL: dict[State, str] = {
    "planned": "about to start",
    "running": "under way",
    "done": "done",
    "failed": "stopped with an error",
    "cancelled": "cancelled; what is done stays done",
    "interrupted": "its process is gone; what is done stays done",
}
ACTIVE = ("planned", "running")
SETTLED = ("done", None)
"""Where nothing will change by itself; a run that stopped may be resumed by somebody else."""


def watch(folder: str | None) -> None:
    """Let the address bar name the run that is watched, or none."""
    if folder is None:
        st.query_params.pop("watch", None)
    else:
        st.query_params["watch"] = folder


def show_watched() -> None:
    """The run that the address bar names; nothing where it names none."""
    name = st.query_params.get("watch")
    if not name:
        return
    with st.container(border=True):
        if not is_folder_name(name):
            _show_nothing(name)
            return
        path = workspace() / name
        settled = _state(path) in SETTLED
        st.fragment(_show, run_every=None if settled else 1.0)(path, settled)


def is_folder_name(name: str) -> bool:
    """Whether a text from the address bar can name a folder of the workspace, and no other place."""
    return re.fullmatch(r"[^./\0][^/\0]*", name) is not None and len(name.encode("utf-8", "replace")) <= 255


def phase_line(path: Path, phases: Mapping[str, str] = PHASES) -> tuple[float, str] | None:
    """How far the phase under way is, from 0 to 1, and in words; None where nothing is known."""
    with suppress(CurationError):
        return _in_words(standing(path), phases)
    return None


def _in_words(progress: Progress | None, phases: Mapping[str, str] = PHASES) -> tuple[float, str]:
    if progress is None:
        return 0.0, "Starting"
    return share(progress), in_words(progress, phases.get(progress.phase, progress.phase.capitalize()))


def _show(path: Path, settled: bool) -> None:
    show_told("watch")
    planning = _planning(path)
    if planning is not None:
        _show_planning(planning)
    elif not path.exists():
        _show_nothing(path.name)
    else:
        try:
            _show_run(cached.open_run(path))
        except CurationError as error:
            notice(str(error), icon="link_off")
            _close()
    if settled != (_state(path) in SETTLED):
        st.rerun()  # the chooser of runs follows


def _show_run(run: Run) -> None:
    state, so_far = run.state, cached.tally(run.path, run.info["plan_digest"]).so_far(run)
    st.text(f"{label(run.name, 120)} · {TELL[state]}")
    where = job.engine_of(run.path)
    if where.engine == "ray" and state != "done":
        st.text(f"On the Ray cluster at {label(str(where.address), 80)}")
    if state in ACTIVE:
        _show_progress(run, on_cluster=where.engine == "ray")
    if run.info.get("error"):
        notice(str(run.info["error"]))
    show_funnel(so_far.steps, key="watch_funnel")
    if state == "done":
        totals = run.info["totals"]
        st.caption(f"All {number(totals['pairs'])} pairs; {number(totals['kept'])} kept at t = {number(totals['t'])}.")
    else:
        st.caption(
            f"Exact for the units that are through: {number(so_far.matched)} of {number(so_far.units)} are matched, "
            f"{number(so_far.balanced)} balanced with {number(so_far.pairs)} pairs. "
            f"Started {counted(_times(run), 'time')}."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        if state == "running":
            _button("Cancel", "stop", job.cancel, run)
        elif state == "done":
            st.page_link(
                "pages/distribution.py", label="Open", icon=":material/bar_chart:", query_params={"run": run.path.name}
            )
        else:
            _button("Start it" if state == "planned" else "Resume", "play_arrow", resume, run)
            ask_elsewhere(run, "watch", told="watch")
        _close()


def _show_progress(run: Run, on_cluster: bool) -> None:
    with suppress(CurationError):
        progress = standing(run.path)
        st.progress(*_in_words(progress))
        if progress is not None and progress.engine is not None:
            show_engine(progress.engine, on_cluster)


def _show_planning(task: Task) -> None:
    st.text(f"{label(str(task.arguments['name']), 120)} · looking at the pool")
    if task.error is not None:
        notice(task.error)
    elif task.state in ("cancelled", "interrupted"):
        notice("This run was not planned to the end; start it again below.")
    _close()


def _show_nothing(name: str) -> None:
    notice(f"There is no run {label(name)!r} in the workspace; perhaps it is in the trash.", icon="link_off")
    _close()


def _button(title: str, icon: str, do: Callable[[Path], None], run: Run) -> None:
    st.button(title, key=f"watch_{icon}", icon=f":material/{icon}:", on_click=attempt, args=("watch", do, run.path))


def _close() -> None:
    if st.button("Close", key="watch_close", type="tertiary", on_click=watch, args=(None,)):
        st.rerun()


def _planning(path: Path) -> Task | None:
    """The task that makes the run, until it is there."""
    if (path / "run.json").is_file():
        return None
    tasks = (task for task in list_tasks(tasks_folder()) if task.kind == "curate" and task.about == str(path))
    return next((task for task in tasks if task.state != "done"), None)


def _state(path: Path) -> State | None:
    if (planning := _planning(path)) is not None:
        return planning.state
    try:
        return cached.open_run(path).state
    except CurationError:
        return None


def _times(run: Run) -> int:
    """How often a job took the run up, by its log."""
    try:
        log = (run.path / "log.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return len(re.findall(r"^\S+ \S+ running$", log, re.MULTILINE))
