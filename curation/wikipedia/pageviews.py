"""Views of titles: hourly page-view files of Wikimedia, or lines of title, tab, views."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import BadMetadata, MissingFile, UnreadableFile
from curation.metadata.counted import SCHEMA, Counted, at_least, summed
from curation.metadata.titles import clean_titles
from curation.metadata.wordnet import Compat
from curation.wikipedia.config import BUDGET
from curation.wikipedia.lines import Lines, is_gzip
from curation.wikipedia.runs import merge_runs, write_table_run

_LOOK = 1 << 16


def read_titles(
    paths: Sequence[Path],
    *,
    domain: str = "en",
    min_views: int = 1,
    min_hourly_views: int = 1,
    compat: Compat = None,
    budget: int = BUDGET,
    on_bytes: Callable[[int], None] = lambda more: None,
) -> Counted:
    """Titles with their views added up over all files; those below min_views are left out.

    paths:            hourly files (lines of domain, title, views, bytes, as in pageviews-20220101-000000.gz) or files
                      of title, tab, views; plain or in gzip. Which it is, the first line tells
    domain:           lines of "en" count, and of "en.m" and "en.zero", its mobile sites; with compat only "en"
    min_hourly_views: a title counts in an hourly file only with so many views there, desktop and mobile each
    compat:           see `clean_titles`
    budget:           beyond so many distinct titles, counts go to disk, to be merged at the end
    on_bytes:         is told the bytes of each file that is done

    raises MissingFile, UnreadableFile, BadMetadata (not one title)
    """
    for path in paths:
        if not path.is_file():
            raise MissingFile(f"{path}: no such file; give hourly pageviews-* files, or a TSV of title and views")
    domains = [domain] if compat == "metaclip" else [domain, f"{domain}.m", f"{domain}.zero"]
    dropped: Counter[str] = Counter()
    gathered = SCHEMA.empty_table()
    with tempfile.TemporaryDirectory(prefix="headtail-titles-") as folder:
        runs: list[Path] = []
        for path in paths:
            for table in _views(path, domains, min_hourly_views, compat, dropped):
                gathered = pa.concat_tables([gathered, table])
                if len(gathered) >= budget:
                    gathered = summed(gathered)
                if len(gathered) >= budget // 2:  # it would be summed up again and again
                    runs.append(Path(folder) / f"{len(runs):05}.parquet")
                    write_table_run(runs[-1], summed(gathered))
                    gathered = SCHEMA.empty_table()
            on_bytes(path.stat().st_size)
        merged = [summed(gathered)] if not runs else merge_runs([*runs, _last_run(Path(folder), gathered)])
        counted = _kept(merged, min_views, dropped)
    if not counted.distinct:
        raise BadMetadata(f"{paths[0]}: not one title of {domain!r} (left out: {counted.dropped or 'nothing'})")
    return counted


def _last_run(folder: Path, gathered: pa.Table) -> Path:
    path = folder / "last.parquet"
    write_table_run(path, summed(gathered))
    return path


def _kept(tables: Sequence[pa.Table] | Iterator[pa.Table], min_views: int, dropped: Counter[str]) -> Counted:
    kept, distinct, total = [SCHEMA.empty_table()], 0, 0
    for table in tables:
        distinct += len(table)
        total += pc.sum(table["count"]).as_py() or 0
        kept.append(at_least(table, min_views))
    return Counted(pa.concat_tables(kept), distinct, total, {reason: n for reason, n in dropped.items() if n})


def _views(
    path: Path, domains: list[str], min_hourly_views: int, compat: Compat, dropped: Counter[str]
) -> Iterator[pa.Table]:
    """Tables of title and views of one file."""
    hourly = _is_hourly(path)
    lines = Lines(path, " ", ("domain", "text", "count", "bytes")) if hourly else Lines(path, "\t", ("text", "count"))
    wanted = pa.array([name.encode() for name in domains], pa.binary())
    for table in lines:
        if hourly:
            right = pc.is_in(table["domain"], value_set=wanted)
            table = table.filter(pc.and_(right, pc.greater_equal(table["count"], min_hourly_views)))
        titles, reasons = clean_titles(table["text"].combine_chunks(), compat)
        dropped.update(reasons)
        yield pa.table([titles, table["count"]], schema=SCHEMA).drop_null()
    dropped.update(lines.dropped)


def _is_hourly(path: Path) -> bool:
    """Whether lines have four fields with spaces between them; if not, they must have tabs."""
    with pa.input_stream(str(path), compression="gzip" if is_gzip(path) else None) as file:
        try:
            first = file.read(_LOOK).split(b"\n")[0]
        except OSError:  # not even the beginning can be unpacked; reading on will say so
            return True
    if b"\t" in first:
        return False
    if first and first.count(b" ") != 3:
        raise UnreadableFile(
            f"{path}: neither lines of domain, title, views, bytes (hourly page views) nor of title, tab, views"
        )
    return True
