"""`headtail metadata`: build, look at and edit the entries a pool is matched against."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from curation.cli.apps import metadata_app
from curation.cli.options import (
    COUNT,
    SHOWN_FILES,
    Bigrams,
    Compat,
    Json,
    Output,
    SelectionOptions,
    Titles,
    Unigrams,
)
from curation.errors import BadArgument, CurationError
from curation.terminal import bar, byte_bar, number, plain, print_json, print_table
from curation.wikipedia.config import BUDGET, SelectionConfig

if TYPE_CHECKING:
    from curation.metadata import Metadata
    from curation.metadata.selection import Contribution


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
