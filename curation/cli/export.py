"""The curated set as files, and whether they and their run are what they say: export and verify."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from curation.cli.apps import app
from curation.cli.options import COUNT, Json, Output, RunFolder, WriteOptions
from curation.errors import CurationError
from curation.runs.export.options import ExportFormat, ExportOptions
from curation.terminal import bar, number, plain, print_json


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
