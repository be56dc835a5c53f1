"""The runs of the workspace with what can be done with each, the trash, and the tasks: the same in every browser."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import streamlit as st

from curation.errors import BadArgument, BadRun
from curation.runs import job
from curation.runs.export.options import ExportFormat
from curation.runs.folder import NAME_CHARACTERS, Run, list_runs, rename
from curation.runs.strangers import list_strangers
from curation.runs.tasks import start_task
from curation.runs.trash import Trashed, delete_for_good, list_trash, move_to_trash, restore
from curation.runs.verify import SAMPLE
from curation.runs.workspace import exports_folder, tasks_folder, workspace
from curation.ui import cached, state
from curation.ui.new_run import again_with
from curation.ui.task_list import show_tasks
from curation.ui.text import counted, label, number
from curation.ui.told import attempt, show_told
from curation.ui.watching import ACTIVE, watch
from curation.ui.where import ask_elsewhere, resume

SHOWN = 10
MOST_STRANGERS = 50


@st.fragment(run_every=3.0)
def show_runs() -> None:
    """Every run, the newest first; follows what other browsers and the jobs do."""
    runs = list_runs(workspace())
    st.subheader("Runs", anchor=False)
    show_told("runs")
    if not runs:
        st.caption("There is no run yet. Start one above.")
    all_of_them = st.session_state.get("all_runs", False)
    for run in runs if all_of_them else runs[:SHOWN]:
        with st.container(border=True):
            _show_run(run)
    if len(runs) > SHOWN and not all_of_them:
        st.button(
            f"Show all {number(len(runs))} runs",
            key="show_all_runs",
            on_click=st.session_state.update,
            kwargs={"all_runs": True},
        )
    _show_strangers(runs)
    st.subheader("Exports, checks and dry runs", anchor=False)
    show_tasks()
    _show_trash()


def _show_strangers(runs: list[Run]) -> None:
    strangers = list_strangers(workspace(), runs)
    if strangers:
        with st.expander(f"Not runs, in the same folder: {number(len(strangers))}", key="strangers"):
            for one in strangers[:MOST_STRANGERS]:
                st.text(f"{label(one.name, 120)} · {label(one.reason, 300)}")
            if len(strangers) > MOST_STRANGERS:
                st.caption(f"and {number(len(strangers) - MOST_STRANGERS)} more")


def confirm_deletion() -> None:
    """Ask once more, where somebody wants to delete a run for good."""
    trashed: Trashed | None = st.session_state.pop("confirm_deletion", None)
    if trashed is not None:
        _ask(trashed)


def _show_run(run: Run) -> None:
    key, now = run.path.name, run.state
    st.text(f"{label(run.name, 120) or '(no name)'} · {now}")
    st.caption(" · ".join(_facts(run)))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if now == "done":
            st.page_link("pages/distribution.py", label="Open", icon=":material/bar_chart:", query_params={"run": key})
            with st.popover("Export", icon=":material/download:", key=f"export_{key}", on_change="rerun") as opened:
                if opened.open:
                    _export_form(run)
            _button(
                "Verify", "fact_check", key, _verify, run, help=f"Derives {SAMPLE} units again, compares every row."
            )
        else:
            _button("Watch", "visibility", key, watch, key)
        if now == "running":
            _button("Cancel", "stop", key, job.cancel, run.path)
        elif now != "done":
            _button("Start it" if now == "planned" else "Resume", "play_arrow", key, resume, run.path)
            if ask_elsewhere(run, key, told="runs"):
                st.rerun()
        with st.popover(
            "Rename", icon=":material/edit:", key=f"rename_{key}", on_change="rerun", type="tertiary"
        ) as opened:
            if opened.open:
                _rename_form(run)
        fills = "Fills the form above with its pool, metadata and settings."
        _button("Use settings", "content_copy", key, again_with, run, kind="tertiary", help=fills)
        _button("To the trash", "delete", key, _trash, run, kind="tertiary")


def _button(
    title: str,
    icon: str,
    key: str,
    do: Callable[..., Any],
    *arguments: Any,
    where: str = "runs",
    kind: Literal["primary", "secondary", "tertiary"] = "secondary",
    help: str | None = None,
) -> None:
    """A button that does something, after which all is drawn anew: also the watch, and the chooser of runs."""
    pressed = st.button(
        title, key=f"{title}_{key}".replace(" ", "_"), icon=f":material/{icon}:", type=kind, help=help,
        on_click=attempt, args=(where, do, *arguments),
    )  # fmt: skip
    if pressed:
        st.rerun()


def _facts(run: Run) -> list[str]:
    facts = [f"{run.info['created'][:16].replace('T', ' ')} UTC"]
    if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", facts[0]) is None:
        facts = []
    if run.rows is not None:
        facts.append(counted(run.rows, "row"))
    if run.state == "done":
        facts.append(f"{number(run.info['totals']['kept'])} kept at t = {number(run.t)}")
    if run.state not in ACTIVE:
        facts.append(f"{cached.bytes_on_disk(run.path) / 1e6:,.1f} MB")
    return facts


def _export_form(run: Run) -> None:
    key = run.path.name
    kind = st.selectbox("Format", get_args(ExportFormat), key=f"export_kind_{key}")
    t = st.number_input("t", min_value=1.0, value=state.t(run), step=1.0, format="%g", key=f"export_t_{key}")
    st.checkbox("With the images, where the pool holds them", value=True, key=f"export_images_{key}")
    to = f"export_to_{key}_{kind}_{t:g}"
    st.text_input(
        "Name, or absolute path of a new folder", value=f"{re.sub('[^A-Za-z0-9_-]', '_', key)}-{kind}-t{t:g}", key=to,
        help="A name goes into the folder exports of the workspace.",
    )  # fmt: skip
    _button("Start the export", "download", key, _export, run, to, kind="primary")


def _export(run: Run, to: str) -> None:
    """What the form says when the button is pressed; to: the key of the place."""
    kind, t, images = (st.session_state[f"export_{name}_{run.path.name}"] for name in ("kind", "t", "images"))
    place = st.session_state[to].strip()
    if not Path(place).is_absolute() and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}", place) is None:
        raise BadArgument(f"{place!r}: give a name of letters, digits, '.', '-' and '_', or an absolute path")
    if "\0" in place:
        raise BadArgument(f"{place!r}: no path")
    output = exports_folder() / place  # an absolute path stays itself
    if output.exists():
        raise BadRun(f"{output}: exists already; choose another folder")
    asked = {"run": str(run.path), "t": t, "kind": kind, "images": images, "output": str(output)}
    start_task(tasks_folder(), "export", asked, about=run.path)


def _verify(run: Run) -> None:
    start_task(tasks_folder(), "verify", {"run": str(run.path), "export": None, "sample": SAMPLE}, about=run.path)


def _rename_form(run: Run) -> None:
    key = f"new_name_{run.path.name}"
    st.text_input("Name", value=run.name, max_chars=NAME_CHARACTERS, key=key)
    _button("Save", "check", run.path.name, lambda: rename(run.path, st.session_state[key]), kind="primary")


def _trash(run: Run) -> None:
    move_to_trash(run.path)
    state.forget(run.path)


def _show_trash() -> None:
    trash = list_trash(workspace())
    st.subheader("Trash", anchor=False)
    show_told("trash")
    if not trash:
        st.caption("The trash is empty. Runs that are moved here can be put back until they are deleted for good.")
    for trashed in trash:
        key = trashed.place.name
        with st.container(border=True):
            st.text(label(trashed.run.name, 120) or "(no name)")
            size = cached.bytes_on_disk(trashed.run.path) / 1e6
            st.caption(f"{trashed.trashed:%Y-%m-%d %H:%M} UTC · {size:,.1f} MB")
            with st.container(horizontal=True):
                _button("Put back", "restore_from_trash", key, restore, trashed, where="trash")
                ask = {"confirm_deletion": trashed}
                _button("Delete for good", "delete_forever", key, st.session_state.update, ask, where="trash")


@st.dialog("Delete for good?")
def _ask(trashed: Trashed) -> None:
    st.text(label(trashed.run.name, 120))
    size = cached.bytes_on_disk(trashed.run.path) / 1e6
    st.caption(f"Its {size:,.1f} MB are gone for good then. Exports of it stay.")
    with st.container(horizontal=True):
        if st.button(
            "Delete", key="delete_yes", type="primary", on_click=attempt, args=("trash", delete_for_good, trashed)
        ) or st.button("Keep", key="delete_no"):
            st.rerun()
