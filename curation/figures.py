"""Arrays -> Plotly figures.

Colours stand on a white page and on a dark one alike; whatever is not coloured here follows the page. Entries are data:
Plotly reads a few HTML tags and `%{...}` in what it writes, so they pass through `escaped` first.
"""

import numpy as np
import plotly.graph_objects as go

from curation.curves import PAPER_THRESHOLDS, Curves
from curation.queries import Carried, EntryFacts, Size

RAW, BALANCED, CAP = "#8a94a6", "#0d9488", "#d97706"


def size_by_t(curves: Curves, size: Size, own_t: float) -> go.Figure:
    """How many pairs every threshold keeps, with the spread over seeds, and where t stands."""
    figure = go.Figure()
    grid, spread = curves.grid, 2 * curves.sigma
    figure.add_scatter(
        x=np.concatenate([grid, grid[::-1]]),
        y=np.concatenate([curves.expected + spread, (curves.expected - spread)[::-1]]),
        fill="toself", fillcolor="rgba(13, 148, 136, 0.22)", line={"width": 0}, hoverinfo="skip",
        name="expected over seeds ± 2 sigma",
    )  # fmt: skip
    rows = np.stack([curves.kept / max(size.pairs, 1), curves.expected, curves.sigma, curves.tail_share], axis=1)
    figure.add_scatter(
        x=grid, y=curves.kept, customdata=rows, line={"color": BALANCED, "width": 2.5}, name="pairs kept",
        hovertemplate="<b>t = %{x:,}</b><br>%{y:,} pairs kept, %{customdata[0]:.1%} of the pool"
        "<br>expected %{customdata[1]:,.0f} ± %{customdata[2]:,.0f}"
        "<br>tail share of the pool %{customdata[3]:.1%}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[grid[0], grid[-1]], y=[size.matched, size.matched], mode="lines", hoverinfo="skip",
        line={"color": RAW, "width": 1.5, "dash": "dot"}, name=f"all {size.matched:,} that match",
    )  # fmt: skip
    if own_t != size.t:
        kept = int(curves.kept[curves.row(own_t) or 0])
        figure.add_scatter(
            x=[own_t], y=[kept], mode="markers", name=f"the run's own t = {own_t:,.15g}", hoverinfo="skip",
            marker={"color": RAW, "size": 9, "symbol": "circle-open", "line": {"width": 2}},
        )  # fmt: skip
    figure.add_scatter(
        x=[size.t], y=[size.kept], mode="markers", marker={"color": CAP, "size": 11},
        name=f"t = {size.t:,.15g}: {size.kept:,} pairs", hoverinfo="skip",
    )  # fmt: skip
    _mark_paper(figure, [t for t in PAPER_THRESHOLDS if t <= grid[-1]])
    _log_axis(figure.layout.xaxis, min(grid[0], size.t) * 0.9, max(grid[-1], size.t) * 1.1, "t")
    figure.update_yaxes(title="pairs kept", range=[0, max(size.matched, 1) * 1.06], tickformat="~s")
    return _dressed(figure)


def kept_by_t(run_curves: Curves, kept: np.ndarray, by_itself: np.ndarray, facts: EntryFacts) -> go.Figure:
    """Texts with an entry that every t keeps, beside what the entry would keep of them by itself.

    kept:      (T,) int64, at the grid of the curves
    by_itself: (T,) float64, on average over seeds: min(count, t)
    """
    figure, grid = go.Figure(), run_curves.grid
    figure.add_scatter(
        x=grid, y=_positive(kept), customdata=kept / max(facts.count, 1), name="kept, with those that others keep",
        line={"color": BALANCED, "width": 2.5},
        hovertemplate="<b>t = %{x:,}</b><br>%{y:,} texts kept, %{customdata:.1%} of its texts<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=grid, y=by_itself, name="kept by the entry itself, on average",
        line={"color": CAP, "width": 1.8, "dash": "dash"},
        hovertemplate="<b>t = %{x:,}</b><br>%{y:,.4g} kept by itself<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[grid[0], grid[-1]], y=[facts.count, facts.count], mode="lines", hoverinfo="skip",
        line={"color": RAW, "width": 1.5, "dash": "dot"}, name=f"all {facts.count:,} texts with it",
    )  # fmt: skip
    figure.add_scatter(
        x=[facts.t], y=_positive(np.array([facts.kept])), mode="markers", marker={"color": BALANCED, "size": 11},
        name=f"t = {facts.t:,.15g}: {facts.kept:,} texts", hoverinfo="skip",
    )  # fmt: skip
    _log_axis(figure.layout.xaxis, min(grid[0], facts.t) * 0.9, max(grid[-1], facts.t) * 1.1, "t")
    _log_axis(figure.layout.yaxis, 0.8, max(facts.count, 1) * 1.6, "texts with the entry")
    return _dressed(figure)


CARRIERS = 12
"""So many of the entries that carried pairs through are drawn as bars."""


def carriers(carried: Carried) -> go.Figure:
    """The entries that carried most pairs of an entry through, as bars: those of the tail in the colour of the kept."""
    rows = carried.entries.slice(0, CARRIERS).to_pylist()
    figure = go.Figure()
    for name, colour, tail in (("in the tail: keeps all its texts", BALANCED, True), ("in the head", RAW, False)):
        some = [(number, row) for number, row in enumerate(rows) if row["tail"] == tail]
        if some:
            figure.add_bar(
                y=[number for number, _ in some], x=[row["carried"] for _, row in some], orientation="h", name=name,
                marker={"color": colour},
                customdata=[[escaped(row["entry"]), row["count"], row["alone"]] for _, row in some],
                hovertemplate="<b>%{customdata[0]}</b>, in %{customdata[1]:,} texts<br>carried %{x:,}"
                "<br>no other entry kept %{customdata[2]:,} of these<extra></extra>",
            )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=[escaped(row["entry"], 24) for row in rows],
        autorange="reversed", showgrid=False,
    )  # fmt: skip
    figure.update_xaxes(title="pairs carried through", rangemode="tozero")
    return _dressed(figure).update_layout(showlegend=True)


def escaped(text: str, length: int = 80) -> str:
    """A text from data that Plotly shows as it is: no tag, no entity, no template; cut to a length.

    >>> escaped("<b>&amp; %{x}")
    '&lt;b&gt;&amp;amp; %&#123;x}'
    """
    text = " ".join(text[: 4 * length].split())
    text = text if len(text) <= length else text[: length - 1] + "…"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("{", "&#123;")


def _mark_paper(figure: go.Figure, thresholds: list[float]) -> None:
    """The thresholds of the paper, as small marks at the edge."""
    if thresholds:
        figure.add_scatter(
            x=thresholds, y=[0.0] * len(thresholds), mode="markers", cliponaxis=False,
            marker={"symbol": "triangle-up", "size": 9, "color": CAP},
            name="t in the paper", hovertemplate="t = %{x:,} in the paper<extra></extra>",
        )  # fmt: skip


def _positive(values: np.ndarray) -> np.ndarray:
    """A logarithmic axis has no place for 0."""
    return np.where(values > 0, values, np.nan)


def _log_axis(axis: go.layout.XAxis | go.layout.YAxis, low: float, high: float, title: str) -> None:
    """Ticks at 1, 10, 100 and so on; over less than two decades at 2 and 5 as well."""
    decades = np.log10(high / low)
    steps = (1,) if decades > 2 else (1, 2, 5)
    ticks = [step * 10.0**power for power in range(int(np.log10(high)) + 1) for step in steps]
    axis.update(type="log", range=[np.log10(low), np.log10(high)], title=title, tickvals=ticks, tickformat="~s")


def _dressed(figure: go.Figure) -> go.Figure:
    return figure.update_layout(
        height=430,
        margin={"l": 8, "r": 16, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        hovermode="closest",
        dragmode=False,
    )
