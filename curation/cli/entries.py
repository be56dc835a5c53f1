"""What stands behind a pair, an entry and the names of a task: why, entry and labels."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from curation.cli.apps import app
from curation.cli.options import COUNT, Json, RunFolder
from curation.errors import BadArgument
from curation.terminal import number, plain, print_json, print_table

if TYPE_CHECKING:
    from curation.queries import Carried, Company, EntryFacts, LabelFit


@app.command
def why(
    run: RunFolder,
    uid: str,
    *,
    t: Annotated[float | None, Parameter("-t", help="threshold")] = None,
    as_json: Json = False,
) -> None:
    """The caption of a pair, its entries, their counts, p and u, and t_min."""
    from curation import queries
    from curation.runs.folder import open_finished_run

    found = open_finished_run(run)
    answer = queries.why(found, uid, found.t if t is None else t)
    if as_json:
        print_json(answer)
        return
    print(plain(answer.text))
    verdict = "kept" if answer.kept else "dropped"
    print(f"t = {number(answer.t)}: {verdict}; t_min = {answer.t_min:.6g}, pi = {answer.keep_prob:.4f}")
    if answer.language_t is not None:
        print(f"in {answer.language!r}, t is {number(answer.language_t)}: compare that with u x count")
    rows = [
        (e.entry, f"{e.count:,}", f"{e.prob:.4f}", f"{e.u:.6f}", f"{e.product:.6g}", "keeps it" if e.keeps else "")
        for e in answer.entries
    ]
    print_table(("entry", "count", "p", "u", "u x count", ""), rows)


@app.command(name="entry")
def show_entry(
    run: RunFolder,
    entry: Annotated[str, Parameter(help="as it is written in the metadata; upper and lower case differ")],
    *,
    t: Annotated[float | None, Parameter("-t", help="threshold; the run's own if not given")] = None,
    first: Annotated[int, Parameter(validator=COUNT, help="how many other entries to name of each kind")] = 10,
    as_json: Json = False,
) -> None:
    """What stands behind an entry: its texts before and after, what else they match, and who carried them through."""
    from curation import queries
    from curation.runs.folder import open_finished_run

    found = open_finished_run(run)
    number_of_it, t = queries.entry_id(found, entry), found.t if t is None else t
    facts = queries.entry_facts(found, number_of_it, t)
    company = queries.company(found, number_of_it, limit=first)
    carried = queries.carried(found, number_of_it, t, limit=first)
    if as_json:
        print_json({"facts": facts, "company": company, "carried": carried})
        return
    _print_entry(facts, company, carried)


@app.command
def labels(
    run: RunFolder,
    *,
    names: Annotated[Path | None, Parameter(help="class names: .txt (one a line), .json, .csv, .parquet")] = None,
    imagenet: Annotated[bool, Parameter(negative="", help="ImageNet's 1,000, out of open_clip_torch (MIT)")] = False,
    t: Annotated[float | None, Parameter("-t", help="threshold; the run's own if not given")] = None,
    as_written: Annotated[bool, Parameter(negative="", help="look for no other spelling of a name")] = False,
    examples: Annotated[int, Parameter(validator=COUNT, help="how many names without a match to show")] = 20,
    as_json: Json = False,
) -> None:
    """Will a set help a task? Which of its class names match, before and after, and KL(T || P)."""
    import pyarrow.compute as pc

    from curation import queries
    from curation.class_lists import imagenet_names, read_names
    from curation.runs.folder import open_finished_run

    if (names is None) != imagenet:
        raise BadArgument("give either --names FILE or --imagenet")
    found = open_finished_run(run)
    classes = imagenet_names() if names is None else read_names(names)
    fit = queries.labels(found, classes, found.t if t is None else t, spelling="as written" if as_written else "best")
    near = queries.near_entries(found, fit.names.filter(pc.equal(fit.names["count"], 0))["name"].to_pylist())
    if as_json:
        rows = [{**row, "near": near.get(row["name"], [])} for row in fit.names.to_pylist()]
        told = {f.name: getattr(fit, f.name) for f in fields(fit) if f.name != "names"}
        print_json({**told, "verdict": fit.verdict, "names": rows})
        return
    _print_labels(fit, near, examples)


def _print_entry(facts: "EntryFacts", company: "Company", carried: "Carried") -> None:
    where = f"rank {facts.rank:,}" if facts.rank else "matches nothing" + (f": {facts.dead}" if facts.dead else "")
    print(plain(f"{facts.entry}  ({facts.source}{f', {facts.language}' if facts.language else ''}), {where}"))
    print(
        f"t = {number(facts.own_t)}: {facts.kept:,} of its {facts.count:,} texts are kept;"
        f" p = {facts.prob:.4g}, so {facts.by_itself:,.10g} by itself on average"
    )
    if variants := facts.variants["entry"].to_pylist():
        print(f"spelled otherwise: {plain(', '.join(variants))}")
    if not facts.count:
        return
    looked = "all" if company.looked_at == company.of else f"{company.looked_at:,} drawn at random"
    print(f"of {looked} of its {company.of:,} pairs: {carried.kept:,} kept, {carried.by_itself:,} by the entry itself")
    print(f"and {carried.by_others:,} by others alone, {carried.by_tail:,} of these by entries of the tail")
    rows = [
        (row["entry"], f"{row['count']:,}", f"{row['carried']:,}", f"{row['alone']:,}")
        for row in carried.entries.to_pylist()
    ]
    if rows:
        print_table(("carried through by", "count", "pairs", "it alone"), rows)
    print_table(
        ("its pairs also match", "count", "pairs", "lift"),
        [
            (row["entry"], f"{row['count']:,}", f"{row['shared']:,}", f"{row['lift']:,.3g}")
            for row in company.entries.to_pylist()
        ],
    )


def _print_labels(fit: "LabelFit", near: dict[str, list[str]], examples: int) -> None:
    print(
        f"t = {number(fit.t)}: of {len(fit.names):,} names {fit.found:,} are entries, {fit.matching:,} match"
        f" ({fit.weight_matching:.1%} of T), {fit.covered:,} match a kept pair ({fit.weight_covered:.1%} of T)"
    )
    if fit.verdict is not None:
        print(f"KL(T || P) = {fit.before.kl:.4f} nats before, {fit.after.kl:.4f} after: {fit.verdict}")
        print(
            f"share of all matches on these names: {fit.before.mass:.2%} before, {fit.after.mass:.2%} after;"
            f" KL among them: {fit.before.within:.4f} before, {fit.after.within:.4f} after"
        )
    without = [row for row in fit.names.to_pylist() if not row["count"]]
    if without and examples:
        print(f"without a match: {len(without):,}" + (f", the first {examples:,}:" if len(without) > examples else ":"))
        rows = [(f"  {row['name']}", row["state"], ", ".join(near.get(row["name"], []))) for row in without]
        print_table(("  name", "state", "near it, and in the pool"), rows[:examples])
