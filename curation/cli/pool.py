"""`headtail pool`: what a pool is taken for, and what would be lost of it."""

import sys
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from curation.cli.apps import pool_app
from curation.cli.options import COUNT, SHOWN_FILES, CurateOptions, Json, Pool
from curation.runs.config import CurateConfig
from curation.terminal import bar, plain, print_json, print_table


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
