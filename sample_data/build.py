"""Build the emoji world: a SYNTHETIC pool of image-text pairs, its truth, an evaluation set, and metadata.

    python sample_data/build.py                           rebuilds the committed files
    python sample_data/build.py --pairs 200000 -o DIR     a bigger world, which begins with the same pairs
    python sample_data/build.py --concepts 300 -o DIR     another world, of the 300 most frequent concepts

Pair i depends on (--seed, i), --size, --concepts and --zipf-exponent alone: not on --pairs, --workers or
--shard-pairs. The same arguments give the same bytes on the same library versions. Nothing in it was taken
from the web.
"""

import argparse
import inspect
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from concepts import (
    FEWEST_CONCEPTS,
    LANGUAGES,
    Concept,
    ConceptsOutOfRange,
    SourceMissing,
    load_concepts,
)
from entries import metadata_table
from law import LAW
from pairs import EvalPicture, Pair, World, make_eval_pictures, make_pairs

HERE = Path(__file__).resolve().parent
ROW_GROUP = 1000
CHUNK = 250  # pairs a task: a quarter of a second of work

SYNTHETIC = (
    "SYNTHETIC data: emoji on drawn backgrounds with generated alt-texts, made by sample_data/build.py. "
    "Not from the web; the addresses do not exist. Credits and licences: sample_data/LICENSES.md"
)

IMAGE_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("image", pa.binary()),
    ("width", pa.int32()),
    ("height", pa.int32()),
]
POOL = pa.schema([("uid", pa.string()), ("url", pa.string()), ("text", pa.string()), *IMAGE_COLUMNS])
TRUTH = pa.schema(
    [
        ("uid", pa.string()),
        ("objects", pa.list_(pa.string())),
        ("boxes", pa.list_(pa.list_(pa.float32(), 4))),
        ("language", pa.string()),
        ("kind", pa.string()),
        ("swapped", pa.bool_()),
    ]
)
EVAL = pa.schema([("uid", pa.string()), *IMAGE_COLUMNS, ("label", pa.string()), ("label_id", pa.int32())])
CONCEPTS = pa.schema(
    [
        ("concept_id", pa.int32()),
        ("emoji", pa.string()),
        ("name", pa.string()),
        ("keywords", pa.list_(pa.string())),
        *((f"name_{language}", pa.string()) for language in LANGUAGES[1:]),
        ("probability", pa.float64()),
    ]
)

Row = TypeVar("Row", Pair, EvalPicture)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    options = parse(argv)
    try:
        build(**vars(options))
    except (ConceptsOutOfRange, SourceMissing, OSError) as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments of `build`, with its defaults."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="build.py",
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    defaults = {name: of_build.default for name, of_build in inspect.signature(build).parameters.items()}
    for option, least, what in (
        ("pairs", 1, "pairs in the pool"),
        ("seed", 0, "another seed is another world"),
        ("size", 16, "side of a picture in pixels"),
        ("concepts", FEWEST_CONCEPTS, "so many concepts, the most frequent ones"),
        ("eval-per-concept", 1, "pictures of a concept in eval.parquet"),
        ("workers", 1, "processes"),
        ("shard-pairs", 1, "pairs in a file"),
    ):
        default = defaults[option.replace("-", "_")]
        told = "all" if default is None else default
        parser.add_argument(
            f"--{option}", type=at_least(least), default=default, help=f"{what} (default: {told})"
        )
    parser.add_argument(
        "--zipf-exponent",
        type=steepness,
        default=defaults["zipf_exponent"],
        help=f"how steeply frequencies fall (default: {defaults['zipf_exponent']})",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=defaults["output"], help="folder (default: this script's)"
    )
    return parser.parse_args(argv)


def at_least(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number that is not below `least`."""

    def whole_number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return whole_number


def steepness(text: str) -> float:
    """An argparse type: a number above 0 and at most 5."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.0 < found <= 5.0:  # not so for NaN
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and at most 5")
    return found


def build(
    output: Path = HERE,
    *,
    pairs: int = 8000,
    seed: int = 0,
    size: int = 64,
    concepts: int | None = None,
    zipf_exponent: float = LAW.zipf_exponent,
    eval_per_concept: int = 2,
    workers: int = 2,
    shard_pairs: int = 4000,
) -> None:
    """Write a whole world into the folder `output`; the defaults are those that made the committed files.

    concepts:      only so many, the most frequent ones; None: all
    zipf_exponent: how steeply their frequencies fall, see `law.py`
    raises    ConceptsOutOfRange, SourceMissing; FileExistsError (files of a bigger world)
    """
    world, shown = World(seed, size, concepts, zipf_exponent), load_concepts(concepts, zipf_exponent)
    metadata = metadata_table(shown)
    shards = -(-pairs // shard_pairs)
    for folder in ("pool", "truth"):
        refuse_left_over_shards(output / folder, shards)
        (output / folder).mkdir(parents=True, exist_ok=True)
    write_table(output / "concepts.parquet", concept_table(shown))
    write_table(output / "metadata.parquet", metadata)
    with processes(workers) as executor:
        balanced = run(executor, make_eval_pictures, (world, eval_per_concept), spans(0, len(shown), CHUNK))
        write_table(output / "eval.parquet", eval_table(flat(balanced), size, shown))
        rows = progress(flat(run(executor, make_pairs, (world,), spans(0, pairs, CHUNK))), pairs)
        for shard in range(shards):
            of_shard = list(islice(rows, shard_pairs))
            write_table(output / "pool" / f"{shard:05d}.parquet", pool_table(of_shard, size))
            write_table(output / "truth" / f"{shard:05d}.parquet", truth_table(of_shard))


def refuse_left_over_shards(folder: Path, shards: int) -> None:
    """A bigger world's files beside a smaller world's would be read as one pool."""
    for path in sorted(folder.glob("*.parquet")):
        if path.stem not in {f"{shard:05d}" for shard in range(shards)}:
            raise FileExistsError(
                f"{path}: left from another build and not part of this one; remove it first"
            )


def processes(workers: int) -> AbstractContextManager[ProcessPoolExecutor | None]:
    """The worker processes; None for one worker, which is this process."""
    if workers == 1:
        return nullcontext()
    # spawn: pyarrow has threads, and a fork of a process with threads can hang
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def run(
    pool: ProcessPoolExecutor | None,
    make: Callable[..., list[Row]],
    of_all: tuple[object, ...],
    parts: Sequence[tuple[int, int]],
) -> Iterator[list[Row]]:
    """make(*of_all, start, stop) of every part, in their order."""
    tasks = [of_all + part for part in parts]
    if pool is None:
        return (make(*task) for task in tasks)
    return pool.map(make, *zip(*tasks, strict=True))


def spans(start: int, stop: int, step: int) -> list[tuple[int, int]]:
    """The range start..stop in pieces of `step`: [(start, start + step), ...]."""
    return [(first, min(first + step, stop)) for first in range(start, stop, step)]


def flat(parts: Iterable[list[Row]]) -> Iterator[Row]:
    """The rows of all parts."""
    for part in parts:
        yield from part


def progress(rows: Iterable[Row], total: int) -> Iterator[Row]:
    """The same rows, with a line of progress on standard error."""
    start = time.monotonic()
    for done, row in enumerate(rows, start=1):
        if done % CHUNK == 0 or done == total:
            rate = done / (time.monotonic() - start)
            end = "\n" if done == total else ""
            print(
                f"\r{done:,} of {total:,} pairs ({rate:,.0f} a second)", end=end, file=sys.stderr, flush=True
            )
        yield row


def pool_table(pairs: Sequence[Pair], size: int) -> pa.Table:
    """What a crawler would have: no word of the truth."""
    return pa.Table.from_pylist(
        [
            {
                "uid": pair.uid,
                "url": pair.url,
                "text": pair.text,
                "image": pair.image,
                "width": size,
                "height": size,
            }
            for pair in pairs
        ],
        POOL,
    )


def truth_table(pairs: Sequence[Pair]) -> pa.Table:
    """What only the maker of a synthetic world can know, in the rows of the pool."""
    return pa.Table.from_pylist([asdict(pair) for pair in pairs], TRUTH)


def eval_table(pictures: Iterable[EvalPicture], size: int, concepts: Sequence[Concept]) -> pa.Table:
    """Every concept as often as any other."""
    return pa.Table.from_pylist(
        [
            asdict(picture) | {"width": size, "height": size, "label": concepts[picture.label_id].name}
            for picture in pictures
        ],
        EVAL,
    )


def concept_table(concepts: Sequence[Concept]) -> pa.Table:
    """One row a concept, the most frequent first."""
    return pa.Table.from_pylist(
        [
            {
                "concept_id": concept.rank,
                "emoji": concept.emoji,
                "name": concept.name,
                "keywords": list(concept.keywords),
                "probability": concept.probability,
                **{f"name_{language}": concept.names[language] for language in LANGUAGES[1:]},
            }
            for concept in concepts
        ],
        CONCEPTS,
    )


def write_table(path: Path, table: pa.Table, description: str = SYNTHETIC) -> None:
    """A Parquet file that says what it is, with checksums, and without statistics of picture bytes."""
    pq.write_table(
        table.replace_schema_metadata({"synthetic": "true", "description": description}),
        path,
        row_group_size=ROW_GROUP,
        compression="zstd",
        use_dictionary=[
            name for name in table.column_names if name not in ("uid", "url", "text", "image", "entry")
        ],
        write_statistics=[name for name in table.column_names if name != "image"],
        write_page_checksum=True,
    )


if __name__ == "__main__":
    sys.exit(main())
