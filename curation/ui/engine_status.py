"""How the engine of a run stands: what does not go as it should, and on a cluster who does the work."""

from collections.abc import Sequence

import pyarrow as pa
import streamlit as st

from curation.engines import Node, Status
from curation.engines.words import incidents, place
from curation.runs.standing import seconds
from curation.ui.text import label, number

SHOWN = 3
"""So many units are named of those that are slow, and of those that failed."""


def show_engine(status: Status, on_cluster: bool) -> None:
    """Draw it; nothing where this machine works and all is well."""
    told = incidents(status)
    if told or on_cluster:
        st.caption(" · ".join([place(status), *told]))
    if len(status.nodes) > 1:
        _show_nodes(status.nodes)
    slow = [f"{label(unit.unit, 200)}, for {seconds(unit.seconds)}" for unit in status.under_way if unit.slow]
    _show_units("Far slower than others:", slow[:SHOWN], len(slow))
    failed = [f"{label(trouble.unit, 200)}: {label(trouble.reason, 200)}" for trouble in status.troubles]
    _show_units("Tries that failed, the last first:", failed[: -SHOWN - 1 : -1], 0)


def _show_nodes(nodes: Sequence[Node]) -> None:
    """A line a node, those that are lost first."""
    lines = sorted(nodes, key=lambda node: (node.alive, node.name))
    most = max(node.done for node in nodes)
    st.dataframe(
        pa.table(
            {
                "node": [label(node.name) for node in lines],
                "done": [node.done for node in lines],
                "workers": [node.workers for node in lines],
                "state": ["works" if node.alive else "lost" for node in lines],
            }
        ),
        column_config={
            "node": st.column_config.TextColumn("Node"),
            "done": st.column_config.ProgressColumn("Units done", format="%d", min_value=0, max_value=max(most, 1)),
            "workers": st.column_config.NumberColumn("Workers"),
            "state": st.column_config.TextColumn("State"),
        },
        hide_index=True,
        key="watch_nodes",
        alt="nodes of the cluster",
    )


def _show_units(title: str, lines: Sequence[str], of: int) -> None:
    if not lines:
        return
    with st.container(gap="xsmall"):
        st.caption(title)
        for line in lines:
            st.text(line)
        if of > len(lines):
            st.caption(f"and {number(of - len(lines))} more")
