"""Editing the metadata of a run: what is to change, what that does to coverage, and saving it as a new file."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from curation import queries
from curation.errors import CurationError
from curation.metadata import Edited, Edits, edited
from curation.metadata_files import read_metadata, save_metadata
from curation.queries import Coverage, EntryFacts
from curation.runs.folder import Run
from curation.runs.workspace import metadata_folder
from curation.ui.sources import saved_names
from curation.ui.tables import show_table
from curation.ui.text import counted, label, notice, number, share

SHOWN_DEAD = 10


@dataclass(frozen=True)
class Draft:
    """Edits of a run's metadata that are not saved yet, what they come to, and what went wrong with the last one."""

    edits: Edits = field(default_factory=Edits)
    edited: Edited | None = None
    effect: Coverage | None = None
    problem: str | None = None


def edit_entry(run: Run, facts: EntryFacts) -> None:
    """Edits of the entry that is looked at, at hand."""
    edits = _draft(run).edits
    others = [one["entry"] for one in facts.variants.to_pylist() if one.get("language") == facts.language]
    of_another = bool(edits) and edits.language != facts.language
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Remove from the metadata", icon=":material/remove:", key="edit_remove", disabled=of_another,
            on_click=_change, args=(run, replace(edits, language=facts.language).removing([facts.entry])),
        )  # fmt: skip
        if others:
            st.button(
                f"Let it replace {counted(len(others), 'spelling')}", icon=":material/merge:", key="edit_spellings",
                on_click=_change, args=(run, replace(edits, language=facts.language).replacing(others, facts.entry)),
                disabled=of_another,
                help="Removes the entries that differ from it in upper and lower case alone. A text with only one "
                "of these matches none of them then.",
            )  # fmt: skip


def edit_metadata(run: Run) -> None:
    """The edits of this session, their effect on coverage, and saving them as a new file."""
    draft = _draft(run)
    edits = len(draft.edits.added) + len(draft.edits.removed) + len(draft.edits.merged)
    title = f"Edit the metadata ({counted(edits, 'edit')}, not saved)" if edits else "Edit the metadata"
    place = st.expander(title, key="edit", icon=":material/edit:", bind="query-params")
    if not place.open:
        return
    with place:
        _ask(run)
        if draft.problem is not None:
            notice(draft.problem)
        if draft.edits:
            _show_effect(run)
            _save(run)
        _show_saved()


def _draft(run: Run) -> Draft:
    drafts: dict[Path, Draft] = st.session_state.setdefault("drafts", {})
    return drafts.setdefault(run.path, Draft())


def _set_draft(run: Run, draft: Draft) -> None:
    st.session_state["drafts"] = {**st.session_state.get("drafts", {}), run.path: draft}


def _change(run: Run, edits: Edits) -> None:
    """Take edits if they can be made; else keep those there were, and say why."""
    try:
        result = edited(queries.run_metadata(run), edits) if edits else None
    except CurationError as error:
        _set_draft(run, replace(_draft(run), problem=str(error)))
    else:
        _set_draft(run, Draft(edits, result))
        st.session_state["edit"] = True


def _ask(run: Run) -> None:
    """Forms: entries to add, remove or replace, and metadata to merge in."""
    if run.scale.codes != ("",):
        st.selectbox(
            "Of the language", run.scale.codes, format_func=label, key="edit_language", width=200,
            disabled=bool(_draft(run).edits),
            help="Edits are for the list of one language; save them before another's.",
        )  # fmt: skip
    by_hand, merging = st.columns([3, 2], gap="large")
    with by_hand, st.form("edit_entries", border=False):
        st.text_area(
            "Entries, one a line", key="edit_lines", height=120, placeholder="golden retriever\ncorgi",
            help="Upper and lower case differ. Spaces at both ends of a line are left out.",
        )  # fmt: skip
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            for what, title, icon in (("adding", "Add", "add"), ("removing", "Remove", "remove")):
                st.form_submit_button(
                    title, icon=f":material/{icon}:", key=f"edit_{what}", on_click=_by_hand, args=(run, what)
                )
            st.text_input("Replace all of them by", key="edit_by", placeholder="one entry", width=200)
            st.form_submit_button(
                "Replace", icon=":material/merge:", key="edit_replacing", on_click=_by_hand, args=(run, "replacing")
            )
    with merging, st.form("edit_merge", border=False):
        st.selectbox("Metadata of this workspace", saved_names(), index=None, placeholder="none", key="edit_saved")
        st.text_input("Or the path of a metadata file", key="edit_path", placeholder="/data/birds.txt")
        st.form_submit_button(
            "Merge in", icon=":material/library_add:", key="edit_merging", on_click=_merge, args=(run,)
        )


def _language(run: Run) -> str | None:
    """Which list the edits are for; None where there is but one."""
    if run.scale.codes == ("",):
        return None
    return _draft(run).edits.language or st.session_state.get("edit_language", run.scale.codes[0])


def _by_hand(run: Run, what: str) -> None:
    lines = [line.strip() for line in st.session_state["edit_lines"].split("\n")]
    by, edits = st.session_state["edit_by"].strip(), replace(_draft(run).edits, language=_language(run))
    entries = [line for line in lines if line]
    if not entries or (what == "replacing" and not by):
        return
    changed = edits.replacing(entries, by) if what == "replacing" else getattr(edits, what)(entries)
    _change(run, changed)
    if _draft(run).problem is None:
        st.session_state.update(edit_lines="", edit_by="")


def _merge(run: Run) -> None:
    path = st.session_state["edit_path"].strip() or saved_names().get(st.session_state["edit_saved"])
    if not path:
        return
    try:
        merged = read_metadata(Path(path).expanduser())
    except (CurationError, OSError, ValueError, RuntimeError) as error:
        _set_draft(run, replace(_draft(run), problem=str(error)))
        return
    _change(run, replace(_draft(run).edits, language=_language(run)).merging(merged))


def _show_effect(run: Run) -> None:
    """What came of the edits: entries, coverage before and after, and the pairs behind each entry."""
    draft = _draft(run)
    assert draft.edited is not None
    if draft.effect is None:
        with st.spinner("Matching pairs with the edited metadata ..."):
            draft = replace(draft, effect=queries.coverage(run, draft.edited.metadata))
        _set_draft(run, draft)
    result, effect = draft.edited, draft.effect
    assert result is not None and effect is not None
    with st.grid(4, min_column_width=150):
        st.metric("Entries", number(len(result.metadata)), f"+{len(result.added):,} −{len(result.removed):,}", **_PLAIN)
        st.metric(
            "Pairs that match", share(effect.matched_after, effect.looked_at),
            f"{effect.matched_after - effect.matched_before:+,} pairs",
            delta_description=f"{share(effect.matched_before, effect.looked_at)} before", **_PLAIN,
        )  # fmt: skip
        after, before = (
            matches / max(effect.looked_at, 1) for matches in (effect.matches_after, effect.matches_before)
        )
        st.metric(
            "Matches a text",
            f"{after:.3f}",
            f"{after - before:+.3f}",
            delta_description=f"{before:.3f} before",
            **_PLAIN,
        )
        st.metric(
            "Pairs looked at",
            number(effect.looked_at),
            share(effect.looked_at, effect.of),
            delta_description="of the run",
            **_PLAIN,
        )
    st.caption(_population(effect))
    for told in _without_effect(result):
        st.text(told)
    sampled = effect.looked_at < effect.of
    guess = {"estimate": "In the pool, about", "low": "at least", "high": "at most"} if sampled else {}
    if effect.entries_added:
        columns = {"entry": "Added", "source": "Source", "pairs": "Pairs", "newly": "Matched nothing before"} | guess
        show_table(_rounded(effect.added), "entries added", key="edit_added", columns=columns)
    if effect.entries_removed:
        columns = {"entry": "Removed", "source": "Source", "count": "Texts", "lost": "Match nothing then"} | guess
        show_table(_rounded(effect.removed), "entries removed", key="edit_removed", columns=columns)


_PLAIN: dict[str, Any] = {"delta_color": "off", "delta_arrow": "off"}


def _population(effect: Coverage) -> str:
    if effect.looked_at == effect.of:
        return f"All {number(effect.of)} pairs of the run were matched anew with the edited metadata: exact."
    return (
        f"{number(effect.looked_at)} of the {number(effect.of)} pairs of the run, drawn at random, were matched anew "
        "with the edited metadata. Numbers for the pool are estimates, with bounds that hold 19 times in 20."
    )


def _without_effect(result: Edited) -> list[str]:
    """What could not be done, and what can never match."""
    told = [f"Without effect: {number(count)} ({reason})" for reason, count in result.left_out.items()]
    told += [f"No text can match “{label(entry.entry)}”: {entry.reason}" for entry in result.dead[:SHOWN_DEAD]]
    more = len(result.dead) - SHOWN_DEAD
    return told + ([f"... and {number(more)} more entries that no text can match"] if more > 0 else [])


def _rounded(table: pa.Table) -> pa.Table:
    """With whole numbers for what is estimated."""
    for name in ("estimate", "low", "high"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, pc.cast(pc.round(table[name]), pa.int64()))
    return table


def _save(run: Run) -> None:
    with st.form("edit_save", border=False), st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.text_input("Save as", key="edit_title", placeholder="a name for this metadata", max_chars=120, width=360)
        st.form_submit_button(
            "Save", icon=":material/save:", type="primary", key="edit_saving", on_click=_take_save, args=(run,)
        )
        st.form_submit_button("Discard the edits", key="edit_discard", on_click=_set_draft, args=(run, Draft()))


def _take_save(run: Run) -> None:
    draft = _draft(run)
    assert draft.edited is not None
    try:
        path = save_metadata(draft.edited.metadata, metadata_folder(), st.session_state["edit_title"])
    except (CurationError, OSError) as error:
        _set_draft(run, replace(draft, problem=str(error)))
        return
    _set_draft(run, Draft())
    st.session_state.update(edit_title="", saved_metadata=path)


def _show_saved() -> None:
    """The file that was saved last, and the way to a run with it."""
    path: Path | None = st.session_state.get("saved_metadata")
    if path is None or not path.is_file():
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text(f"Saved as {path}", width="content")
        st.page_link(
            "pages/curate.py", label="Start a run with it", icon=":material/play_arrow:",
            query_params={"metadata": path.name},
        )  # fmt: skip
