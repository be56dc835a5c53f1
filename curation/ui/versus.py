"""The other side of a comparison, B: another run, or the same one, at another t; and the pairs that one side alone has.

A is the run and the t that all pages look at. B stands in the address bar too: &with=<folder of a run>&t_b=<number>;
without `with` it is the same run. A select box bound to the address would write the run's name there, not its folder.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import streamlit as st

from curation import queries
from curation.balancing import check_t
from curation.errors import CurationError
from curation.runs.diff import EntryDiff
from curation.runs.folder import Run
from curation.runs.workspace import workspace
from curation.ui import cached, state
from curation.ui.gallery import show_pairs
from curation.ui.tables import show_table
from curation.ui.text import counted, label, notice, number

_number = partial(st.metric, delta_color="off", delta_arrow="off")

WALL = 8
"""Pairs of each side that are shown."""

AT_ONCE = 500_000
"""Runs with so many pairs together are compared pair by pair without being asked."""


@dataclass(frozen=True)
class Side:
    """A run at t, and how many pairs it keeps and entries these cover."""

    run: Run
    t: float
    pairs: int
    covered: int

    @property
    def at(self) -> tuple[Run, float]:
        """What the cached calls ask for."""
        return self.run, self.t


def choose_b(run: Run, t: float, names: dict[Path, str]) -> tuple[Side, Side]:
    """Draw the choice of B and the button that swaps the sides; A and B.

    names: of the finished runs, as people tell them apart
    """
    unknown = _read_address(list(names), run)
    chosen = st.session_state.get("versus_run")
    path = chosen if chosen in names else run.path
    b = cached.open_run(path)
    t_b = _thresholds().setdefault(path, queries.half_size_t(run, t) if path == run.path else b.t)
    st.session_state["versus_choice"], st.session_state["versus_t"] = path, t_b
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox("B: the run", list(names), format_func=names.__getitem__, key="versus_choice", on_change=_take_run)
        st.number_input(
            "t of B", min_value=1.0, step=1.0, format="%g", width=170, key="versus_t", on_change=_take_t, args=(path,)
        )
        st.button(
            "Swap A and B", key="versus_swap", icon=":material/swap_horiz:",
            on_click=_swap, args=(run.path, t, path, t_b),
        )  # fmt: skip
    if unknown is not None:
        notice(f"There is no finished run {label(unknown)!r} in the workspace.", icon="link_off")
    _write_address(run, path, t_b)
    return _side(run, t), _side(b, t_b)


def pairs_apart(a: Side, b: Side) -> tuple[int, int] | None:
    """How many pairs only A and only B has; None where all uids have to be compared and nobody asked for it."""
    if a.run.path == b.run.path:
        return max(0, a.pairs - b.pairs), max(0, b.pairs - a.pairs)
    about = (a.run.path, a.t, b.run.path, b.t)
    if a.run.info["totals"]["pairs"] + b.run.info["totals"]["pairs"] > AT_ONCE and about not in _asked():
        return None
    with st.spinner("Comparing the pairs by their uids ...", show_time=True):
        found = cached.diff_pairs(*a.at, *b.at, WALL)
    return found.only_a, found.only_b


def show_numbers(a: Side, b: Side, found: EntryDiff, only: tuple[int, int] | None) -> None:
    """Pairs and entries of both sides, and how far apart they are."""
    with st.grid(5, min_column_width=150):
        _beside("Pairs in A", a.pairs, only and only[0], "only in A")
        _beside("Pairs in B", b.pairs, only and only[1], "only in B")
        _beside("Entries covered in A", a.covered, found.covered.lost, "only in A")
        _beside("Entries covered in B", b.covered, found.covered.gained, "only in B")
        _number(
            "KL(A || B), nats", f"{found.kl_a_b:.4g}", f"{found.kl_b_a:.4g}", delta_description="KL(B || A)",
            help="Kullback-Leibler divergence between the shares of the entries among the kept matches: how surprised "
            "somebody who expects B is by A, and the other way round. 0 means equal shares. Half a count is added to "
            "every entry that either side keeps, so that one that only one side has does not make it infinite.",
        )  # fmt: skip
    if only is not None and only == (a.pairs, b.pairs) and a.pairs and b.pairs:
        notice(
            "A and B share not a single uid. A uid is the pool's own, or is made from the text and the url or image of "
            "a pair; if the pools hold the same pairs, they name them by different columns. What the two were made of "
            "is at the end of this page.",
            icon="link_off",
        )


def ask_for_pairs(a: Side, b: Side) -> None:
    """The button that has all uids compared."""
    about = (a.run.path, a.t, b.run.path, b.t)
    st.button(
        "Compare pair by pair", key="compare_pairs", icon=":material/difference:", on_click=_asked().add, args=(about,)
    )
    st.caption(
        f"{number(a.pairs)} and {number(b.pairs)} uids have to be compared, about half a second for each million. "
        "All about the entries is known without it."
    )


def show_walls(a: Side, b: Side, only: tuple[int, int]) -> None:
    """Pairs that only A has beside those that only B has, drawn at random and in the same order each time."""
    places = st.columns(2) if all(only) else [st.container(), st.container()]
    heads = (
        f"**Only in A**: {number(only[0])} of {number(a.pairs)} pairs",
        f"**Only in B**: {number(only[1])} of {number(b.pairs)} pairs",
    )
    for place, head, name, count in zip(places, heads, "AB", only, strict=True):
        with place:
            st.markdown(head)
            here = a if name == "A" else b
            if count:
                show_pairs(here.run, _some_only(a, b, name), here.t, key=f"only_{name}")
            else:
                st.caption("Every pair of this set is in the other one too.")


def show_origin(found: EntryDiff) -> None:
    """What the two were made of, where that differs."""
    st.subheader("Made of", anchor=False)
    st.caption("Where the two differ; all else is the same in both.")
    rows = [(name, *(_told(value) for value in values)) for name, values in found.origin.items()]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(("what", "A", "B"))}
    show_table(pa.table(columns), "made of", key="made_of", columns={"what": "What", "A": "A", "B": "B"})


def _side(run: Run, t: float) -> Side:
    size = cached.size(run, t)
    return Side(run, t, size.kept, size.entries_covered)


def _some_only(a: Side, b: Side, name: str) -> pa.Table:
    """Some pairs that only A, or only B, has."""
    here, there = (a, b) if name == "A" else (b, a)
    if a.run.path == b.run.path:
        return queries.samples(here.run, here.t, which="kept", since=there.t, limit=WALL)
    found = cached.diff_pairs(*a.at, *b.at, WALL)
    return queries.with_uids(here.run, found.examples_a if name == "A" else found.examples_b)


def _beside(title: str, count: int, alone: int | None, where: str) -> None:
    """A number, and beside it how many of these only one side has, if that is known."""
    if alone is None:
        _number(title, number(count))
    else:
        _number(title, number(count), number(alone), delta_description=where)


def _told(value: object) -> str:
    if isinstance(value, list):
        return f"{counted(len(value), 'value')}: " + ", ".join(str(one)[:12] for one in value[:5])
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return number(value) if isinstance(value, int | float) else label(str(value), 200)


def _read_address(paths: list[Path], run: Run) -> str | None:
    """Take over what the address bar says, where it changed; returns the name of a run that it asks for in vain."""
    written, unknown = st.session_state.get("versus_address", {}), None
    asked = {
        name: st.query_params[name]
        for name in ("with", "t_b")
        if name in st.query_params and st.query_params[name] != written.get(name)
    }
    if name := asked.get("with"):
        found = [path for path in paths if path.name == name and path.parent == workspace()]
        if found:
            st.session_state["versus_run"] = found[0]
        else:
            unknown = name
    if "t_b" in asked and unknown is None:
        with suppress(ValueError, CurationError):  # as for t, a typing error is no reason to stop
            _thresholds()[st.session_state.get("versus_run") or run.path] = check_t(float(asked["t_b"]))
    return unknown


def _write_address(run: Run, path: Path, t_b: float) -> None:
    address = {"t_b": f"{t_b:.15g}"}
    if path != run.path and path.parent == workspace():
        address["with"] = path.name
    for name in ("with", "t_b"):
        if name in address and st.query_params.get(name) != address[name]:
            st.query_params[name] = address[name]
        elif name not in address and name in st.query_params:
            del st.query_params[name]
    st.session_state["versus_address"] = address


def _take_run() -> None:
    st.session_state["versus_run"] = st.session_state["versus_choice"]


def _take_t(path: Path) -> None:
    if st.session_state["versus_t"] is not None:
        _thresholds()[path] = float(st.session_state["versus_t"])


def _swap(path_a: Path, t_a: float, path_b: Path, t_b: float) -> None:
    state.choose(path_b)
    st.session_state["versus_run"] = path_a
    state.set_t(cached.open_run(path_b), t_b)
    _thresholds()[path_a] = t_a


def _thresholds() -> dict[Path, float]:
    return st.session_state.setdefault("versus_thresholds", {})


def _asked() -> set[tuple[Path, float, Path, float]]:
    return st.session_state.setdefault("versus_asked", set())
