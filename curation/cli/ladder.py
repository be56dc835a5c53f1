"""The command `ladder`: the arms of the paper at equal samples seen, on one pool."""

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args

from cyclopts import Parameter

from curation.cli.apps import app
from curation.cli.jobs import of_the_app, resumable
from curation.cli.options import Json, LadderOptions, Output, RunFolder, Workers
from curation.clip.training.config import ARMS, Arm
from curation.errors import BadArgument
from curation.terminal import plain, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from curation.clip.ladder.folder import Ladder

Number = TypeVar("Number", int, float)
Numbers = Annotated[str | None, Parameter(show_default=False)]


@app.command
def ladder(
    run: RunFolder,
    *,
    output: Output,
    evaluate: Annotated[
        Path | None, Parameter(help="evaluation set (docs/evaluate.md); its classes are the task")
    ] = None,
    full: Annotated[
        bool, Parameter(negative="", help="three seeds and a sweep over t, rather than one of each")
    ] = False,
    t: Annotated[
        float | None, Parameter("-t", help="threshold of the balanced arms; that of the run if not given")
    ] = None,
    arms: Annotated[str, Parameter(help=f"of {', '.join(ARMS)}")] = ",".join(ARMS),
    sweep: Annotated[Numbers, Parameter(help="further thresholds of the arm balanced, such as 10,30,100")] = None,
    seeds: Annotated[Numbers, Parameter(help="such as 0,1,2")] = None,
    options: Annotated[LadderOptions, Parameter(name="*")] = LadderOptions(),  # noqa: B008  # frozen
    name: Annotated[str | None, Parameter(help="what people call it")] = None,
    workers: Workers = 0,
    resume: Annotated[bool, Parameter(negative="", help="go on with a stopped ladder")] = False,
    as_json: Json = False,
) -> None:
    """Train raw, English, matched, balanced and online at equal samples seen, and compare their accuracy."""
    from curation.clip.ladder.climb import climb
    from curation.clip.ladder.config import LadderConfig, preset
    from curation.clip.ladder.folder import Ladder, create_ladder
    from curation.runs.folder import open_finished_run
    from curation.runs.workspace import decoded_folder

    if resume:
        Ladder.open(output)
    else:
        if evaluate is None:
            raise BadArgument(
                "no evaluation set: give --evaluate FILE, whose classes are what the arms are compared on"
            )
        of = open_finished_run(run)
        usual = preset(t or of.t, str(evaluate.resolve()), full=full, **asdict(options))
        config = LadderConfig(
            t=usual.t,
            arms=_arms(arms),
            sweep=usual.sweep if sweep is None else _numbers("sweep", sweep, float),
            seeds=usual.seeds if seeds is None else _numbers("seeds", seeds, int),
            train=usual.train,
        )
        create_ladder(output, of, config, name=name or f"Ladder on {of.name}")
    with resumable(output, f"ladder {run}") as stopped, progress_bar() as show:
        workers = workers or os.cpu_count() or 1
        done = climb(output, decoded=decoded_folder(), workers=workers, on_progress=show, cancel=stopped)
    print_ladder(done, as_json)


def _arms(text: str) -> tuple[Arm, ...]:
    found = tuple(arm.strip() for arm in text.split(","))
    if unknown := [arm for arm in found if arm not in get_args(Arm)]:
        raise BadArgument(f"arm {unknown[0]!r}: give one of {', '.join(ARMS)}")
    return found  # type: ignore[return-value]


def _numbers(what: str, text: str, kind: Callable[[str], Number]) -> tuple[Number, ...]:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise BadArgument(f"{what} {text!r}: give numbers with commas between them") from None


def print_ladder(ladder: "Ladder", as_json: bool) -> None:
    """Accuracy by rung and group, and in a sentence what balancing did."""
    from curation.clip.ladder.summary import accuracies, sentence

    found = accuracies(ladder)
    if as_json:
        print_json({"ladder": str(ladder.path), "verdict": sentence(found), "accuracies": found})
        return
    rows = found.to_pylist()
    groups = list(dict.fromkeys(row["group"] for row in rows))
    cell = {(row["rung"], row["group"]): row for row in rows}
    table = []
    for rung in dict.fromkeys(row["rung"] for row in rows):
        first = cell[rung, groups[0]]
        values = [f"{100 * cell[rung, group]['accuracy']:.1f}" for group in groups]
        table.append((plain(rung), f"{first['items']:,}", f"{first['passes']:.1f}", str(first["seeds"]), *values))
    print_table(("arm", "pairs", "passes", "seeds", *groups), table)
    print(f"zero-shot accuracy in % of {cell[table[0][0], groups[0]]['pictures']:,} pictures")
    print(sentence(found))


@app.command(name="climb", show=False)
def climb_job(path: Path, *, workers: Workers = 0) -> None:
    """The job of a ladder that was planned elsewhere; the app starts it."""
    from curation.clip.ladder.climb import climb
    from curation.runs.workspace import decoded_folder

    with of_the_app() as stopped:
        climb(path, decoded=decoded_folder(), workers=workers or os.cpu_count() or 1, cancel=stopped)
