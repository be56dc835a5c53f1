"""The funnel: what came in at each step, what went out, and what was dropped for which reason."""

from collections.abc import Sequence

import streamlit as st

from curation.queries import Step
from curation.runs.folder import Run
from curation.ui.components import component
from curation.ui.text import label, number, plain, share

_funnel = component("funnel")

TITLES = {"read": "Read", "language": "Language", "match": "Match", "balance": "Balance"}
SHOWN_LINES = 20


def show_funnel(steps: Sequence[Step], key: str = "funnel") -> None:
    """A row a step: a bar on the scale of the first one, the numbers, and the reasons."""
    widest = max((step.rows_in for step in steps), default=0)
    _funnel(data={"rows": [_row(step, widest) for step in steps]}, key=key)


def show_damage(run: Run) -> None:
    """Where bytes of the pool were lost, and what else was noted when it was read; nothing where there is neither."""
    damage, notes = run.info["damage"], run.info["notes"]
    if damage:
        with st.expander(f"{number(len(damage))} places where the pool is damaged", icon=":material/healing:"):
            for line in damage[:SHOWN_LINES]:
                st.text(plain(line))
            if len(damage) > SHOWN_LINES:
                st.caption(f"and {number(len(damage) - SHOWN_LINES)} more, in run.json")
    if notes:
        with st.expander("Noted while reading the pool", icon=":material/info:"):
            for note, count in notes.items():
                st.text(f"{number(count)} {plain(note)}")


def _row(step: Step, widest: int) -> dict[str, object]:
    dropped = [f"{number(rows)} {label(reason)}" for reason, rows in step.dropped.items() if rows]
    passed = [f"{number(rows)} passed: {label(note)}" for note, rows in step.notes.items()]
    return {
        "step": TITLES.get(step.step, label(step.step)),
        "in": number(step.rows_in),
        "out": number(step.rows_out),
        "share": share(step.rows_out, step.rows_in),
        "dropped": [*(dropped or ["nothing dropped"]), *passed],
        "bar_in": 100 * step.rows_in / max(widest, 1),
        "bar_out": 100 * step.rows_out / max(widest, 1),
    }
