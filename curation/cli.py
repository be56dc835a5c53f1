"""The command `headtail`: each command calls one function of the library and prints what it says.

Exit code 0, 1 (it failed) or 2 (the arguments are wrong); an error is one line on stderr. Heavy imports stay inside the
commands, so that `headtail --help` answers at once.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import Field, asdict, field, fields, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter, validators

import curation
from curation.errors import BadArgument, CurationError
from curation.runs.config import CurateConfig
from curation.runs.export.options import ExportFormat, ExportOptions
from curation.terminal import bar, byte_bar, number, plain, print_json, print_table, progress_bar, share_bar
from curation.wikipedia.config import BUDGET, SelectionConfig

if TYPE_CHECKING:
    from curation.metadata import Metadata
    from curation.metadata.selection import Contribution
    from curation.queries import Carried, Company, EntryFacts, LabelFit
    from curation.runs.diff import Diff


def _parameter_of(option: Field[Any]) -> Parameter:
    """The name, help and group of a field as an option of a command."""
    group = {"group": option.metadata["group"]} if "group" in option.metadata else {}  # None would hide it
    return Parameter(option.metadata.get("flag"), help=option.metadata["help"], **group)


def _options_of(config: type) -> Any:
    """The configuration dataclass as options of a command: names, defaults and help stand in its fields alone."""
    made = [(f.name, Annotated[f.type, _parameter_of(f)], field(default=f.default)) for f in fields(config)]
    # cyclopts looks into a dataclass only if it belongs to a module that is not the standard library's
    namespace = {"__module__": __name__}
    return make_dataclass(f"{config.__name__}Options", made, frozen=True, kw_only=True, namespace=namespace)


if TYPE_CHECKING:
    CurateOptions = CurateConfig
    SelectionOptions = SelectionConfig
    WriteOptions = ExportOptions
else:
    CurateOptions = _options_of(CurateConfig)
    SelectionOptions = _options_of(SelectionConfig)
    WriteOptions = _options_of(ExportOptions)
SHOWN_FILES = 20
COUNT, PORT = validators.Number(gte=0), validators.Number(gte=1, lte=65535)
Workers = Annotated[
    int, Parameter(validator=COUNT, help="how many units of work at a time; 0: as many as there are cores")
]
Json = Annotated[bool, Parameter("--json", negative="", help="print JSON for machines")]
Output = Annotated[Path, Parameter(["--output", "-o"])]
Pool = Annotated[
    tuple[str, ...],
    Parameter(negative="", show_default=False, help="files, folders or patterns, of any format (docs/pools.md)"),
]
Unigrams = Annotated[
    Path | None, Parameter(help="counts of words: .parquet (n, gram, count) or .tsv[.gz] (gram, count)")
]
Bigrams = Annotated[
    Path | None, Parameter(help="counts of pairs of words, in the same forms; may be the same .parquet")
]
Titles = Annotated[
    tuple[Path, ...],
    Parameter(
        consume_multiple=True,
        negative="",
        show_default=False,
        help="hourly pageviews files, or .tsv[.gz] (title, views)",
    ),
]
Compat = Annotated[
    Literal["metaclip"] | None, Parameter(help="repeat what the original list does, slips included (docs/metadata.md)")
]
RunFolder = Annotated[Path, Parameter(help="run folder")]

app = App(
    name="headtail",
    help="See the head and the tail of an image-text pool, and curate it the MetaCLIP way.",
    version=curation.__version__,
)
metadata_app = App(name="metadata", help="Build and look at metadata, the entries a pool is matched against.")
app.command(metadata_app)
pool_app = App(name="pool", help="Look at pools: what they are taken for, and what would be lost of them.")
app.command(pool_app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command (of sys.argv); the only place where errors become text and an exit code."""
    try:
        app(sys.argv[1:] if arguments is None else arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _fail(f"{' '.join(str(error).split())} ('headtail --help' shows what there is)", 2)
    except CurationError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        _fail("stopped", 1)
    except OSError as error:
        _fail(f"{error.filename or 'system'}: {error.strerror or error}", 1)


@metadata_app.command(name="build")
def metadata_build(
    *,
    output: Output,
    wordnet: Annotated[Path | None, Parameter(help="dict folder of WordNet 3.0 (Debian: /usr/share/wordnet)")] = None,
    unigrams: Unigrams = None,
    bigrams: Bigrams = None,
    titles: Titles = (),
    options: Annotated[SelectionOptions, Parameter(name="*")] = SelectionOptions(),  # noqa: B008  # frozen
    compat: Compat = None,
    as_json: Json = False,
) -> None:
    """Build metadata from WordNet and Wikipedia; write .parquet (with sources), .json or .txt."""
    from curation.metadata_files import write_metadata
    from curation.wikipedia.build import Sources, build

    sources = Sources(wordnet=wordnet, unigrams=unigrams, bigrams=bigrams, titles=titles)
    config = SelectionConfig(**asdict(options))
    with bar(sources.titles_bytes, "titles") as advance:
        metadata, contributions = build(sources, config, compat, on_bytes=advance)
    write_metadata(metadata, output)
    _print_metadata(metadata, output, as_json, contributions=contributions)


@metadata_app.command(name="thresholds")
def metadata_thresholds(
    *,
    unigrams: Unigrams = None,
    bigrams: Bigrams = None,
    titles: Titles = (),
    options: Annotated[SelectionOptions, Parameter(name="*")] = SelectionOptions(),  # noqa: B008  # frozen
    compat: Compat = None,
    as_json: Json = False,
) -> None:
    """How many entries each threshold gives, before metadata is built from them."""
    from curation.wikipedia.build import Sources, thresholds

    sources = Sources(unigrams=unigrams, bigrams=bigrams, titles=titles)
    with bar(sources.titles_bytes, "titles") as advance:
        found = thresholds(sources, SelectionConfig(**asdict(options)), compat, on_bytes=advance)
    if as_json:
        print_json(found)
        return
    for source in found:
        print(f"{source.source}: {source.available:,} in all, {source.considered:,} considered")
        rows = [(number(effect.threshold), f"{effect.entries:,}", effect.note) for effect in source.effects]
        print_table((f"{source.measure} >=", "entries", ""), rows)


@metadata_app.command(name="count")
def metadata_count(
    dump: Annotated[Path, Parameter(help="pages-articles dump: .xml, .xml.bz2 or .xml.gz")],
    *,
    output: Output,
    resume: Annotated[bool, Parameter(negative="", help="go on with a stopped count")] = False,
    budget: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=1),
            help="distinct n-grams in memory, about 200 bytes each; the rest goes to disk",
        ),
    ] = BUDGET,
    as_json: Json = False,
) -> None:
    """Count the words and pairs of words of a Wikipedia dump; write .parquet (n, gram, count)."""
    from curation.engines import Cancelled
    from curation.runs.job import stop_on_signal
    from curation.wikipedia.count import count_dump

    with stop_on_signal() as stopped, byte_bar(dump, "counting") as show:
        try:
            found = count_dump(dump, output, resume=resume, budget=budget, on_bytes=show, cancel=stopped)
        except Cancelled:
            raise CurationError(
                f"{output}: cancelled; what is done is kept, go on with"
                f" 'headtail metadata count {dump} -o {output} --resume'"
            ) from None
    if as_json:
        print_json(found)
        return
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in found.dropped.items() if count)
    print(f"{output}: {found.words:,} words and {found.pairs:,} pairs of words, {found.tokens:,} tokens")
    print(f"  {found.articles:,} articles of {found.pages:,} pages" + (f" (left out: {left_out})" if left_out else ""))


@metadata_app.command(name="show")
def metadata_show(
    file: Path,
    *,
    longest: Annotated[int, Parameter(validator=COUNT, help="how many of the longest entries to show")] = 10,
    dead: Annotated[int, Parameter(validator=COUNT, help="how many of the dead entries to show")] = 10,
    as_json: Json = False,
) -> None:
    """Counts by source, dead entries (those no text can match) with the reason, and the longest entries."""
    from curation.metadata_files import read_metadata

    _print_metadata(read_metadata(file), file, as_json, longest, dead)


@metadata_app.command(name="edit")
def metadata_edit(
    file: Path,
    *,
    output: Output,
    add: Annotated[Path | None, Parameter(help="entries to add: .txt (one a line), .json or .parquet")] = None,
    remove: Annotated[Path | None, Parameter(help="entries to remove, in the same forms")] = None,
    merge: Annotated[
        tuple[Path, ...], Parameter(negative="", show_default=False, help="metadata to merge in; its sources stay")
    ] = (),
    language: Annotated[
        str | None, Parameter(help="where FILE has several languages: the code of the list to edit")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add, remove and merge entries; write the result as .parquet (with sources), .json or .txt."""
    from curation.metadata import Edits, edited
    from curation.metadata_files import read_metadata, write_metadata

    if add is None and remove is None and not merge:
        raise BadArgument("nothing to edit: give --add FILE, --remove FILE or --merge FILE")
    edits, left_out = Edits(language=language, merged=tuple(read_metadata(path) for path in merge)), Counter[str]()
    for path, change in ((add, Edits.adding), (remove, Edits.removing)):
        if path is not None:
            given = read_metadata(path)
            edits = change(edits, given.entry.to_pylist())
            left_out.update(given.dropped)
    found = edited(read_metadata(file), edits)
    left_out.update(found.left_out)
    write_metadata(found.metadata, output)
    told = {
        "file": str(output),
        "entries": len(found.metadata),
        "added": len(found.added),
        "removed": len(found.removed),
    }
    if as_json:
        print_json(told | {"left_out": left_out, "dead": found.dead, "digest": found.metadata.digest})
        return
    print(f"{output}: {told['entries']:,} entries, {told['added']:,} added, {told['removed']:,} removed")
    for reason, count in left_out.items():
        print(f"  without effect: {count:,} ({reason})")
    for entry in found.dead[:SHOWN_FILES]:
        print(f"  dead, no text can match it: {plain(entry.entry)} ({entry.reason})")


@pool_app.command(name="show")
def pool_show(
    pool: Pool,
    *,
    options: Annotated[CurateOptions, Parameter(name="*", show=False)] = CurateOptions(),  # noqa: B008  # frozen
    first: Annotated[int, Parameter(validator=COUNT, help="how many pairs to show")] = 3,
    as_json: Json = False,
) -> None:
    """What a pool is taken for: its files and formats, which column is read as what, and the first pairs."""
    from curation.pool.show import show_pool

    config = CurateConfig(**asdict(options))
    found = show_pool(pool, config.columns, config.pool_format, first)
    if as_json:
        print_json(found)
        return
    rows = [
        (file.path, file.format, f"{file.bytes:,}", "" if file.rows is None else f"{file.rows:,}")
        for file in found.files[:SHOWN_FILES]
    ]
    print_table(("file", "format", "bytes", "rows"), rows)
    if more := len(found.files) - SHOWN_FILES:
        print(f"and {more:,} more") if more > 0 else None
    print(f"fields of the first: {plain(', '.join(found.fields))}")
    for name, column in found.columns.items():
        print(f"  {name:<9} is read from {plain(column)}{' (guessed)' if name in found.guessed else ''}")
    for pair in found.first:
        told = {name: value for name, value in pair.items() if value is not None and name not in ("row", "text")}
        print(plain(f"{pair['text'][:200]}  {told}"))


@pool_app.command(name="check")
def pool_check(
    file: Annotated[str, Parameter(help="a file, or a folder or pattern: a line for each file in it")],
    *,
    options: Annotated[CurateOptions, Parameter(name="*", show=False)] = CurateOptions(),  # noqa: B008  # frozen
    as_json: Json = False,
) -> None:
    """Read a file to its end and count: rows that are pairs, those dropped by reason, and what is damaged."""
    from curation.pool.inputs import find_files
    from curation.pool.show import check_file

    config = CurateConfig(**asdict(options))
    with bar(None, "checking") as advance:
        checked = [
            (path, check_file(path, its_format, config.columns, advance))
            for path, its_format in find_files([file], config.pool_format)
        ]
    for path, found in checked:
        if as_json:
            print_json(found)
            continue
        print(f"{plain(str(path))}: {found.kept:,} pairs of {found.rows_in if found.rows_in is not None else '?'} rows")
        print_table((), [(f"  {reason}", f"{count:,}") for reason, count in {**found.dropped, **found.notes}.items()])
        for told in (found.damage, found.error):
            if told:
                print(f"  {plain(told)}")
    if any(found.error for _, found in checked):
        sys.exit(1)


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
    workers: Workers = 0,
    resume: Annotated[
        bool, Parameter(negative="", help="go on with a stopped run; it keeps its own configuration")
    ] = False,
    dry_run: Annotated[
        bool, Parameter(negative="", help="read a sample and predict size, time and disk; no run is made")
    ] = False,
    as_json: Json = False,
) -> None:
    """Match a pool, count, balance it and write a run folder."""
    from curation.engines import Cancelled
    from curation.metadata_files import read_metadata
    from curation.runs import curate as job
    from curation.runs.folder import open_run
    from curation.runs.job import stop_on_signal
    from curation.runs.plan import create_run

    if metadata is None and not resume:
        raise BadArgument("no metadata: give --metadata FILE (make one with 'headtail metadata build')")
    config = CurateConfig(**asdict(options))
    if dry_run and metadata is not None:
        _print_estimate(pool, read_metadata(metadata), config, workers, as_json)
        return
    if output is None:
        raise BadArgument("no run folder: give --output DIR")
    if resume:
        open_run(output)
    elif metadata is not None:
        create_run(output, pool, read_metadata(metadata), config)
    with stop_on_signal() as stopped, progress_bar() as show:
        try:
            run = job.run(output, workers=workers or os.cpu_count() or 1, on_progress=show, cancel=stopped)
        except Cancelled:
            raise CurationError(
                f"{output}: cancelled; what is done is kept, go on with 'headtail curate --resume -o {output}'"
            ) from None
    _print_size(output, run.t, as_json)


@app.command(show=False)
def run(path: Path, *, workers: Workers = 0) -> None:
    """The job of a run that was planned elsewhere; the app starts it."""
    from curation.engines import Cancelled
    from curation.runs import curate as job
    from curation.runs.job import stop_on_signal

    with stop_on_signal() as stopped, suppress(Cancelled):  # the folder says so
        job.run(path, workers=workers or os.cpu_count() or 1, cancel=stopped)


@app.command(show=False)
def task(path: Path) -> None:
    """The job of a task; the app starts it."""
    from curation.engines import Cancelled
    from curation.runs import job
    from curation.runs.tasks import run_task

    with job.stop_on_signal() as stopped, suppress(Cancelled):  # the folder says so
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


@app.command
def runs(folder: Path = Path("runs"), *, as_json: Json = False) -> None:
    """A line a run."""
    from curation.runs.folder import list_runs

    rows = [
        {
            "folder": str(found.path),
            "name": found.name,
            "state": found.state,
            "created": found.info["created"],
            "rows": found.rows,
            "t": found.info["totals"]["t"] if "totals" in found.info else None,
            "kept": found.info["totals"]["kept"] if "totals" in found.info else None,
        }
        for found in list_runs(folder)
    ]
    if as_json:
        print_json(rows)
    elif not rows:
        print(f"no runs in {folder}; make one with 'headtail curate POOL --metadata FILE -o {folder}/NAME'")
    for row in rows if not as_json else ():
        when = row["created"][:16].replace("T", " ")
        kept = f"{row['kept']:,} kept at t = {number(row['t'])}" if row["kept"] is not None else ""
        rows_there = "" if row["rows"] is None else f"{row['rows']:,} rows"
        print(f"{row['state']:<12}{when}  {rows_there:>19}  {plain(row['folder'])}  {kept}".rstrip())


@app.command
def size(
    run: RunFolder,
    *,
    t: Annotated[float | None, Parameter("-t", help="threshold; the run's own if not given")] = None,
    as_json: Json = False,
) -> None:
    """Pairs kept at t, expected size and sigma, head and tail."""
    _print_size(run, t, as_json)


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
def export(
    run: RunFolder,
    *,
    output: Output,
    t: Annotated[float | None, Parameter("-t", help="threshold; the run's own if not given")] = None,
    format: Annotated[ExportFormat, Parameter(help="what to write")] = "parquet",
    options: Annotated[WriteOptions, Parameter(name="*")] = WriteOptions(),  # noqa: B008  # frozen
    as_json: Json = False,
) -> None:
    """Write the curated set at t, with a manifest and a card of its entries."""
    from curation.engines import Cancelled
    from curation.runs.export.write import export as write
    from curation.runs.folder import open_finished_run
    from curation.runs.job import stop_on_signal

    found = open_finished_run(run)
    t, settings = found.t if t is None else t, ExportOptions(**asdict(options))
    with stop_on_signal() as stopped, bar(found.info["totals"]["pairs"], "exporting") as advance:
        try:
            manifest = write(found, t, output, format, settings, on_rows=advance, cancel=stopped)
        except Cancelled:
            raise CurationError(f"{output}: cancelled; nothing was written") from None
    if as_json:
        print_json(manifest)
        return
    print(f"{manifest['pairs']:,} pairs at t = {number(t)} in {len(manifest['files'])} file(s): {output}")
    for reason, count in manifest["funnel"][-1]["dropped"].items():
        print(f"  left out: {count:,} ({reason})")


@app.command
def verify(
    path: Annotated[Path, Parameter(help="run folder, or folder of an export")],
    *,
    run: Annotated[Path | None, Parameter(help="the run of an export, where it is not where it was")] = None,
    sample: Annotated[int, Parameter(validator=COUNT, help="how many units of a run are derived again")] = 8,
    everything: Annotated[bool, Parameter("--all", negative="", help="all units of a run")] = False,
    seed: Annotated[int, Parameter(validator=COUNT, help="which units: another seed, another choice")] = 0,
    as_json: Json = False,
) -> None:
    """Derive pairs again from the pool and compare every row: a sample of a run's, all of an export's."""
    from curation.runs.export.manifest import MANIFEST, open_export
    from curation.runs.export.verify import verify_export
    from curation.runs.folder import open_finished_run
    from curation.runs.verify import rows_to_check, verify_run

    if (path / MANIFEST).is_file() or path.name == MANIFEST:
        exported = open_export(path)
        origin = run or Path(exported.manifest["run"])
        if run is None and not origin.is_dir():
            raise CurationError(f"{origin}: the run of this export is not there any more; say where it is by --run RUN")
        found = open_finished_run(origin)
        with bar(found.info["totals"]["rows"], "verifying") as advance:
            report = verify_export(exported, found, on_rows=advance)
    else:
        found, chosen = open_finished_run(path), None if everything else sample
        with bar(rows_to_check(found, chosen, seed), "verifying") as advance:
            report = verify_run(found, sample=chosen, seed=seed, on_rows=advance)
    if as_json:
        print_json(report)
    else:
        for finding in report.findings:
            print(plain(finding))
        print(
            f"{plain(report.path)}: {report.files:,} files checked, {report.rows:,} pairs of {report.units:,} of"
            f" {report.of_units:,} units derived again: {len(report.findings) or 'no'} finding(s)"
        )
    if report.findings:
        sys.exit(1)


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


@app.command(name="app")
def open_app(
    run: Annotated[Path | None, Parameter(help="run folder to open first; the sample run if not given")] = None,
    *,
    port: Annotated[int, Parameter(validator=PORT, help="port on 127.0.0.1")] = 8501,
    browser: Annotated[bool, Parameter(help="open the browser")] = True,
) -> None:
    """Open the app in the browser."""
    from curation.runs.folder import open_run

    script = Path(curation.__file__).resolve().parents[1] / "app.py"
    if not script.is_file():
        raise BadArgument(f"{script}: the app comes with the source tree of headtail; clone it and run 'make app'")
    if run is not None:
        os.environ["HEADTAIL_RUN"] = str(open_run(run).path.resolve())
    if browser:
        url = f"http://127.0.0.1:{port}"
        subprocess.Popen([sys.executable, "-m", "curation", "open-when-ready", url], start_new_session=True)
    os.execv(sys.executable, [sys.executable, "-m", "curation.ui.server", str(port)])


@app.command(show=False)
def open_when_ready(url: str, *, seconds: int = 60) -> None:
    """Open the browser at a server on this machine as soon as that answers; give up silently."""
    import time
    import webbrowser
    from urllib.request import urlopen

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), urlopen(f"{url}/_stcore/health", timeout=2):
            webbrowser.open(url)
            return
        time.sleep(0.2)


def _print_metadata(
    metadata: "Metadata",
    path: Path,
    as_json: bool,
    longest: int = 0,
    dead: int = 0,
    contributions: "Sequence[Contribution]" = (),
) -> None:
    from curation.metadata import dead_entries

    found = dead_entries(metadata)
    long_entries = sorted(metadata.entry.to_pylist(), key=len, reverse=True)[:longest]
    if as_json:
        print_json(
            {
                "file": str(path),
                "entries": len(metadata),
                "by_source": metadata.count_by_source(),
                "by_language": metadata.count_by_language(),
                "dropped": metadata.dropped,
                "dead": len(found),
                "dead_entries": found[:dead],
                "longest": long_entries,
                "digest": metadata.digest,
                **({"sources": list(contributions)} if contributions else {}),
            }
        )
        return
    print(f"{path}: {len(metadata):,} entries")
    print_table((), [(f"  {code}", f"{count:,}") for code, count in metadata.count_by_language().items()])
    print_table((), [(f"  {source}", f"{count:,}") for source, count in metadata.count_by_source().items()])
    for reason, count in metadata.dropped.items():
        print(f"  left out: {count:,} ({reason})")
    print(f"  dead, no text can match them: {len(found):,}")
    print_table((), [(f"    {plain(entry.entry)}", entry.reason) for entry in found[:dead]])
    _print_contributions(contributions)
    if long_entries:
        print("  longest:")
    for entry in long_entries:
        print(f"    {plain(entry)}")


def _print_contributions(contributions: "Sequence[Contribution]") -> None:
    if not contributions:
        return
    rows = [
        (c.source, f"{c.available:,}", f"{c.chosen:,}", f"{c.already_there:,}", f"{c.new:,}") for c in contributions
    ]
    print_table(("source", "available", "chosen", "already there", "new"), rows)
    for one in contributions:
        if not one.chosen and one.best is not None:
            print(f"not one of the {one.source} reaches the threshold: the highest is {one.best:,.10g}")


def _print_estimate(
    pool: Sequence[str], metadata: "Metadata", config: CurateConfig, workers: int, as_json: bool
) -> None:
    from curation.engines import Cancelled
    from curation.runs.estimate import Range, estimate
    from curation.runs.job import stop_on_signal

    with stop_on_signal() as stopped, share_bar("dry run") as show:
        try:
            found = estimate(pool, metadata, config, workers=workers, on_share=show, cancel=stopped)
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


def _print_size(path: Path, t: float | None, as_json: bool) -> None:
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


def _reasons(dropped: dict[str, int], notes: dict[str, int], most: int = 6) -> str:
    """What was dropped for which reason, and what passed unjudged; of many reasons, such as languages, the first."""
    told = [(reason, count) for reason, count in dropped.items() if count]
    told += [(f"passed: {note}", count) for note, count in notes.items()]
    cell = ", ".join(f"{count:,} {reason}" for reason, count in told[:most])
    return cell + (f", {sum(count for _, count in told[most:]):,} for {len(told) - most} more" if told[most:] else "")


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


def _such_as(examples: list[str]) -> str:
    return f" ({plain(', '.join(examples))})" if examples else ""


def _fail(message: str, code: int) -> None:
    print(f"headtail: {plain(message)}", file=sys.stderr)
    sys.exit(code)
