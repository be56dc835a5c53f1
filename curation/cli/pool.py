"""`headtail pool`: what a pool is taken for, and what would be lost of it."""

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from curation.cli.apps import pool_app
from curation.cli.checked import print_checked, told_as_json
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
    pool: Pool,
    *,
    options: Annotated[CurateOptions, Parameter(name="*", show=False)] = CurateOptions(),  # noqa: B008  # frozen
    as_json: Json = False,
) -> None:
    """Read files to their end and count: rows that are pairs, those dropped by reason, and what is damaged.

    They are read in a process with limits, so that none can do harm. The last line of --json is an object with rows_in,
    kept, dropped, damage and error, the sum over all files. Exit code 1 if one could not be read.
    """
    from curation.pool.checks import check_pool

    config = CurateConfig(**asdict(options))
    with told_as_json(as_json), bar(None, "checking") as advance:
        checked = check_pool(pool, config.columns, config.pool_format, advance)
    print_checked(checked, "pairs", as_json)
