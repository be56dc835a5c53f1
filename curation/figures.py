"""Arrays -> Plotly figures.

Colours stand on a white page and on a dark one alike; whatever is not coloured here follows the page. Entries are data:
Plotly reads a few HTML tags and `%{...}` in what it writes, so they pass through `escaped` first.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from curation.curves import PAPER_THRESHOLDS, Curves
from curation.queries import Carried, EntryFacts, Size

RAW, BALANCED, CAP = "#8a94a6", "#0d9488", "#d97706"

NOTHING = -0.7
"""Where 0 stands on an axis that holds logarithms: in a lane of its own, below 1."""

WRITTEN_NAMES = 30
"""So many class names still fit under an axis."""

NO_COUNT = 0.4
"""Where 0 stands on a logarithmic axis: below 1."""


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
    log_axis(figure.layout.xaxis, min(grid[0], size.t) * 0.9, max(grid[-1], size.t) * 1.1, "t")
    figure.update_yaxes(title="pairs kept", range=[0, max(size.matched, 1) * 1.06], tickformat="~s")
    return dressed(figure)


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
    log_axis(figure.layout.xaxis, min(grid[0], facts.t) * 0.9, max(grid[-1], facts.t) * 1.1, "t")
    log_axis(figure.layout.yaxis, 0.8, max(facts.count, 1) * 1.6, "texts with the entry")
    return dressed(figure)


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
    return dressed(figure).update_layout(showlegend=True)


def count_bins(largest: int) -> np.ndarray:
    """(B,) int64: the first count of each bin, the small ones alone, then about ten bins a decade; the last holds it.

    >>> count_bins(20)
    array([ 1,  2,  3,  4,  5,  6,  8, 10, 13, 16, 20])
    """
    decades = np.log10(max(largest, 1))
    return np.unique(np.round(10.0 ** (np.arange(int(10 * decades) + 1) / 10)).astype(np.int64))


def kept_against_kept(entries: pa.Table, changed: pa.Table) -> go.Figure:
    """The kept pairs of every entry in A and in B, on two logarithms, binned; those that changed most by name.

    entries: count_a, kept_a, count_b, kept_b int64; entries that neither side keeps are left out
    changed: some of these rows, the first of which are the first to get their names written, and `entry`
    """
    kept_a, kept_b = (entries[name].to_numpy() for name in ("kept_a", "kept_b"))
    largest = max(int(kept_a.max(initial=0)), int(kept_b.max(initial=0)))
    starts = count_bins(largest)
    edges = np.log10(np.append(starts, [max(starts[-1] + 1, int(starts[-1] * 10**0.1))]) - 0.5)
    # the second cell stays empty: it parts the 0 from the 1
    edges = np.concatenate([[NOTHING - 0.2, NOTHING + 0.2], edges])
    cell_a, cell_b = (np.where(kept > 0, 1 + np.searchsorted(starts, kept, "right"), 0) for kept in (kept_a, kept_b))
    side = edges.size - 1
    found = np.bincount(cell_b * side + cell_a, minlength=side * side).reshape(side, side)
    found[0, 0] = 0
    figure = go.Figure()
    figure.add_heatmap(
        x=edges, y=edges, z=np.where(found > 0, np.log10(np.maximum(found, 1)), np.nan),
        text=_cell_texts(_bin_names(starts), found),
        hovertemplate="%{text}<extra></extra>", hoverongaps=False,
        colorscale=[[0.0, "rgba(13, 148, 136, 0.22)"], [1.0, "rgba(13, 148, 136, 1)"]],
        zmin=0.0, zmax=max(1.0, float(np.log10(max(found.max(initial=1), 1)))),
        colorbar={"title": "entries", "thickness": 10, "len": 0.7, **_ticks(int(found.max(initial=1)))},
    )  # fmt: skip
    ends = [float(edges[2]), float(edges[-1])]
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": RAW, "width": 1.5, "dash": "dot"}, name="as many in both",
        hoverinfo="skip",
    )  # fmt: skip
    rows = [{**row, "entry": escaped(row["entry"])} for row in changed.to_pylist()]
    x, y = ([np.log10(row[name]) if row[name] else NOTHING for row in rows] for name in ("kept_a", "kept_b"))
    figure.add_scatter(
        x=x, y=y, mode="markers+text", name="share changed most", textposition="middle left",
        text=_names_apart(changed["entry"].to_pylist(), x, y, ends[1] - NOTHING),
        customdata=[[row[name] for name in ("entry", "kept_a", "kept_b", "count_a", "count_b")] for row in rows],
        marker={"color": CAP, "size": 7, "line": {"width": 1, "color": "white"}},
        hovertemplate="<b>%{customdata[0]}</b><br>kept in A: %{customdata[1]:,}, in B: %{customdata[2]:,}"
        "<br>texts of the pool of A: %{customdata[3]:,}, of B: %{customdata[4]:,}<extra></extra>",
    )  # fmt: skip
    for axis, name in ((figure.layout.xaxis, "A"), (figure.layout.yaxis, "B")):
        axis.update(
            title=f"kept pairs with the entry in {name}", range=[NOTHING - 0.25, ends[1] + 0.05], zeroline=False,
            tickvals=[NOTHING, *_ticks(largest)["tickvals"]], ticktext=["0", *_ticks(largest)["ticktext"]],
        )  # fmt: skip
    return dressed(figure)


def names_by_count(names: pa.Table, t: float | None) -> go.Figure:
    """The class names that are entries, by the texts of the pool they stand in, and how many of these are kept.

    names: as `queries.labels` gives them; t: where the cap is, None if it is not one for all
    """
    found = names.filter(pc.is_valid(names["entry"])).sort_by([("count", "descending"), ("name", "ascending")])
    rank, count, kept = np.arange(1, len(found) + 1), found["count"].to_numpy(), found["kept"].to_numpy()
    rows = [
        [escaped(row["name"], 40), escaped(row["entry"]), row["count"], row["kept"], row["state"]]
        for row in found.to_pylist()
    ]
    figure = go.Figure()
    figure.add_scatter(
        x=rank, y=np.where(count > 0, count, NO_COUNT), customdata=rows, mode="lines+markers",
        line={"color": RAW, "width": 1.5}, marker={"color": RAW, "size": 5}, name="before: texts of the pool",
        hovertemplate="<b>%{customdata[0]}</b><br>entry: %{customdata[1]}<br>texts in the pool: %{customdata[2]:,}"
        "<br>of these kept: %{customdata[3]:,}<br>%{customdata[4]}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=rank[count > 0], y=np.where(kept > 0, kept, NO_COUNT)[count > 0], mode="markers", hoverinfo="skip",
        marker={"color": BALANCED, "size": 5, "opacity": 0.8}, name="after: texts of the pairs kept",
    )  # fmt: skip
    if t is not None and (count >= t).any():
        figure.add_scatter(
            x=[0.5, int((count >= t).sum()) + 0.5], y=[t, t], mode="lines", hoverinfo="skip",
            line={"color": CAP, "width": 1.8, "dash": "dash"}, name=f"cap t = {t:,.15g}",
        )  # fmt: skip
    top = max(float(count.max(initial=1)), 10.0) * 1.6
    figure.update_xaxes(title="class names, the most frequent first", range=[0.0, max(len(found), 1) + 1.0])
    if len(found) <= WRITTEN_NAMES:
        figure.update_xaxes(tickvals=rank, ticktext=[row[0] for row in rows])
    log_axis(figure.layout.yaxis, NO_COUNT * 0.8, top, "texts with the name")
    figure.layout.yaxis.update(
        tickvals=[NO_COUNT, *figure.layout.yaxis.tickvals],
        ticktext=["0", *(f"{tick:,.0f}" for tick in figure.layout.yaxis.tickvals)],
    )
    return dressed(figure)


def similarities(
    pictures: Sequence[str], labels: Sequence[str], cosine: np.ndarray, probability: np.ndarray
) -> go.Figure:
    """The cosine of each picture with each label as a heat map; the label nearest to each picture is marked.

    cosine, probability: (N, C), a row for each picture
    """
    figure = go.Figure()
    rows, columns = list(range(len(pictures))), list(range(len(labels)))
    names = [escaped(name) for name in pictures]
    texts = [[f"<b>{names[row]}</b><br>{escaped(labels[column])}" for column in columns] for row in rows]
    figure.add_heatmap(
        x=columns, y=rows, z=cosine, text=texts, customdata=probability, xgap=1, ygap=1,
        hovertemplate="%{text}<br>cosine %{z:.3f}, probability %{customdata:.1%}<extra></extra>",
        colorscale=[[0.0, "rgba(13, 148, 136, 0.04)"], [1.0, "rgba(13, 148, 136, 1)"]],
        colorbar={"title": "cosine", "thickness": 10, "len": 0.7},
    )  # fmt: skip
    figure.add_scatter(
        x=cosine.argmax(axis=1), y=rows, mode="markers", name="nearest label", hoverinfo="skip",
        marker={"color": CAP, "size": 8},
    )  # fmt: skip
    dressed(figure)
    figure.update_xaxes(
        tickvals=columns, ticktext=[escaped(name, 20) for name in labels], tickangle=-45, showgrid=False,
        zeroline=False,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=rows, ticktext=[escaped(name, 20) for name in pictures], autorange="reversed", showgrid=False,
        zeroline=False,
    )  # fmt: skip
    return figure.update_layout(height=max(330, 170 + 24 * len(rows)), showlegend=True)


def escaped(text: str, length: int = 80) -> str:
    """A text from data that Plotly shows as it is: no tag, no entity, no template; cut to a length.

    >>> escaped("<b>&amp; %{x}")
    '&lt;b&gt;&amp;amp; %&#123;x}'
    """
    text = " ".join(text[: 4 * length].split())
    text = text if len(text) <= length else text[: length - 1] + "…"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("{", "&#123;")


def _bin_names(starts: np.ndarray) -> list[str]:
    """What is counted in each bin; the last one is open."""
    lasts = [*(starts[1:] - 1).tolist(), None]
    return [
        f"{first:,}" if first == last else f"{first:,} or more" if last is None else f"{first:,} to {last:,}"
        for first, last in zip(starts.tolist(), lasts, strict=True)
    ]


def _cell_texts(bins: Sequence[str], found: np.ndarray) -> list[list[str]]:
    """What is said of each cell, a row for each of B; the first is that of 0, the second one stays empty."""
    names = ["0", "", *bins]
    return [
        [f"kept in A: {names[a]}<br>kept in B: {names[b]}<br>entries: {n:,}" if n else "" for a, n in enumerate(row)]
        for b, row in enumerate(found.tolist())
    ]


def _ticks(largest: int) -> dict[str, list[Any]]:
    """Ticks of an axis that is a logarithm itself: at 1, 10, 100 and so on."""
    powers = range(int(np.log10(max(largest, 1))) + 1)
    return {"tickvals": list(powers), "ticktext": [f"{10**power:,}" for power in powers]}


def _names_apart(names: Sequence[str], x: Sequence[float], y: Sequence[float], size: float) -> list[str]:
    """The names, escaped; "" where one that came earlier would be written over."""
    taken: list[tuple[float, float]] = []
    shown = []
    for name, at_x, at_y in zip(names, x, y, strict=True):
        free = all(abs(at_x - other_x) > 0.15 * size or abs(at_y - other_y) > 0.05 * size for other_x, other_y in taken)
        shown.append(escaped(name, 20) if free else "")
        if free:
            taken.append((at_x, at_y))
    return shown


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


def log_axis(axis: go.layout.XAxis | go.layout.YAxis, low: float, high: float, title: str) -> None:
    """A logarithmic axis: ticks at 1, 10, 100 and so on; over less than two decades at 2 and 5 as well."""
    decades = np.log10(high / low)
    steps = (1,) if decades > 2 else (1, 2, 5)
    ticks = [step * 10.0**power for power in range(int(np.log10(high)) + 1) for step in steps]
    axis.update(type="log", range=[np.log10(low), np.log10(high)], title=title, tickvals=ticks, tickformat="~s")


def dressed(figure: go.Figure) -> go.Figure:
    """What all figures have in common: size, margins, where the legend is."""
    return figure.update_layout(
        height=430,
        margin={"l": 8, "r": 16, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        hovermode="closest",
        dragmode=False,
    )
