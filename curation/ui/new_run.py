"""Start a run: what it reads, its settings, a look at the pool, a dry run, and the start itself."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import streamlit as st

from curation import files
from curation.errors import BadRun, CurationError
from curation.pool.show import Shown
from curation.runs import job
from curation.runs.config import CurateConfig
from curation.runs.folder import NAME_CHARACTERS, Run
from curation.runs.tasks import start_task
from curation.runs.workspace import new_run_folder, tasks_folder
from curation.ui import cached, form, where
from curation.ui.sources import PATH, choose_metadata, choose_pool
from curation.ui.tables import show_table
from curation.ui.task_list import show_task
from curation.ui.text import counted, label, notice, number
from curation.ui.told import attempt, show_told
from curation.ui.watching import watch

SHOWN_PAIRS = 5


def show_new_run() -> None:
    """Draw everything that it takes to start a run. What is not yet given is said in one line at the buttons."""
    missing: list[str] = []
    left, right = st.columns(2)
    with left:
        pool = _or_missing(missing, choose_pool)
    with right:
        metadata = _or_missing(missing, choose_metadata)
        name = st.text_input(
            "Name of the run", key="new_name", max_chars=NAME_CHARACTERS, persist_state="session",
            placeholder="what people call it; can be changed at any time",
        )  # fmt: skip
    config = _or_missing(missing, form.choose_settings)
    with st.expander("Where it runs", key="group_where"):
        engine = _or_missing(missing, where.choose_engine)
    draft: Path = st.session_state.setdefault("draft", new_run_folder())
    asked: dict[str, Any] | None = None
    if not missing:
        asked = {
            "pool": pool,
            "metadata": str(metadata),
            "config": asdict(config),
            "engine": asdict(engine),
            "name": name.strip() or _name(pool),
        }
    with st.container(horizontal=True, vertical_alignment="center"):
        looks = (pool, config) if pool and config else None
        st.button(
            "Preview", icon=":material/preview:", key="preview", disabled=looks is None,
            on_click=st.session_state.update, kwargs={"previewed": looks},
        )  # fmt: skip
        st.button(
            "Dry run", icon=":material/query_stats:", key="dry_run", disabled=asked is None,
            on_click=attempt, args=("new_run", _dry_run, asked),
            help="Reads a sample of the pool and predicts size, time and disk.",
        )  # fmt: skip
        st.button(
            "Start", icon=":material/play_arrow:", key="start", type="primary", disabled=asked is None,
            on_click=attempt, args=("new_run", _start, asked, draft),
        )  # fmt: skip
    show_told("new_run")
    for message in missing:
        notice(message, icon="info")
    if looks is not None and st.session_state.get("previewed") == looks:
        _show_preview(pool or [], looks[1])
    if (task := st.session_state.get("dry_run_task")) is not None:
        show_task(task)


def again_with(run: Run) -> None:
    """Fill the form with what a run was made from, as the callback of a button."""
    form.prefill(run.config)
    where.prefill(job.engine_of(run.path))
    metadata = run.path / "entries.parquet"
    st.session_state.update(
        pool_from="path",
        pool="\n".join(file.path for file in run.inputs),
        new_name=run.name,
        new_run_open=True,
    )
    if metadata.is_file():
        st.session_state.update(metadata_from=PATH, metadata_path=str(metadata))


def _or_missing(missing: list[str], choose: Any) -> Any:
    """What a part of the form says, or None and why it says nothing yet."""
    try:
        return choose()
    except CurationError as error:
        missing.append(str(error))
        return None


def _name(pool: Sequence[str]) -> str:
    place = pool[0].partition("?")[0] if files.is_uri(pool[0]) else pool[0]
    return Path(place).name[:NAME_CHARACTERS] or "run"


def _dry_run(asked: dict[str, Any]) -> None:
    st.session_state["dry_run_task"] = start_task(tasks_folder(), "estimate", asked).path


def _start(asked: dict[str, Any], draft: Path) -> None:
    if st.session_state.get("started") == draft:
        raise BadRun("this run is started already; see below")  # a second click before the page was there
    start_task(tasks_folder(), "curate", {**asked, "run": str(draft)}, about=draft)
    st.session_state.update(started=draft, draft=new_run_folder(), new_run_open=False)
    watch(draft.name)


def _show_preview(pool: Sequence[str], config: CurateConfig) -> None:
    try:
        found = cached.show_pool(tuple(pool), config.columns, config.pool_format, SHOWN_PAIRS)
    except (CurationError, OSError) as error:
        notice(str(error))
        return
    rows = [file.rows for file in found.files]
    known = sum(row for row in rows if row is not None)
    size = sum(file.bytes for file in found.files) / 1e6
    formats = ", ".join(sorted({file.format for file in found.files}))
    told = f"{number(known)} rows" if None not in rows else "rows are known when they are read"
    st.text(f"{counted(len(found.files), 'file')} ({formats}), {size:,.1f} MB, {told}. The first pairs of the first:")
    show_table(_first_pairs(found), "first pairs of the pool", key="preview_pairs")
    guessed = [f"{name}: {label(column)}" for name, column in found.columns.items() if name in found.guessed]
    fields = label(", ".join(found.fields), 400)
    st.text(f"Fields: {fields}" + (f". Read as, by a guess: {', '.join(guessed)}" if guessed else ""))


def _first_pairs(found: Shown) -> pa.Table:
    names = [name for name in ("text", "uid", "url", "image", "language") if any(row.get(name) for row in found.first)]
    return pa.table({name: pa.array([row.get(name) for row in found.first], pa.string()) for name in names or ["text"]})
