"""Writing an export: the pairs of a run with t_min < t, in one of the formats, with a card and a manifest."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curation import files, queries
from curation.engines import Cancelled
from curation.errors import BadArgument, MissingFile, UnreadableFile
from curation.runs.export.card import write_card
from curation.runs.export.format import PAIR_COLUMNS, Format, Task
from curation.runs.export.formats import EXPORTS
from curation.runs.export.kept import has_images, kept_pairs
from curation.runs.export.manifest import MANIFEST, make_manifest
from curation.runs.export.options import ExportOptions
from curation.runs.folder import Run
from curation.runs.plan import check_inputs


def export(
    run: Run,
    t: float,
    path: Path,
    kind: str,
    options: ExportOptions | None = None,
    *,
    on_rows: Callable[[int], None] = lambda rows: None,
    cancel: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Write the curated set of a finished run at t. The folder appears under its name when it is whole.

    kind:    one of EXPORTS
    on_rows: told how many rows of the run were gone through
    returns  the manifest
    raises   MissingFile (no such format), BadRun (the folder exists; an input changed), BadArgument (t < 1; a format
             that needs images, or uids of another form), Cancelled when `cancel()` turns true; nothing is left behind
    """
    if kind not in EXPORTS:
        raise MissingFile(f"format {kind!r}: give one of {', '.join(EXPORTS)}")
    form, options = EXPORTS[kind], options or ExportOptions()
    size = queries.size(run, t)
    columns = _columns(form, run, options)
    task = Task(run=run, size=size, options=options, schema=pa.schema([PAIR_COLUMNS.field(name) for name in columns]))
    dropped: Counter[str] = Counter()
    entry_kept = np.zeros(len(run.entries), np.int64)
    met = 0

    def usable() -> Iterator[pa.RecordBatch]:
        nonlocal dropped, met
        for batch in kept_pairs(run, t, [*dict.fromkeys([*columns, "matched_entry_ids"])], on_rows=on_rows):
            if cancel():
                raise Cancelled
            met += len(batch)
            held, left_out = form.usable(batch)
            dropped += left_out
            np.add.at(entry_kept, held["matched_entry_ids"].flatten().to_numpy(), 1)
            yield held.select(columns)

    with files.whole_folder(path) as folder:
        written = form.write(folder, usable(), task)
        dropped += written.dropped
        if met != size.kept:
            raise UnreadableFile(
                f"{run.path}: {met} pairs have t_min < {t:g}, its curves say {size.kept}; run it again"
            )
        for name in form.cards:
            write_card(folder / name, run.entries["entry"].combine_chunks(), run.entry_count, entry_kept)
        manifest = make_manifest(
            run,
            size,
            kind=kind,
            columns=columns,
            pairs=met - dropped.total(),
            dropped=dict(dropped),
            rows=written.rows,
            cards=form.cards,
            folder=folder,
        )
        files.write_json(folder / MANIFEST, manifest)
    return manifest


def _columns(form: Format, run: Run, options: ExportOptions) -> list[str]:
    """The columns that go out; raises BadArgument without images for a format that needs them."""
    columns = [name for name in form.columns if name != "language" or run.scale.codes != ("",)]
    if "image" not in columns:
        return columns
    with_images = options.images and has_images(run)
    if form.needs_images and not with_images:
        why = "are to be left out" if not options.images else "are not in the pool of this run"
        raise BadArgument(f"format {form.name!r} is made of images, and they {why}; choose another --format")
    if with_images:
        check_inputs(run)
    return [name for name in columns if name != "image" or with_images]
