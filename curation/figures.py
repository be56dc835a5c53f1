"""Arrays -> Plotly figures.

Colours stand on a white page and on a dark one alike; whatever is not coloured here follows the page. Entries are data:
Plotly reads a few HTML tags and `%{...}` in what it writes, so they pass through `escaped` first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from curation.curves import PAPER_THRESHOLDS, Curves
from curation.queries import Carried, EntryFacts, Size

RAW, BALANCED, CAP = "#8a94a6", "#0d9488", "#d97706"
HEAD_SHADE = "rgba(217, 119, 6, 0.09)"

EXACT_RANKS = 1000
"""Every one of the first ranks is drawn; from there on ranks are drawn evenly on the logarithm."""
SAMPLED_RANKS = 500


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


def _positive(values: np.ndarray) -> np.ndarray:
    """A logarithmic axis has no place for 0."""
    return np.where(values > 0, values, np.nan)


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
