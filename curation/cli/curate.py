"""The command that makes runs, curate; and the jobs that the app starts."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from curation.cli.apps import app
from curation.cli.jobs import of_the_app, resumable
from curation.cli.options import CurateOptions, EngineOptions, Json, Pool
from curation.cli.size import print_size
from curation.engines.config import EngineConfig
from curation.errors import BadArgument, CurationError
from curation.runs.config import CurateConfig
from curation.terminal import plain, print_json, print_table, progress_bar, share_bar

if TYPE_CHECKING:
    from curation.metadata import Metadata


@app.command
def curate(
    pool: Pool = (),
    *,
    output: Annotated[Path | None, Parameter(["--output", "-o"], help="the run folder")] = None,
    metadata: Annotated[
        Path | None,
        Parameter(help="metadata: .json, .txt, .parquet; for several languages a folder of en.json, zh.txt, ..."),
    ] = None,
    options: Annotated[CurateOptions, Parameter(name="*")] = CurateOptions(),  # noqa: B008  # frozen
    where: Annotated[EngineOptions, Parameter(name="*")] = EngineOptions(),  # noqa: B008  # frozen
    resume: Annotated[
        bool, Parameter(negative="", help="go on with a stopped run; it keeps its own configuration")
    ] = False,
    dry_run: Annotated[
        bool, Parameter(negative="", help="read a sample and predict size, time and disk; no run is made")
    ] = False,
    as_json: Json = False,
) -> None:
    """Match a pool, count, balance it and write a run folder."""
    from curation.engines.config import open_engine
    from curation.metadata_files import read_metadata
    from curation.runs import curate as work
    from curation.runs.folder import open_run
    from curation.runs.job import choose_engine
    from curation.runs.plan import create_run

    if metadata is None and not resume:
        raise BadArgument("no metadata: give --metadata FILE (make one with 'headtail metadata build')")
    config, place = CurateConfig(**asdict(options)), EngineConfig(**asdict(where))
    if dry_run and metadata is not None:
        _print_estimate(pool, read_metadata(metadata), config, place, _scratch(output, place), as_json)
        return
    if output is None:
        raise BadArgument("no run folder: give --output DIR")
    if resume:
        open_run(output)
    elif metadata is not None:
        create_run(output, pool, read_metadata(metadata), config)
    choose_engine(output, place)
    with resumable(output, "curate") as stopped, progress_bar() as show:
        run = work.run(output, open_engine(place), on_progress=show, cancel=stopped)
    print_size(output, run.t, as_json)


@app.command(show=False)
def run(path: Path) -> None:
    """The job of a run that was planned elsewhere; the app starts it."""
    from curation.engines.config import open_engine
    from curation.runs import curate as work
    from curation.runs.job import engine_of

    with of_the_app() as stopped:
        work.run(path, open_engine(engine_of(path)), cancel=stopped)


@app.command(show=False)
def task(path: Path) -> None:
    """The job of a task; the app starts it."""
    from curation.runs.tasks import run_task

    with of_the_app() as stopped:
        run_task(path, cancel=stopped)


@app.command(show=False)
def warm_up() -> None:
    """Compile what is compiled, once for this machine, rather than at the first run."""
    import numpy as np
    import pyarrow as pa

    from curation.curves import CurveBuilder
    from curation.matching import Matcher
    from curation.uniform import entry_hashes, uniform

    words = pa.array(["dog"])
    matched = Matcher(words).match(words)
    u = uniform(words, matched, entry_hashes(words, 0), 0)
    CurveBuilder(np.array([1]), np.array([1.0])).add(matched, u)


def _scratch(output: Path | None, where: EngineConfig) -> Path | None:
    """Where a dry run may write its sample: as near to the run folder as there is a folder, on the same disk.

    None for that of the system; raises BadArgument for a cluster, whose nodes do not share that one
    """
    if output is not None:
        return next(folder for folder in output.absolute().parents if folder.is_dir())
    if where.engine != "local":
        raise BadArgument(
            "no run folder: the sample of a dry run on a cluster lies where the run will; give --output DIR,"
            " in a folder that all nodes share"
        )
    return None


def _print_estimate(
    pool: Sequence[str],
    metadata: "Metadata",
    config: CurateConfig,
    where: EngineConfig,
    scratch: Path | None,
    as_json: bool,
) -> None:
    from curation.engines import Cancelled
    from curation.engines.config import open_engine
    from curation.runs.estimate import Range, estimate
    from curation.runs.job import stop_on_signal

    with stop_on_signal() as stopped, share_bar("dry run") as show, open_engine(where) as engine:
        try:
            found = estimate(pool, metadata, config, engine, scratch=scratch, on_share=show, cancel=stopped)
        except Cancelled:
            raise CurationError("cancelled; nothing was written") from None
    if as_json:
        print_json(found)
        return

    def told(one: Range) -> tuple[str, str, str]:
        return f"{one.value:,.0f}", f"{one.low:,.0f}", f"{one.high:,.0f}"

    print(
        f"estimate, from {found.rows_read:,} rows ({found.share:.2%} of the pool) in {found.parts:,} of"
        f" {found.of_parts:,} parts"
    )
    named = ("pairs", "matched", "matches", "t", "kept")
    rows = [(name, *told(getattr(found, name))) for name in named]
    print_table(("", "about", "from", "to"), [*rows, ("bytes of disk", *told(found.disk_bytes))])
    phases = ", ".join(f"{phase} {seconds:,.1f}" for phase, seconds in found.seconds.items())
    print(f"about {sum(found.seconds.values()):,.0f} s on this machine ({phases})")
    print(f"free on the disk: {found.free_bytes:,} bytes")
    for note in found.notes:
        print(f"noted: {plain(note)}")
