"""Trainings and ladders on a page: the one that is watched, and all there are; the same in every browser.

The address bar names the one that is watched by its folder: ?training=<folder>, ?ladder=<folder>.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import streamlit as st

from curation.clip.work import Work
from curation.errors import BadRun, CurationError
from curation.runs import job
from curation.runs.folder import lock
from curation.runs.trash import delete_folder
from curation.runs.workspace import new_run_folder
from curation.ui import cached
from curation.ui.text import label, notice, number
from curation.ui.told import attempt, show_told
from curation.ui.watching import ACTIVE, SETTLED, TELL, is_folder_name

Of = TypeVar("Of", bound=Work)

SHOWN = 10


@dataclass(frozen=True)
class Kind(Generic[Of]):
    """A kind of work.

    work:     its class
    folder:   where the workspace has them
    command:  of its job
    about:    what it is, in a line that may quote data
    came_to:  what it came to, in a few words; "" where there is nothing yet
    show:     draws where it stands and what it came to so far
    buttons:  draws what else can be done with one that is done
    title:    of all of them
    nothing:  what is said where there is none
    """

    work: type[Of]
    folder: Callable[[], Path]
    command: job.Command
    about: Callable[[Of], str]
    came_to: Callable[[Of], str]
    show: Callable[[Of], None]
    buttons: Callable[[Of], None]
    title: str
    nothing: str

    @property
    def name(self) -> str:
        """In the address bar and in keys."""
        return self.work.KIND

    def open(self, path: Path) -> Of | None:
        """The work in a folder; None where there is none."""
        try:
            return self.work.open(path)
        except CurationError:
            return None

    def all(self) -> list[Of]:
        """Of the workspace, the newest first."""
        return self.work.all_in(self.folder())


def watched(kind: Kind[Of]) -> str | None:
    """The folder that the address bar names, or None."""
    return st.query_params.get(kind.name) or None


def watch(kind: Kind[Of], folder: str | None) -> None:
    """Let the address bar name the work that is watched, or none."""
    if folder is None:
        st.query_params.pop(kind.name, None)
    else:
        st.query_params[kind.name] = folder


def show_watched(kind: Kind[Of], otherwise: str | None = None) -> None:
    """The work that the address bar names, else the one in the folder `otherwise`, if any; follows its job."""
    name = watched(kind) or otherwise
    if name is None:
        return
    with st.container(border=True):
        path = kind.folder() / name
        work = kind.open(path) if is_folder_name(name) else None
        if work is None:
            notice(f"There is no {kind.name} {label(name)!r} in the workspace.", icon="link_off")
            _close(kind)
            return
        settled = work.state in SETTLED
        st.fragment(_follow, run_every=None if settled else 1.0)(kind, path, settled)


def show_all(kind: Kind[Of]) -> None:
    """Every work of a kind; follows what other browsers and the jobs do."""
    st.fragment(_show_all, run_every=3.0)(kind)


def run_name(work: Work) -> str:
    """What the run is called that a work is about."""
    try:
        return label(cached.open_run(work.run).name)
    except CurationError:
        return "a run that is gone"


def draft(kind: Kind[Of]) -> str:
    """The folder of the next work that the form of this session starts: a random id."""
    return str(st.session_state.setdefault(f"{kind.name}_draft", new_run_folder().name))


def start(kind: Kind[Of], folder: str, create: Callable[[Path], Of]) -> None:
    """Plan a work in a folder, the draft, start its job, watch it, and close the form that asked for it.

    raises BadRun where that is done already, and as `create` does
    """
    if st.session_state.get(f"{kind.name}_started") == folder:
        raise BadRun(f"this {kind.name} is started already")  # a second click before the page was there
    path = kind.folder() / folder
    create(path)
    job.start(path, kind.command)
    st.session_state.update(
        {f"{kind.name}_started": folder, f"{kind.name}_draft": new_run_folder().name, f"new_{kind.name}_open": False}
    )
    watch(kind, folder)


def resume(kind: Kind[Of], path: Path) -> None:
    """Go on with a work; of two who do so at once the second ends at once."""
    job.start(path, kind.command)


def _follow(kind: Kind[Of], path: Path, settled: bool) -> None:
    show_told(kind.name)
    work = kind.open(path)
    if work is None:
        notice(f"This {kind.name} is not there any more; somebody deleted it.", icon="link_off")
        _close(kind)
        return
    st.text(f"{label(work.name, 120)} · {TELL[work.state]}")
    st.text(kind.about(work))
    if work.info.get("error"):
        notice(str(work.info["error"]))
    kind.show(work)
    _show_buttons(kind, work)
    if settled != (work.state in SETTLED):
        st.rerun()  # the list follows


def _show_buttons(kind: Kind[Of], work: Of) -> None:
    state = work.state
    with st.container(horizontal=True, vertical_alignment="center"):
        if state == "running":
            _button(kind, "Cancel", "stop", job.cancel, work.path)
        elif state == "done":
            kind.buttons(work)
        else:
            _button(
                kind, "Start it" if state == "planned" else "Resume", "play_arrow", partial(resume, kind), work.path
            )
        if state not in ACTIVE:
            with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"{kind.name}_delete"):
                st.text("Its checkpoints and all that was measured are gone for good then.")
                _button(kind, "Delete for good", "delete_forever", partial(_delete, kind), work.path)
        if watched(kind):
            _close(kind)


def _button(kind: Kind[Of], title: str, icon: str, do: Callable[[Path], None], path: Path) -> None:
    if st.button(
        title, key=f"{kind.name}_{icon}", icon=f":material/{icon}:", on_click=attempt, args=(kind.name, do, path)
    ):
        st.rerun()


def _delete(kind: Kind[Of], path: Path) -> None:
    """Raises BadRun where its job lives, or somebody else deleted it."""
    with lock(path):
        delete_folder(path)
    watch(kind, None)


def _close(kind: Kind[Of]) -> None:
    if st.button("Close", key=f"{kind.name}_close", type="tertiary", on_click=watch, args=(kind, None)):
        st.rerun()


def _show_all(kind: Kind[Of]) -> None:
    works = kind.all()
    st.subheader(kind.title, anchor=False)
    everything = f"all_{kind.name}"
    show_told(everything)
    if not works:
        st.caption(kind.nothing)
    all_of_them = st.session_state.get(everything, False)
    for work in works if all_of_them else works[:SHOWN]:
        with st.container(border=True):
            _show_line(kind, work)
    if len(works) > SHOWN and not all_of_them:
        st.button(
            f"Show all {number(len(works))}",
            key=f"show_all_{kind.name}",
            on_click=st.session_state.update,
            kwargs={everything: True},
        )


def _show_line(kind: Kind[Of], work: Of) -> None:
    state, key = work.state, f"{kind.name}_{work.path.name}"
    st.text(" · ".join(part for part in (label(work.name, 120), state, kind.came_to(work)) if part))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text(kind.about(work), width="stretch")
        if st.button(
            "Look" if state == "done" else "Watch", key=f"watch_{key}", icon=":material/visibility:",
            on_click=watch, args=(kind, work.path.name),
        ):  # fmt: skip
            st.rerun()
        where = f"all_{kind.name}"
        if state == "running":
            st.button(
                "Cancel", key=f"cancel_{key}", icon=":material/stop:", on_click=attempt,
                args=(where, job.cancel, work.path),
            )  # fmt: skip
        elif state in ("cancelled", "failed", "interrupted"):
            st.button(
                "Resume", key=f"resume_{key}", icon=":material/play_arrow:", on_click=attempt,
                args=(where, resume, kind, work.path),
            )  # fmt: skip
