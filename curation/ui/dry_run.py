"""What a dry run predicts."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from curation.queries import Step
from curation.runs.standing import seconds
from curation.ui.funnel import show_funnel
from curation.ui.text import number, share

_figure = partial(st.metric, delta_color="off", delta_arrow="off")


def show_estimate(found: Mapping[str, Any], key: str) -> None:
    """The result of the task of a dry run: an `Estimate` as JSON has it."""
    st.caption(
        f"An estimate: {number(found['rows_read'])} rows, {share(found['share'])} of the pool, were read, in "
        f"{number(found['parts'])} of its {number(found['of_parts'])} row groups or files. Below each number, the "
        "range in which the truth lies 19 times in 20."
    )
    with st.grid(4, min_column_width=150):
        _show("Pairs kept", {name: round(value) for name, value in found["kept"].items()})
        _show("Threshold t", found["t"])
        total = sum(found["seconds"].values())
        phases = ", ".join(f"{name} {value:,.1f} s" for name, value in found["seconds"].items())
        _figure(
            "Time",
            f"≈ {seconds(max(total, 1.0))}",
            help=f"By the clock, with this machine as busy as it was: {phases}.",
        )
        disk = {name: round(value / 1e6, 1) for name, value in found["disk_bytes"].items()}
        _show("Disk, MB", disk, help=f"Free on the disk: {found['free_bytes'] / 1e6:,.0f} MB.")
    pairs, matched, matches = (found[name]["value"] for name in ("pairs", "matched", "matches"))
    st.caption(
        f"About {rounded(pairs)} usable pairs; {share(matched, pairs)} match, with {matches / max(matched, 1):.1f} "
        "entries each. The funnel of the sample alone, as it was met; in its last step what is kept on average:"
    )
    show_funnel([Step(**step) for step in found["funnel"]], key=f"{key}_funnel")
    if found["disk_bytes"]["high"] > found["free_bytes"]:
        st.caption(":material/warning: It may not fit on the disk.")
    for note in found["notes"]:
        st.text(f"Note: {note}")


def rounded(value: float) -> str:
    """A number with no more digits than an estimate has.

    >>> rounded(8_988_116.8), rounded(54.32), rounded(0)
    ('8,988,000', '54.32', '0')
    """
    return number(float(f"{value:.4g}"))


def _show(title: str, found: Mapping[str, float], help: str | None = None) -> None:
    exact = found["low"] == found["high"]
    told = None if exact else f"{rounded(found['low'])} to {rounded(found['high'])}"
    _figure(title, rounded(found["value"]) if exact else f"≈ {rounded(found['value'])}", told, help=help)
