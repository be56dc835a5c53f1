"""How much of a run a threshold keeps, and the threshold for a size: size and threshold."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from curation.cli.apps import app
from curation.cli.options import SHOWN_FILES, Json, RunFolder
from curation.errors import BadArgument
from curation.terminal import number, plain, print_json, print_table


@app.command
def size(
    run: RunFolder,
    *,
    t: Annotated[float | None, Parameter("-t", help="threshold; the run's own if not given")] = None,
    as_json: Json = False,
) -> None:
    """Pairs kept at t, expected size and sigma, head and tail."""
    print_size(run, t, as_json)


@app.command
def threshold(
    run: RunFolder,
    *,
    size: Annotated[int | None, Parameter(help="number of pairs to keep")] = None,
    tail_share: Annotated[float | None, Parameter(help="share of all matches on entries below t, such as 0.06")] = None,
    as_json: Json = False,
) -> None:
    """The threshold t for a size or a tail share."""
    from curation import queries
    from curation.runs.folder import open_finished_run

    if (size is None) == (tail_share is None):
        raise BadArgument("give either --size N or --tail-share P")
    found = open_finished_run(run)
    if size is not None:
        answer = queries.threshold_for_size(found, size)
    else:
        assert tail_share is not None
        answer = queries.threshold_for_tail_share(found, tail_share)
    if as_json:
        print_json(answer)
        return
    print(f"t = {number(answer.t)}: {answer.kept:,} pairs kept, tail share {answer.tail_share:.2%}")


def print_size(path: Path, t: float | None, as_json: bool) -> None:
    """Print the funnel of a finished run and what the threshold t (None: its own) keeps of it, or both as JSON."""
    from curation import queries
    from curation.runs.folder import open_finished_run

    found = open_finished_run(path)
    answer = queries.size(found, found.t if t is None else t)
    steps = queries.funnel(found, answer)
    languages = queries.by_language(found, answer.t)
    if as_json:
        print_json(
            {
                **asdict(answer),
                "funnel": [asdict(step) for step in steps],
                "by_language": languages,
                "damage": found.info["damage"],
                "notes": found.info["notes"],
            }
        )
        return
    print_table(
        ("step", "in", "out", "dropped"),
        [
            (
                step.step,
                f"{step.rows_in:,}",
                f"{step.rows_out:,}",
                _reasons(step.dropped, step.notes),
            )
            for step in steps
        ],
    )
    for line in found.info["damage"][:SHOWN_FILES]:
        print(f"damaged: {plain(line)}")
    for note, count in found.info["notes"].items():
        print(f"noted: {count:,} {plain(note)}")
    print(
        f"t = {number(answer.t)}: {answer.kept:,} pairs kept of {answer.pairs:,}"
        f" (expected {'' if answer.exact else 'about '}{answer.expected:,.0f} +- {answer.sigma:,.0f})"
    )
    print(
        f"tail share of the matches: {answer.tail_share:.2%} of the pool, {answer.kept_tail_share:.2%} of what is kept"
    )
    print(
        f"entries: {answer.entries_at_cap:,} in the head (count >= t), {answer.entries_covered:,} covered by kept pairs"
        f" of {answer.entries_matched:,} that match and {answer.entries:,} in the metadata"
    )
    if languages:
        print_table(
            ("language", "pairs", "matched", "t", "kept"),
            [
                (one.language, f"{one.pairs:,}", f"{one.matched:,}", number(one.t), f"{one.kept:,}")
                for one in languages
                if one.t is not None
            ],
        )


def _reasons(dropped: dict[str, int], notes: dict[str, int], most: int = 6) -> str:
    """What was dropped for which reason, and what passed unjudged; of many reasons, such as languages, the first."""
    told = [(reason, count) for reason, count in dropped.items() if count]
    told += [(f"passed: {note}", count) for note, count in notes.items()]
    cell = ", ".join(f"{count:,} {reason}" for reason, count in told[:most])
    return cell + (f", {sum(count for _, count in told[most:]):,} for {len(told) - most} more" if told[most:] else "")
