"""The metrics of a training -> Plotly figures; colours and rules are those of `figures`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from curation.figures import BALANCED, CAP, RAW, dressed

CURVE_HEIGHT = 300
LEAST_TOP = 0.05
"""An axis of accuracy reaches at least so far, so that what is hardly above nothing looks like that."""

Metrics = Sequence[Mapping[str, Any]]
"""The lines of metrics.jsonl, as `clip.training.folder` describes them."""


def loss_by_samples(metrics: Metrics, samples: int, batch_size: int) -> go.Figure:
    """The loss over the samples seen, beside that of a model that guesses.

    samples: of the whole training, which the axis reaches
    """
    rows = [line for line in metrics if "loss" in line]
    figure = go.Figure()
    figure.add_scatter(
        x=[0, samples], y=[math.log(batch_size)] * 2, mode="lines", hoverinfo="skip",
        line={"color": RAW, "width": 1.5, "dash": "dot"}, name=f"guessing: ln {batch_size:,}",
    )  # fmt: skip
    figure.add_scatter(
        x=[row["samples"] for row in rows], y=[row["loss"] for row in rows], mode="lines", name="loss",
        line={"color": BALANCED, "width": 2},
        customdata=[[row["epoch"] + 1, row["learning_rate"], row["logit_scale"]] for row in rows],
        hovertemplate="<b>%{y:.3f}</b> after %{x:,} samples<br>pass %{customdata[0]}"
        "<br>learning rate %{customdata[1]:.2g}, scale %{customdata[2]:.1f}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="samples seen", range=[0, samples], tickformat="~s")
    figure.update_yaxes(title="loss, nats", rangemode="tozero")
    return dressed(figure).update_layout(height=CURVE_HEIGHT)


def accuracy_by_samples(metrics: Metrics, samples: int) -> go.Figure:
    """Zero-shot accuracy over the samples seen: of all pictures, and with every class as heavy as any other."""
    rows = [line for line in metrics if "top1" in line]
    figure = go.Figure()
    for name, column, colour, dash in (
        ("mean per class", "mean_per_class", CAP, "dot"),
        ("top-1", "top1", BALANCED, "solid"),
    ):
        figure.add_scatter(
            x=[row["samples"] for row in rows], y=[row[column] for row in rows], mode="lines+markers", name=name,
            line={"color": colour, "width": 2, "dash": dash}, marker={"size": 6},
            hovertemplate=f"<b>%{{y:.1%}}</b> {name} after %{{x:,}} samples<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title="samples seen", range=[0, samples], tickformat="~s")
    top = max([LEAST_TOP, *(row[column] for row in rows for column in ("top1", "mean_per_class"))])
    figure.update_yaxes(title="zero-shot accuracy", range=[0, 1.08 * top], tickformat=".0%")
    return dressed(figure).update_layout(height=CURVE_HEIGHT)
