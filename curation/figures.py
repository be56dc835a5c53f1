"""Arrays -> Plotly figures.

Colours stand on a white page and on a dark one alike; whatever is not coloured here follows the page. Entries are data:
Plotly reads a few HTML tags and `%{...}` in what it writes, so they pass through `escaped` first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from curation.curves import PAPER_THRESHOLDS, Curves
from curation.queries import Size

RAW, BALANCED, CAP = "#8a94a6", "#0d9488", "#d97706"
HEAD_SHADE = "rgba(217, 119, 6, 0.09)"

EXACT_RANKS = 1000
"""Every one of the first ranks is drawn; from there on ranks are drawn evenly on the logarithm."""
SAMPLED_RANKS = 500

NOTHING = -0.7
"""Where 0 stands on an axis that holds logarithms: in a lane of its own, below 1."""

WRITTEN_NAMES = 30
"""So many class names still fit under an axis."""

NO_COUNT = 0.4
"""Where 0 stands on a logarithmic axis: below 1."""


@dataclass(frozen=True)
class Ranked:
    """The entries that match, by descending count, at the ranks that are drawn.

    rank:            (R,) int64, from 1
    entry:           R strings
    count, kept:     (R,) int64: texts of the pool, and of the pairs kept at t, with the entry
    matches, kept_matches: (R,) int64: sum of these from rank 1 to here, over all entries, drawn or not
    entries, head:   how many entries match at all, and how many of them have count >= t
    head_matches, all_matches, all_kept_matches: sums over all entries
    """

    t: float
    rank: np.ndarray
    entry: Sequence[str]
    count: np.ndarray
    kept: np.ndarray
    matches: np.ndarray
    kept_matches: np.ndarray
    entries: int
    head: int
    head_matches: int
    all_matches: int
    all_kept_matches: int


def shown_ranks(entries: int, also: Iterable[int] = ()) -> np.ndarray:
    """(R,) int64 ascending: the ranks, from 1, that are drawn out of so many; the first and the last are among them.

    >>> shown_ranks(5)
    array([1, 2, 3, 4, 5])
    >>> ranks = shown_ranks(500_000)
    >>> ranks.size < 1500, int(ranks[999]), int(ranks[-1])
    (True, 1000, 500000)
    """
    exact = np.arange(1, min(entries, EXACT_RANKS) + 1)
    sampled = np.geomspace(EXACT_RANKS, entries, SAMPLED_RANKS).astype(np.int64) if entries > EXACT_RANKS else exact
    inside = [rank for rank in (*also, entries) if 1 <= rank <= entries]
    return np.unique(np.concatenate([exact, sampled, np.array(inside, np.int64)]))


def ranked(
    curves: Curves, entry_kept: np.ndarray, entries: pa.ChunkedArray, t: float, only: np.ndarray | None = None
) -> Ranked:
    """What the charts over ranks show at t.

    entry_kept: (E,) int64, in the order of `curves.ranked_entry_id`; entries: all entries of the run, by entry id
    only:       (E,) bool: which of them; with languages those of one, for each has a t of its own
    """
    count, entry_id = curves.ranked_entry_count, curves.ranked_entry_id
    if only is not None:
        count, entry_id, entry_kept = count[only], entry_id[only], entry_kept[only]
    head = int(np.searchsorted(-count, -t, side="right"))
    rank = shown_ranks(count.size, also=(head, head + 1))
    at = rank - 1
    matches, kept_matches = np.cumsum(count), np.cumsum(entry_kept)
    return Ranked(
        t=t,
        rank=rank,
        entry=entries.take(pa.array(entry_id[at])).to_pylist(),
        count=count[at],
        kept=entry_kept[at],
        matches=matches[at],
        kept_matches=kept_matches[at],
        entries=count.size,
        head=head,
        head_matches=int(matches[head - 1]) if head else 0,
        all_matches=int(count.sum()),
        all_kept_matches=int(entry_kept.sum()),
    )


def rank_frequency(found: Ranked, size: Size) -> go.Figure:
    """How many texts each entry stands in, by rank, on two logarithms: in the pool, and among the pairs kept at t."""
    figure = go.Figure()
    _shade_head(figure, found)
    names = [escaped(entry) for entry in found.entry]
    rows = [[name, kept] for name, kept in zip(names, found.kept.tolist(), strict=True)]
    figure.add_scatter(
        x=found.rank, y=found.count, customdata=rows, mode="lines", line={"color": RAW, "width": 2.5},
        name=f"raw: all {size.pairs:,} pairs",
        hovertemplate="<b>%{customdata[0]}</b><br>rank %{x:,}<br>texts in the pool: %{y:,}"
        "<br>of these kept: %{customdata[1]:,}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=found.rank, y=_positive(found.kept), mode="markers", marker={"color": BALANCED, "size": 4, "opacity": 0.75},
        name=f"balanced: the {size.kept:,} pairs kept", hoverinfo="skip",
    )  # fmt: skip
    if found.head:
        figure.add_scatter(
            x=[0.5, found.head + 0.5], y=[found.t, found.t], mode="lines", hoverinfo="skip",
            line={"color": CAP, "width": 1.8, "dash": "dash"},
            name=f"cap t = {found.t:,.15g}: kept by the entry itself",
        )  # fmt: skip
    right = max(found.entries, 1) * 1.15
    top = max(float(found.count[0]) if found.rank.size else 1.0, 10.0)
    _mark_paper(figure, [(right, t) for t in PAPER_THRESHOLDS if t <= top], vertical=True)
    _label_head(figure, found)
    _log_axis(figure.layout.xaxis, 0.85, right, "entries by rank")
    below = 0.17 * np.log10(top * 1.6)  # room for the label of the head, for no point lies below 1
    _log_axis(figure.layout.yaxis, 10.0**-below, top * 1.6, "texts with the entry")
    return _dressed(figure)


def cumulative(found: Ranked, size: Size) -> go.Figure:
    """How many matches the first ranks hold together, in the pool and among the pairs kept at t."""
    figure = go.Figure()
    _shade_head(figure, found)
    lines = (
        (found.matches, found.all_matches, f"raw: matches of all {size.pairs:,} pairs", RAW),
        (found.kept_matches, found.all_kept_matches, f"balanced: matches of the {size.kept:,} pairs kept", BALANCED),
    )
    for values, total, name, colour in lines:
        figure.add_scatter(
            x=found.rank, y=values, customdata=values / max(total, 1), name=name, line={"color": colour, "width": 2.5},
            hovertemplate="the first %{x:,} entries<br>%{y:,} matches, %{customdata:.1%} of all<extra></extra>",
        )  # fmt: skip
    _label_head(figure, found, rising=True)
    _log_axis(figure.layout.xaxis, 0.85, max(found.entries, 1) * 1.15, "entries by rank")
    figure.update_yaxes(title="matches up to this rank", rangemode="tozero", tickformat="~s")
    return _dressed(figure)


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
    _mark_paper(figure, [(t, 0.0) for t in PAPER_THRESHOLDS if t <= grid[-1]], vertical=False)
    _log_axis(figure.layout.xaxis, min(grid[0], size.t) * 0.9, max(grid[-1], size.t) * 1.1, "t")
    figure.update_yaxes(title="pairs kept", range=[0, max(size.matched, 1) * 1.06], tickformat="~s")
    return _dressed(figure)


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
    return _dressed(figure)


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
    _log_axis(figure.layout.yaxis, NO_COUNT * 0.8, top, "texts with the name")
    figure.layout.yaxis.update(
        tickvals=[NO_COUNT, *figure.layout.yaxis.tickvals],
        ticktext=["0", *(f"{tick:,.0f}" for tick in figure.layout.yaxis.tickvals)],
    )
    return _dressed(figure)


def escaped(text: str, length: int = 80) -> str:
    """A text from data that Plotly shows as it is: no tag, no entity, no template; cut to a length.

    >>> escaped("<b>&amp; %{x}")
    '&lt;b&gt;&amp;amp; %&#123;x}'
    """
    text = " ".join(text[: 4 * length].split())
    text = text if len(text) <= length else text[: length - 1] + "…"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("{", "&#123;")


def _positive(values: np.ndarray) -> np.ndarray:
    """A logarithmic axis has no place for 0."""
    return np.where(values > 0, values, np.nan)


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


def _shade_head(figure: go.Figure, found: Ranked) -> None:
    if found.head:
        figure.add_vrect(x0=0.5, x1=found.head + 0.5, fillcolor=HEAD_SHADE, line_width=0, layer="below")


def _label_head(figure: go.Figure, found: Ranked, rising: bool = False) -> None:
    """Name head and tail in the corners that a falling, or a rising, line leaves free."""
    total = max(found.all_matches, 1)
    low, high = {"y": 0.02, "yanchor": "bottom"}, {"y": 0.98, "yanchor": "top"}
    head, tail = found.head_matches, found.all_matches - found.head_matches
    for name, entries, matches, x, xanchor, place in (
        ("head", found.head, head, 0.008, "left", high if rising else low),
        ("tail", found.entries - found.head, tail, 0.992, "right", low if rising else high),
    ):
        if entries:
            figure.add_annotation(
                text=f"<b>{name}</b>  {entries:,} entries<br>{matches / total:.1%} of the pool's matches",
                xref="paper", yref="paper", x=x, xanchor=xanchor, align=xanchor, showarrow=False, **place,
            )  # fmt: skip


def _mark_paper(figure: go.Figure, points: list[tuple[float, float]], vertical: bool) -> None:
    """The thresholds of the paper, as small marks at the edge."""
    if points:
        figure.add_scatter(
            x=[x for x, _ in points], y=[y for _, y in points], mode="markers", cliponaxis=False,
            marker={"symbol": "triangle-left" if vertical else "triangle-up", "size": 9, "color": CAP},
            name="t in the paper", hovertemplate=f"t = %{{{'y' if vertical else 'x'}:,}} in the paper<extra></extra>",
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
