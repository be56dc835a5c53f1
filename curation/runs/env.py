"""What the units of a run need besides themselves, and the pairs of a unit as a run holds them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.balancing import t_min
from curation.engines import Unit
from curation.matching import RoutedMatcher
from curation.pool.pairs import Scanned
from curation.runs.arrays import Arrays, MappedArrays, arrays_of, entry_columns
from curation.runs.folder import Run
from curation.runs.reading import Reading
from curation.runs.routing import on_scale
from curation.scale import LanguageScale, one_language
from curation.uniform import uniform

RUN_PAIR_SCHEMA = pa.schema(
    [
        ("uid", pa.string()),
        ("text", pa.string()),
        ("url", pa.string()),
        ("image", pa.string()),  # "<input>:<row>", where the pool holds the image bytes
        ("matched_entry_ids", pa.list_(pa.int32())),
        ("t_min", pa.float64()),
    ]
)
LANGUAGE_FIELD = pa.field("language", pa.string())
"""Behind these, where metadata knows languages: in which the text was matched."""


@dataclass(frozen=True)
class Env:
    """What a unit of work needs besides itself; read-only, shared by all workers, small if its arrays are in files."""

    folder: Path
    plan_digest: str
    reading: Reading
    seed: int
    input_index: dict[str, int]
    arrays: Arrays | MappedArrays
    scale: LanguageScale
    drawn_share: float = 0.0

    @property
    def work(self) -> Path:
        """What is under way; gone at the end of the run."""
        return self.folder / "work"

    def match(self, texts: pa.Array, language: pa.Array | None) -> pa.ListArray:
        """The entries of each text, where there are languages those of its own."""
        matcher = self.arrays.matcher
        return matcher.match(texts, language) if isinstance(matcher, RoutedMatcher) else matcher.match(texts)


def environment(run: Run, entries: pa.Table, arrays: Arrays | MappedArrays, scale: LanguageScale | None = None) -> Env:
    """What the units of a run need.

    entries: entry string, and language string if metadata knows languages; scale: None while nothing is counted
    """
    _, language = entry_columns(entries)
    config = run.config
    return Env(
        folder=run.path,
        plan_digest=run.info["plan_digest"],
        reading=Reading(
            columns=config.columns,
            formats={file.path: file.format for file in run.inputs},
            config=config,
            languages=frozenset(language.to_pylist()) if language is not None else None,
            filtered=run.path / "filtered" if config.active_filters else None,
        ),
        seed=run.seed,
        input_index={file.path: at for at, file in enumerate(run.inputs)},
        arrays=arrays,
        scale=scale or one_language(len(entries)),
    )


def finished_environment(run: Run) -> Env:
    """That of a finished run, out of what it holds: to derive its pairs once more."""
    return environment(run, run.entries, arrays_of(run.entries, run.entry_count, run.seed), run.scale)


def entries_table(metadata: pa.Table, entry_count: np.ndarray) -> pa.Table:
    """entries.parquet: the entries of a run with their counts. metadata: entry, source, and language if it is known."""
    columns = {
        "entry_id": pa.array(np.arange(len(metadata), dtype=np.int32)),
        "entry": metadata["entry"],
        "source": metadata["source"].dictionary_encode(),
        "count": pa.array(entry_count),
    }
    if "language" in metadata.column_names:
        columns["language"] = metadata["language"].dictionary_encode()
    return pa.table(columns)


def pair_schema(env: Env) -> pa.Schema:
    """The columns of a run's pairs."""
    return RUN_PAIR_SCHEMA if env.reading.languages is None else RUN_PAIR_SCHEMA.append(LANGUAGE_FIELD)


def derive(unit: Unit, env: Env, languages: Path | None = None) -> Iterator[Scanned]:
    """The pairs of a unit as a run holds them, out of the pool; with the counts of the whole pool.

    languages: where the first pass kept those of the texts; None to decide them again
    """
    for batch in env.reading.pairs(unit, languages):
        yield replace(batch, pairs=_balanced(batch.pairs, unit, env))


def _balanced(pairs: pa.RecordBatch, unit: Unit, env: Env) -> pa.RecordBatch:
    entry_ids = env.match(pairs["text"], pairs["language"])
    u = uniform(pairs["uid"], entry_ids, env.arrays.entry_hash, env.seed)
    image = pc.binary_join_element_wise(
        str(env.input_index[unit.path]), pairs["image"], ":"
    )  # null where there is none
    smallest = t_min(entry_ids, u, env.arrays.entry_count)
    if env.reading.languages is not None:
        smallest = on_scale(smallest, pairs["language"], env.scale)
    columns = [pairs["uid"], pairs["text"], pairs["url"], image, entry_ids, pa.array(smallest), pairs["language"]]
    schema = pair_schema(env)
    return pa.RecordBatch.from_arrays(columns[: len(schema)], schema=schema)
