"""What stands behind one entry: its numbers, who keeps its pairs, what else they match, and some of them."""

from typing import Any, Literal

import streamlit as st

from curation import figures, queries
from curation.errors import UnknownEntry
from curation.queries import EntryFacts, Which
from curation.runs.folder import Run
from curation.ui import cached
from curation.ui.charts import show_figure
from curation.ui.filters import unknown_entry
from curation.ui.gallery import show_pairs
from curation.ui.tables import show_table
from curation.ui.text import counted, label, number, share

EXAMPLES = 6
Order = Literal["shared", "lift"]
ORDER: dict[Order, str] = {"shared": "Most pairs", "lift": "Highest lift"}
NEUTRAL: Any = {"delta_color": "off", "delta_arrow": "off"}
SIDES: tuple[tuple[Which, str], ...] = (("kept", "Kept"), ("dropped", "Dropped"))


def choose_entry(run: Run) -> int | None:
    """The id of the entry of the page; None before one is chosen. Asks for the language, where several have it."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        entry = st.text_input(
            "The entry, exactly", key="entry", bind="query-params", placeholder="select a row above", width=360,
            help="As it is written in the metadata: upper and lower case differ.",
        )  # fmt: skip
        if not entry:
            return None
        try:
            ids = queries.entry_ids(run, entry)
        except UnknownEntry:
            ids = []
        if len(ids) > 1:
            of_language = {run.entries["language"][entry_id].as_py(): entry_id for entry_id in ids}
            if st.session_state.get("entry_language") not in of_language:
                st.session_state.pop("entry_language", None)  # of another entry
            chosen = st.selectbox(
                "Language", of_language, format_func=label, key="entry_language", bind="query-params", width=160
            )
            return of_language[chosen]
    if not ids:
        unknown_entry(run, entry)
    return ids[0] if ids else None


def show_entry(run: Run, facts: EntryFacts) -> None:
    """Four numbers, and behind tabs what explains them."""
    _numbers(run, facts)
    st.text(_about(facts))
    if not facts.count:
        return
    behind = {
        "Kept at every t": _show_by_t,
        "Who keeps its pairs": _show_keepers,
        "What else its pairs match": _show_company,
        "Examples": _show_examples,
    }
    for tab, show in zip(st.tabs(list(behind), key="view", bind="query-params"), behind.values(), strict=True):
        if tab.open:
            with tab:
                show(run, facts)


def _numbers(run: Run, facts: EntryFacts) -> None:
    pool, matched = run.info["totals"]["pairs"], run.curves.ranked_entry_id.size
    with st.grid(4, min_column_width=150):
        st.metric(
            "Texts in the pool", number(facts.count), share(facts.count, pool),
            delta_description=f"of {number(pool)} pairs", help="Pairs whose text holds the entry, before balancing.",
            **NEUTRAL,
        )  # fmt: skip
        st.metric(
            "Kept", number(facts.kept), share(facts.kept, facts.count),
            delta_description="of its texts",
            help="Texts with the entry among the pairs kept at t, whichever of their entries keep them.",
            **NEUTRAL,
        )  # fmt: skip
        st.metric(
            "Kept by itself", f"{facts.by_itself:,.6g}", f"p = {facts.prob:.4g}",
            delta_description="for each text",
            help="On average over seeds, min(count, t): the entry keeps each of its texts with p = t / max(count, t).",
            **NEUTRAL,
        )  # fmt: skip
        st.metric(
            "Rank", "–" if facts.rank is None else number(facts.rank), _part(facts),
            delta_description=f"of {number(matched)} that match",
            help="By the number of texts. The head are entries in t texts or more; the tail are those in fewer.",
            **NEUTRAL,
        )  # fmt: skip


def _part(facts: EntryFacts) -> str:
    if not facts.count:
        return "matches nothing"
    return "head" if facts.count >= facts.own_t else "tail"


def _about(facts: EntryFacts) -> str:
    """A line in words: where it comes from, why it matches nothing, how else it is written."""
    parts = [f"Source: {label(facts.source)}"]
    if facts.language is not None:
        parts.append(f"language: {label(facts.language)}, where t is {number(facts.own_t)}")
    if facts.dead is not None:
        parts.append(f"no text can match it: {facts.dead}")
    elif not facts.count:
        parts.append("no text of the pool holds it")
    variants = facts.variants.to_pylist()
    if variants:
        written = ", ".join(
            f"“{label(one['entry'])}” ({', '.join([*_code(one), counted(one['count'], 'text')])})"
            for one in variants[:8]
        )
        parts.append(f"written otherwise: {written}" + (", …" if variants[8:] else ""))
    return "; ".join(parts) + "."


def _code(variant: dict[str, Any]) -> list[str]:
    return [label(variant["language"])] if "language" in variant else []


def _show_by_t(run: Run, facts: EntryFacts) -> None:
    kept, by_itself = queries.entry_kept_by_t(run, facts.entry_id), queries.entry_by_itself_by_t(run, facts.entry_id)
    figure = figures.kept_by_t(run.curves, kept, by_itself, facts)
    show_figure(figure, "entry_by_t", "Texts with the entry that are kept, at every t")
    st.caption(
        f"Of the {number(facts.count)} texts with the entry, those among the pairs that each t keeps: exact. "
        "Where the green line is above the dashed one, other entries keep texts of this one."
    )


def _show_keepers(run: Run, facts: EntryFacts) -> None:
    with st.spinner("Looking at its pairs ..."):
        found = cached.carried(run, facts.entry_id, facts.t)
    st.caption(
        f"{_looked_at(found.looked_at, found.of)} At t = {number(facts.t)}, {number(found.kept)} are kept: "
        f"{number(found.by_itself)} by the entry itself, and {number(found.by_others)} that it drops but another entry "
        f"keeps; {number(found.by_tail)} of these an entry of the tail. A pair with several keepers counts for each."
    )
    if not len(found.entries):
        st.text("No pair was carried through by another entry: all that is kept, the entry keeps itself.")
        return
    left, right = st.columns(2)
    with left:
        show_figure(figures.carriers(found), "carriers", "The entries that carried most pairs through")
    columns = {"entry": "Entry", "count": "Texts", "carried": "Carried", "alone": "No other keeps"}
    with right:
        show_table(found.entries, "entries that carried pairs through", key="carried", columns=columns, height=400)


def _show_company(run: Run, facts: EntryFacts) -> None:
    order: Order = st.segmented_control(
        "Order", ORDER, format_func=ORDER.__getitem__, default="shared", required=True,
        key="order", bind="query-params",
        help="Lift: how many times as often the other entry stands in these texts as in all of the pool.",
    )  # fmt: skip
    with st.spinner("Looking at its pairs ..."):
        found = cached.company(run, facts.entry_id, order)
    st.caption(f"{_looked_at(found.looked_at, found.of)} Other entries that they match: {number(found.total)}.")
    if order == "lift":
        st.caption("Here are those with 5 shared pairs or more.")
    columns = {"entry": "Entry", "source": "Source", "count": "Texts", "shared": "Shared pairs", "lift": "Lift"}
    show_table(found.entries, "what else its pairs match", key=f"company_{order}", columns=columns, height=400)


def _show_examples(run: Run, facts: EntryFacts) -> None:
    for column, (which, title) in zip(st.columns(2), SIDES, strict=True):
        with column:
            total = queries.count_samples(run, facts.t, which=which, entry=facts.entry_id)
            st.caption(title + f": {number(total)} of its {number(facts.count)} texts, at t = {number(facts.t)}")
            pairs = queries.samples(run, facts.t, which=which, entry=facts.entry_id, limit=EXAMPLES)
            if len(pairs):
                show_pairs(run, pairs, facts.t, key=f"examples_{which}")
    st.page_link(
        "pages/samples.py", label="All samples with this entry", icon=":material/photo_library:",
        query_params={"entry": facts.entry},
    )  # fmt: skip


def _looked_at(looked_at: int, of: int) -> str:
    if looked_at == of:
        return f"All {number(of)} pairs with the entry were looked at." if of != 1 else "Its one pair was looked at."
    return f"{number(looked_at)} of its {number(of)} pairs were looked at, drawn at random."
