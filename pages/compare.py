"""What differs between two curations?"""

import streamlit as st

from curation import figures
from curation.runs.diff import SideName, entries_only_in, most_changed
from curation.ui import cached, frame, state, versus
from curation.ui.charts import show_figure
from curation.ui.tables import show_table
from curation.ui.text import number
from curation.ui.threshold import choose_t

ONLY: dict[SideName, str] = {
    "a": "**lost**: only A covers them with a kept pair",
    "b": "**gained**: only B covers them",
}

run = frame.current_run()
st.header("Compare", anchor=False)
st.caption("A is the run and the t that all pages look at; B is what it is compared with.")
t = choose_t(run)
a, b = versus.choose_b(run, t, frame.run_names([one for one in state.runs() if one.state == "done"]))
if a.at == b.at:
    st.info("A and B are the same set. Give B another t, or choose another run for it.", icon=":material/equal:")
    st.stop()

found = cached.diff_entries(*a.at, *b.at)
only = versus.pairs_apart(a, b)
versus.show_numbers(a, b, found, only)

figure = figures.kept_against_kept(found.entries, most_changed(found.entries, 40))
show_figure(figure, "kept_against_kept", "Kept pairs with each entry, in A and in B")
st.caption(
    f"Every entry, by how many of the {number(a.pairs)} pairs of A hold it (to the right) and of the {number(b.pairs)} "
    "of B (upwards). The darker a cell, the more entries are in it; in the lanes at 0 are those of one set alone. Dots "
    "are the 40 entries whose share of all kept matches changed most."
)

st.subheader("Pairs", anchor=False)
if only is None:
    versus.ask_for_pairs(a, b)
else:
    versus.show_walls(a, b, only)

st.subheader("Entries", anchor=False)
pools = {"count_a": "Pool of A", "count_b": "Pool of B"}
for column, side, name in zip(st.columns(2), ONLY, ("lost", "gained"), strict=True):
    with column:
        rows = entries_only_in(found.entries, side)
        st.markdown(f"{number(len(rows))} " + ONLY[side])
        if len(rows):
            titles = {"entry": "Entry", f"kept_{side}": f"Kept in {side.upper()}", **pools}
            show_table(rows, f"entries {name}", key=f"entries_{name}", columns=titles)
st.markdown("**Changed most**, by the share of all kept matches")
titles = {"entry": "Entry", "kept_a": "Kept in A", "kept_b": "Kept in B", **pools}
show_table(most_changed(found.entries, 1000), "entries changed", key="entries_changed", columns=titles)

versus.show_origin(found)
