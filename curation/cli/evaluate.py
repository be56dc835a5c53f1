"""Is the model better for it: evaluate."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from curation.cli.apps import app
from curation.cli.options import Json
from curation.errors import BadArgument
from curation.terminal import changing_bar, plain, print_json, print_table

if TYPE_CHECKING:
    import pyarrow as pa

    from curation.clip.protocol import Protocol

Checkpoints = Annotated[
    tuple[str, ...],
    Parameter(negative="", show_default=False, help="folders of checkpoints or trainings, or names of open_clip"),
]


@app.command
def evaluate(
    checkpoints: Checkpoints = (),
    *,
    data: Annotated[
        tuple[Path, ...],
        Parameter(
            consume_multiple=True, negative="", show_default=False, help="evaluation sets: folders, .parquet, .tar"
        ),
    ] = (),
    model: Annotated[str | None, Parameter(help="architecture of a file of weights, such as ViT-B-32")] = None,
    protocol: Annotated[str, Parameter(help="some of them")] = "zero-shot,retrieval,probe,probe-text",
    shots: Annotated[str, Parameter(help="training pictures a class of a probe")] = "5,20,50,full",
    seeds: Annotated[str, Parameter(help="of the draws of a probe")] = "0,1,2",
    templates: Annotated[str, Parameter(help="clip80, simple7, photo, plain, or a file with one a line")] = "clip80",
    labels: Annotated[Path | None, Parameter(help="class names: .txt (one a line), .json, .csv, .parquet")] = None,
    output: Annotated[
        Path | None,
        Parameter(["--output", "-o"], help="the table of results, .parquet; if not given, that of the workspace"),
    ] = None,
    again: Annotated[bool, Parameter(negative="", help="measure also what the table holds already")] = False,
    as_json: Json = False,
) -> None:
    """Measure checkpoints on evaluation sets: zero-shot, retrieval, linear probes, each with its interval."""
    from curation import queries
    from curation.class_lists import read_names
    from curation.clip import datasets, evaluation
    from curation.clip.checkpoint import load_checkpoint
    from curation.clip.features import FeatureStore
    from curation.clip.protocol import Prompts, units
    from curation.clip.templates import NAMES, read_templates
    from curation.runs.workspace import features_folder, results_file

    if not checkpoints or not data:
        raise BadArgument("nothing to measure: give one checkpoint or more, and --data with one evaluation set or more")
    wanted = units(_protocols(protocol), _shots(shots), [_number("--seeds", one) for one in _listed(seeds)])
    prompts = Prompts(
        name=templates if templates in NAMES else Path(templates).name, templates=read_templates(templates)
    )
    classes = None if labels is None else read_names(labels)
    results = output or results_file()
    with changing_bar() as show:
        sets = [datasets.load(path, classes, _counting(show, f"{path.name}: pictures")) for path in data]
        done = evaluation.evaluate(
            (load_checkpoint(where, model=model) for where in checkpoints),
            sets,
            wanted,
            prompts,
            store=FeatureStore(features_folder()),
            results=results,
            again=again,
            on_progress=show,
        )
    found = queries.evaluations([results], checkpoints=done.checkpoints, data=[one.digest for one in sets])
    if as_json:
        print_json({"measured": done.measured, "there": done.there, "notes": done.notes, "results": found})
        return
    _print_results(found)
    for note in done.notes:
        print(plain(note))
    print(f"{done.measured} measured, {done.there} were there already: {plain(str(results))}")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _protocols(text: str) -> "list[Protocol]":
    from curation.clip.protocol import PROTOCOLS

    names = _listed(text)
    unknown = [name for name in names if name not in PROTOCOLS]
    if unknown or not names:
        raise BadArgument(f"--protocol {text!r}: give some of {', '.join(PROTOCOLS)}, with commas between them")
    return [protocol for protocol in PROTOCOLS if protocol in names]


def _shots(text: str) -> list[int | None]:
    return [None if one == "full" else _number("--shots", one, " or full") for one in _listed(text)]


def _number(option: str, text: str, more: str = "") -> int:
    if not (text.isascii() and text.isdecimal()):
        raise BadArgument(f"{option} {text!r}: give whole numbers{more}, with commas between them")
    return int(text)


def _counting(show: Callable[[str, int, int], None], what: str) -> Callable[[int], None]:
    """Tells of pictures whose number is not known beforehand."""
    count = 0

    def more(pictures: int) -> None:
        nonlocal count
        count += pictures
        show(what, count, 0)

    return more


def _print_results(found: "pa.Table") -> None:
    head = ("checkpoint", "data", "protocol", "templates", "shots", "metric", "%", "95 %", "sd", "n", "dropped")
    print_table(head, [_cells(row) for row in found.to_pylist()])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["checkpoint"],
        row["data"],
        row["protocol"],
        row["templates"] or "",
        "full" if row["shots"] is None else str(row["shots"]),
        row["metric"],
        f"{100 * row['value']:.2f}",
        f"{100 * row['low']:.2f} - {100 * row['high']:.2f}",
        "" if row["sd"] is None else f"{100 * row['sd']:.2f}",
        f"{row['n']:,}",
        f"{row['dropped']:,}",
    )
