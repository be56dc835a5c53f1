"""Two curated sets beside each other: diff."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from curation.cli.apps import app
from curation.cli.options import COUNT, Json
from curation.terminal import plain, print_json, print_table

if TYPE_CHECKING:
    from curation.runs.diff import Diff


@app.command
def diff(
    a: Annotated[Path, Parameter(help="run folder, or folder of an export")],
    b: Annotated[Path, Parameter(help="the other one")],
    *,
    t_a: Annotated[float | None, Parameter(help="threshold for a run A; its own if not given")] = None,
    t_b: Annotated[float | None, Parameter(help="threshold for a run B; its own if not given")] = None,
    examples: Annotated[int, Parameter(validator=COUNT, help="how many pairs and entries to name of each kind")] = 10,
    as_json: Json = False,
) -> None:
    """Pairs and entries that only one of two curated sets has, and how far apart their distributions are."""
    from curation.runs.diff import diff as compare
    from curation.runs.diff import open_set

    sides = [open_set(path, t) for path, t in ((a, t_a), (b, t_b))]
    found = compare(sides[0], sides[1], examples=examples)
    if as_json:
        print_json({f.name: getattr(found, f.name) for f in fields(found) if f.name != "entries"})
        return
    _print_diff(found)


def _print_diff(found: "Diff") -> None:
    print_table(("", "A", "B"), [("pairs", f"{found.pairs_a:,}", f"{found.pairs_b:,}")])
    for name, (of_a, of_b) in found.origin.items():
        told = "differ" if isinstance(of_a, list) else f"{str(of_a)[:20]} | {str(of_b)[:20]}"
        print(f"{name}: {plain(told)}")
    if found.pairs is None:
        print("pairs: not compared, a card does not hold them")
    else:
        for side, count, uids in (
            ("A", found.pairs.only_a, found.pairs.examples_a),
            ("B", found.pairs.only_b, found.pairs.examples_b),
        ):
            print(f"pairs only in {side}: {count:,}{_such_as(uids)}")
    for what, entries in (("that match a text", found.matched), ("that a kept pair matches", found.covered)):
        print(f"entries {what}, only in A: {entries.lost:,}{_such_as(entries.lost_examples)}")
        print(f"entries {what}, only in B: {entries.gained:,}{_such_as(entries.gained_examples)}")
    print(f"KL(A || B) = {found.kl_a_b:.6g} nats, KL(B || A) = {found.kl_b_a:.6g} nats, over the kept counts")
    if found.changed:
        names = ("count_a", "kept_a", "count_b", "kept_b")
        rows = [(row["entry"], *(f"{row[name]:,}" for name in names)) for row in found.changed]
        print_table(("entry", "count A", "kept A", "count B", "kept B"), rows)


def _such_as(examples: list[str]) -> str:
    return f" ({plain(', '.join(examples))})" if examples else ""
