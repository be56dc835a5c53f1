"""Exports, verifications and dry runs: where they stand and what they came to."""

from pathlib import Path

import streamlit as st

from curation.errors import CurationError
from curation.runs import job
from curation.runs.folder import open_run
from curation.runs.tasks import Task, forget_task, list_tasks, open_task, start_task
from curation.runs.workspace import tasks_folder
from curation.ui.dry_run import show_estimate
from curation.ui.text import label, notice, number, plain
from curation.ui.told import attempt, show_told
from curation.ui.watching import ACTIVE, phase_line

SHOWN = 10
FINDINGS = 20
TITLES = {"curate": "Start", "estimate": "Dry run", "export": "Export", "verify": "Verify"}


def show_task(path: Path) -> None:
    """One task, which follows by itself while it works."""
    try:
        done = open_task(path).state == "done"
    except CurationError:
        return
    with st.container(border=True):
        st.fragment(_follow, run_every=None if done else 1.0)(path)


def show_tasks() -> None:
    """The newest tasks of the workspace, for all who look."""
    tasks = [
        task for task in list_tasks(tasks_folder()) if task.kind != "curate" or task.state in ("failed", "interrupted")
    ]
    show_told("tasks")
    if not tasks:
        st.caption("Exports, verifications and dry runs appear here.")
    for task in tasks[:SHOWN]:
        with st.container(border=True):
            _show(task, key=f"task_{task.path.name}", whole=False)
    if len(tasks) > SHOWN:
        st.caption(f"and {number(len(tasks) - SHOWN)} older ones")


def again(path: Path) -> None:
    """Do a task once more that did not get to its end."""
    job.start(path, "task")


def _follow(path: Path) -> None:
    show_told("tasks")
    try:
        task = open_task(path)
    except CurationError:
        return
    _show(task, key="own_task", whole=True)


def _show(task: Task, key: str, whole: bool) -> None:
    state = task.state
    st.text(f"{TITLES[task.kind]} · {_subject(task)} · {state}")
    if state in ACTIVE and (line := phase_line(task.path)) is not None:
        st.progress(*line)
    if task.error:
        notice(task.error)
    if state == "done" and task.result is not None:
        _show_result(task, key, whole)
    with st.container(horizontal=True, vertical_alignment="center"):
        if state in ACTIVE:
            st.button(
                "Cancel",
                key=f"{key}_cancel",
                icon=":material/stop:",
                on_click=attempt,
                args=("tasks", job.cancel, task.path),
            )
        if state in ("failed", "cancelled", "interrupted", "planned"):
            st.button(
                "Again",
                key=f"{key}_again",
                icon=":material/replay:",
                on_click=attempt,
                args=("tasks", again, task.path),
            )
        if state == "done" and task.kind == "export" and task.about is not None:
            st.button(
                "Verify",
                key=f"{key}_verify",
                icon=":material/fact_check:",
                on_click=attempt,
                args=("tasks", _verify, task),
            )
        if state not in ACTIVE:
            st.button(
                "Forget", key=f"{key}_forget", type="tertiary", on_click=attempt, args=("tasks", forget_task, task.path)
            )


def _show_result(task: Task, key: str, whole: bool) -> None:
    result = task.result or {}
    if task.kind == "export":
        st.text(f"{number(result['pairs'])} pairs in {number(result['files'])} files, {result['bytes'] / 1e6:,.1f} MB:")
        st.text(plain(result["output"]))
    elif task.kind == "verify":
        findings = result["findings"]
        st.text(
            f"{number(result['rows'])} pairs of {number(result['units'])} of {number(result['of_units'])} units derived"
            f" again, {number(result['files'])} files checked: {len(findings) or 'no'} finding(s)"
        )
        for finding in findings[:FINDINGS]:
            st.text(plain(finding))
    elif task.kind == "estimate" and whole:
        show_estimate(result, key)
    elif task.kind == "estimate":
        with st.expander("What it predicts", key=f"{key}_open", on_change="rerun") as opened:
            if opened.open:
                show_estimate(result, key)


def _subject(task: Task) -> str:
    """What the task is about, in a line."""
    asked = task.arguments
    if task.kind in ("curate", "estimate"):
        return label(str(asked.get("name") or asked["pool"][0]), 80)
    if task.kind == "verify" and asked["export"]:
        return label(asked["export"], 80)
    try:
        name = label(open_run(Path(asked["run"])).name, 80)
    except CurationError:
        name = "a run that is gone"
    return f"{name}, {asked['kind']}, t = {number(asked['t'])}" if task.kind == "export" else name


def _verify(task: Task) -> None:
    asked = task.arguments
    start_task(
        tasks_folder(),
        "verify",
        {"run": asked["run"], "export": asked["output"], "sample": None},
        about=Path(asked["run"]),
    )
