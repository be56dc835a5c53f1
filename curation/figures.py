"""Arrays -> Plotly figures.

Colours stand on a white page and on a dark one alike; whatever is not coloured here follows the page. Entries are data:
Plotly reads a few HTML tags and `%{...}` in what it writes, so they pass through `escaped` first.
"""

import numpy as np
import plotly.graph_objects as go

from curation.curves import PAPER_THRESHOLDS, Curves
from curation.queries import Size

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
