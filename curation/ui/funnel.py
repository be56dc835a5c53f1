"""The funnel: what came in at each step, what went out, and what was dropped for which reason."""

from collections.abc import Sequence

from curation.queries import Step
from curation.ui.components import component
from curation.ui.text import label, number, share

_funnel = component("funnel")

TITLES = {"read": "Read", "match": "Match", "balance": "Balance"}


def show_funnel(steps: Sequence[Step]) -> None:
    """A row a step: a bar on the scale of the first one, the numbers, and the reasons."""
    widest = max((step.rows_in for step in steps), default=0)
    _funnel(data={"rows": [_row(step, widest) for step in steps]}, key="funnel")


def _row(step: Step, widest: int) -> dict[str, object]:
    dropped = [f"{number(rows)} {label(reason)}" for reason, rows in step.dropped.items() if rows]
    return {
        "step": TITLES.get(step.step, label(step.step)),
        "in": number(step.rows_in),
        "out": number(step.rows_out),
        "share": share(step.rows_out, step.rows_in),
        "dropped": dropped or ["nothing dropped"],
        "bar_in": 100 * step.rows_in / max(widest, 1),
        "bar_out": 100 * step.rows_out / max(widest, 1),
    }
