"""What came of a ladder -> Plotly figures; colours and rules are those of `figures`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from curation.figures import BALANCED, CAP, RAW, dressed, escaped, log_axis
from curation.figures_training import LEAST_TOP

GROUPS = {"all": "All classes", "head": "Head", "middle": "Middle", "tail": "Tail"}
GROUP_COLOURS = {"all": RAW, "head": "#7c3aed", "middle": CAP, "tail": BALANCED}

ARMS = {
    "raw": ("Raw", RAW, "circle-open"),
    "english": ("English only", RAW, "circle"),
    "matched": ("Matched", CAP, "diamond"),
    "balanced": ("Balanced", BALANCED, "circle"),
    "online": ("Balanced online", "#7c3aed", "square"),
}
"""Of each arm its name, colour and symbol."""

LANE, ROW = 46, 20
"""Pixels: between groups, and a row in one."""


def accuracy_by_arm(accuracies: pa.Table) -> go.Figure:
    """Accuracy with its 95 % interval as a dot a rung: a lane for all classes, the head, the middle and the tail.

    accuracies: as `clip.ladder.summary` gives them, of the rungs that are to be compared
    """
    rows = accuracies.to_pylist()
    rungs = list(dict.fromkeys(row["rung"] for row in rows))
    lanes = [group for group in GROUPS if any(row["group"] == group for row in rows)]
    height, top = 1.0 / (len(rungs) + 1.5), max([LEAST_TOP, *(row["high"] for row in rows)])
    figure = go.Figure()
    for number, rung in enumerate(rungs):
        own = [row for row in rows if row["rung"] == rung]
        name, colour, symbol = ARMS[own[0]["arm"]]
        figure.add_scatter(
            x=[row["accuracy"] for row in own],
            y=[lanes.index(row["group"]) + (number - (len(rungs) - 1) / 2) * height for row in own],
            mode="markers", marker={"color": colour, "symbol": symbol, "size": 10}, name=name,
            error_x=_intervals(own, colour), customdata=_told(own), hovertemplate=f"<b>{name}</b>{_TOLD}",
        )  # fmt: skip
        figure.add_scatter(
            x=[row["high"] + 0.012 * top for row in own], y=figure.data[-1].y, mode="text",
            textposition="middle right", text=[f"{row['accuracy']:.1%}" for row in own],
            hoverinfo="skip", showlegend=False, cliponaxis=False,
        )  # fmt: skip
    for lane in range(1, len(lanes)):
        figure.add_hline(y=lane - 0.5, line={"color": RAW, "width": 0.5})
    figure.update_yaxes(
        tickvals=list(range(len(lanes))), ticktext=[GROUPS[group] for group in lanes],
        range=[len(lanes) - 0.5, -0.5], showgrid=False, zeroline=False,
    )  # fmt: skip
    figure.update_xaxes(title="zero-shot accuracy", range=[0, 1.16 * top], tickformat=".0%")
    return dressed(figure).update_layout(showlegend=True, height=110 + len(lanes) * (LANE + ROW * len(rungs)))


def accuracy_by_t(accuracies: pa.Table) -> go.Figure:
    """Accuracy of the arm balanced by t, a line a group of classes; that of matched is dashed."""
    rows = accuracies.to_pylist()
    figure = go.Figure()
    ts = [row["t"] for row in rows if row["arm"] == "balanced"]
    for group, colour in GROUP_COLOURS.items():
        own = sorted(
            (row for row in rows if row["arm"] == "balanced" and row["group"] == group), key=lambda row: row["t"]
        )
        if not own:
            continue
        figure.add_scatter(
            x=[row["t"] for row in own], y=[row["accuracy"] for row in own], mode="lines+markers",
            name=GROUPS[group], line={"color": colour, "width": 2.5 if group == "all" else 1.8}, marker={"size": 8},
            error_y=_intervals(own, colour), customdata=_told(own),
            hovertemplate=f"<b>{GROUPS[group]}, t = %{{x:,}}</b>{_TOLD.replace('%{x', '%{y')}",
        )  # fmt: skip
        for row in rows:
            if row["arm"] == "matched" and row["group"] == group:
                figure.add_scatter(
                    x=[min(ts), max(ts)], y=[row["accuracy"]] * 2, mode="lines", hoverinfo="skip", showlegend=False,
                    line={"color": colour, "width": 1.5, "dash": "dash"},
                )  # fmt: skip
    if any(row["arm"] == "matched" for row in rows):
        figure.add_scatter(
            x=[None], y=[None], mode="lines", name="matched, without a cap",
            line={"color": RAW, "width": 1.5, "dash": "dash"},
        )  # fmt: skip
    if ts:
        log_axis(figure.layout.xaxis, min(ts) * 0.8, max(ts) * 1.25, "t")
        figure.update_xaxes(tickvals=sorted(set(ts)), ticktext=[f"{t:,.15g}" for t in sorted(set(ts))])
    top = max([LEAST_TOP, *(row["high"] for row in rows)])
    figure.update_yaxes(title="zero-shot accuracy", range=[0, 1.08 * top], tickformat=".0%")
    return dressed(figure).update_layout(showlegend=True)


NAMED_ROWS = 60
"""So many classes still have their names beside the heat map."""


def accuracy_by_class(by_class: pa.Table, group: str, words: Mapping[str, str]) -> go.Figure:
    """A heat map: the classes of a group, the most frequent in the pool on top, by rung.

    by_class: as `clip.ladder.summary` gives it; words: what each rung is called
    """
    rows = [row for row in by_class.to_pylist() if row["group"] == group and row["pictures"]]
    order = sorted({(-row["count"], row["class"]) for row in rows})
    rungs = list(dict.fromkeys(row["rung"] for row in sorted(rows, key=by_arm_and_t)))
    place = {name: at for at, (_, name) in enumerate(order)}
    known = np.full((len(order), len(rungs)), np.nan)
    for row in rows:
        known[place[row["class"]], rungs.index(row["rung"])] = row["accuracy"]
    names = [f"<b>{escaped(name, 40)}</b>, in {-count:,} texts of the pool" for count, name in order]
    figure = go.Figure()
    figure.add_heatmap(
        x=list(range(len(rungs))), y=list(range(len(order))), z=known, xgap=2,
        text=[[f"{name}<br>{words[rung]}" for rung in rungs] for name in names],
        hovertemplate="%{text}<br>%{z:.0%} known<extra></extra>", hoverongaps=False, zmin=0.0, zmax=1.0,
        colorscale=[[0.0, "rgba(138, 148, 166, 0.10)"], [1.0, "rgba(13, 148, 136, 1)"]],
        colorbar={"title": "known", "thickness": 10, "len": 0.6, "tickformat": ".0%"},
    )  # fmt: skip
    figure.update_xaxes(
        tickvals=list(range(len(rungs))), ticktext=[words[rung].removeprefix("Balanced, ") for rung in rungs],
        side="top", showgrid=False, zeroline=False,
    )  # fmt: skip
    some = range(0, len(order), max(1, -(-len(order) // NAMED_ROWS)))
    figure.update_yaxes(
        tickvals=list(some), ticktext=[escaped(order[at][1], 20) for at in some], autorange="reversed", showgrid=False,
        zeroline=False,
    )  # fmt: skip
    return dressed(figure).update_layout(height=120 + max(12 * min(len(order), NAMED_ROWS), 40))


def by_arm_and_t(row: Mapping[str, Any]) -> tuple[int, float]:
    """The order of rungs for the eye: the arms as a ladder, those at several t from the lowest up."""
    return list(ARMS).index(row["arm"]), row["t"] or 0.0


_TOLD = (
    "<br>%{x:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%}) of %{customdata[2]:,} pictures"
    "<br>%{customdata[3]}<extra></extra>"
)


def _intervals(rows: list[dict[str, Any]], colour: str) -> dict[str, Any]:
    return {
        "type": "data", "symmetric": False, "thickness": 1.5, "width": 4, "color": colour,
        "array": [row["high"] - row["accuracy"] for row in rows],
        "arrayminus": [row["accuracy"] - row["low"] for row in rows],
    }  # fmt: skip


def _told(rows: list[dict[str, Any]]) -> list[list[Any]]:
    return [[row["low"], row["high"], row["pictures"], _budget(row)] for row in rows]


def _budget(row: Mapping[str, Any]) -> str:
    seeds = f"{row['seeds']} seed" + ("s" if row["seeds"] > 1 else "")
    return seeds if row["items"] is None else f"{row['items']:,} pairs, {row['passes']:.1f} passes, {seeds}"
