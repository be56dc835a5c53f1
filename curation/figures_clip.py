"""What was measured of checkpoints -> Plotly figures; colours and rules are those of `figures`."""

import plotly.graph_objects as go
import pyarrow as pa

from curation.figures import BALANCED, CAP, RAW, dressed, escaped

CHECKPOINT_COLOURS = (BALANCED, CAP, RAW, "#7c3aed", "#db2777", "#2563eb", "#65a30d", "#b45309")
SYMBOLS = ("circle", "diamond", "square", "triangle-up")
"""After eight checkpoints colours come again, with another symbol."""

LANE = 0.7
"""So much of the room of a data set its checkpoints take, side by side."""


def checkpoints_by_data(found: pa.Table) -> go.Figure:
    """Checkpoints on data sets as dots with their 95 % intervals: a lane for each data set, protocol and shots.

    found: of one metric, as `queries.evaluations` gives it
    """
    rows = found.to_pylist()
    lanes = list(dict.fromkeys(_lane(row) for row in rows))
    checkpoints = list(dict.fromkeys((row["checkpoint_digest"], row["checkpoint"]) for row in rows))
    figure = go.Figure()
    for number, (digest, name) in enumerate(checkpoints):
        own = [row for row in rows if row["checkpoint_digest"] == digest]
        shift = LANE * ((number + 0.5) / len(checkpoints) - 0.5)
        figure.add_scatter(
            x=[row["value"] for row in own], y=[lanes.index(_lane(row)) + shift for row in own], mode="markers",
            error_x={
                "type": "data", "symmetric": False, "thickness": 1.5, "width": 3,
                "array": [row["high"] - row["value"] for row in own],
                "arrayminus": [row["value"] - row["low"] for row in own],
            },
            marker={
                "color": CHECKPOINT_COLOURS[number % len(CHECKPOINT_COLOURS)], "size": 9,
                "symbol": SYMBOLS[number // len(CHECKPOINT_COLOURS) % len(SYMBOLS)],
            },
            name=escaped(name, 40),
            customdata=[
                [escaped(name), escaped(row["data"]), _how(row), row["low"], row["high"], _seeds(row), row["n"]]
                for row in own
            ],
            hovertemplate="<b>%{customdata[0]}</b> on %{customdata[1]}<br>%{customdata[2]}"
            "<br>%{x:.1%} (%{customdata[3]:.1%} to %{customdata[4]:.1%})%{customdata[5]}"
            "<br>n = %{customdata[6]:,}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(lanes))), ticktext=[f"{escaped(data, 24)}<br>{how}" for data, _, how in lanes],
        autorange="reversed", showgrid=False, zeroline=False,
    )  # fmt: skip
    metric = rows[0]["metric"] if rows else ""
    figure.update_xaxes(title=metric, range=[-0.01, 1.01], tickformat=".0%", zeroline=False)
    height = max(430, 80 + len(lanes) * max(44, 14 * len(checkpoints)))
    return dressed(figure).update_layout(showlegend=True, height=height)


def _lane(row: dict[str, object]) -> tuple[str, str, str]:
    """Data set by name and digest, and how it was measured."""
    return str(row["data"]), str(row["data_digest"]), _how(row)


def _how(row: dict[str, object]) -> str:
    """The protocol in words, with the shots of probes and the templates of prompts."""
    protocol, shots = str(row["protocol"]), row["shots"]
    told = f"{protocol}, {'all' if shots is None else shots} shots" if protocol.startswith("probe") else protocol
    return told if row["templates"] is None else f"{told}, {escaped(str(row['templates']).rpartition('@')[0], 24)}"


def _seeds(row: dict[str, object]) -> str:
    return "" if row["sd"] is None else f"<br>mean of {row['seeds']} seeds, standard deviation {row['sd']:.1%}"
